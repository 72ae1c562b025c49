"""The messages that xapi makes from the data model itself: they read and write the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nova_virt_xenapi.testing.simulator.datamodel import ClassModel
from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.types import NULL, checked
from nova_virt_xenapi.testing.simulator.world import Context

__all__ = ["constructor_fields", "constructor_values", "implementation"]

Implementation = Callable[..., Any]


def implementation(model: ClassModel, name: str) -> Implementation | None:
    """What an implicit message of a class does; None for one that is more than the database."""
    whole: dict[str, Implementation] = {
        "get_all": lambda ctx: list(ctx.db.tables[model.name]),
        "get_all_records": lambda ctx: {
            ref: ctx.db.record(model.name, ref) for ref in ctx.db.tables[model.name]
        },
        "get_record": lambda ctx, ref: ctx.db.record(model.name, ref),
        "get_by_uuid": lambda ctx, uuid: _by_uuid(ctx, model.name, uuid),
        "get_by_name_label": lambda ctx, label: [
            ref for ref, _ in ctx.db.where(model.name, name_label=label)
        ],
    }
    if name in whole:
        return whole[name]
    for prefix, make in _OF_FIELD.items():
        if name.startswith(prefix) and name.removeprefix(prefix) in model.fields:
            return make(model.name, name.removeprefix(prefix))
    return None


def _by_uuid(ctx: Context, class_name: str, uuid: str) -> str:
    for ref, _ in ctx.db.where(class_name, uuid=uuid):
        return ref
    raise XapiError("UUID_INVALID", class_name, uuid)


def _getter(class_name: str, name: str) -> Implementation:
    return lambda ctx, ref: ctx.db.record(class_name, ref)[name]


def _setter(class_name: str, name: str) -> Implementation:
    return lambda ctx, ref, value: ctx.db.write(class_name, ref, name, value)


def _adder(class_name: str, name: str) -> Implementation:
    def add(ctx: Context, ref: str, key: Any, *value: Any) -> None:
        before = ctx.db.get(class_name, ref)[name]
        if isinstance(before, dict):
            if key in before:
                uuid = ctx.db.get(class_name, ref)["uuid"]
                raise XapiError("MAP_DUPLICATE_KEY", class_name, name, uuid, str(key))
            ctx.db.write(class_name, ref, name, {**before, key: value[0]})
        elif key not in before:
            ctx.db.write(class_name, ref, name, [*before, key])

    return add


def _remover(class_name: str, name: str) -> Implementation:
    def remove(ctx: Context, ref: str, key: Any) -> None:
        before = ctx.db.get(class_name, ref)[name]
        after: Any = (
            {k: v for k, v in before.items() if k != key}
            if isinstance(before, dict)
            else [item for item in before if item != key]
        )
        ctx.db.write(class_name, ref, name, after)

    return remove


_OF_FIELD = {
    "get_": _getter,
    "set_": _setter,
    "add_to_": _adder,
    "remove_from_": _remover,
    "add_": _adder,
    "remove_": _remover,
}


def constructor_values(ctx: Context, class_name: str, sent: dict[str, Any]) -> dict[str, Any]:
    """The fields that ``create`` takes, checked; a field that no constructor takes is passed over,
    as xapi does.
    """
    model = ctx.db.model.classes[class_name]
    values = {}
    for name, described in model.fields.items():
        if not described.in_constructor:
            continue
        if name in sent:
            values[name] = checked(sent[name], described.type, name, ctx.db.model)
            _require_reference(ctx, described.type.kind, described.type.name, values[name])
        elif described.required:
            raise XapiError("INTERNAL_ERROR", f'Server_helpers.Dispatcher_FieldNotFound("{name}")')
    return values


def constructor_fields(ctx: Context, class_name: str, record: dict[str, Any]) -> dict[str, Any]:
    """Of an object's record what its constructor would take: what makes another one like it."""
    fields = ctx.db.model.classes[class_name].fields
    return {name: record[name] for name, field in fields.items() if field.in_constructor}


def _require_reference(ctx: Context, kind: str, class_name: str, ref: Any) -> None:
    if kind == "ref" and ref != NULL and class_name in ctx.db.tables:
        ctx.db.row(class_name, ref)
