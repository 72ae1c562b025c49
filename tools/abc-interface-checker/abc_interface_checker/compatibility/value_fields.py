"""The fields of a value, the places of a named tuple, the keys of a typed dictionary."""

from __future__ import annotations

from collections.abc import Iterator

from abc_interface_checker.compatibility.changes import change
from abc_interface_checker.compatibility.flows import between, maker, reader
from abc_interface_checker.compatibility.type_rules import (
    Types,
    given_witness,
    read_witness,
    type_changed,
)
from abc_interface_checker.compatibility.wording import last, short
from abc_interface_checker.findings import Finding, Witness
from abc_interface_checker.model import Field, Flow, Place, Value, ValueKind
from abc_interface_checker.types.assignability import TypeChange
from abc_interface_checker.types.samples import sample

__all__ = ["compare", "field_type"]


def compare(old: Value, new: Value, types: Types) -> Iterator[Finding]:
    """The rules of fields, for two versions of a value of the same kind."""
    yield from _Fields(old, new, types).findings()


def field_type(old: Field, new: Field, value: Value, types: Types, flow: Flow) -> Iterator[Finding]:
    """The rules ``field-type-*`` and ``typeddict-key-type-*``.

    Args:
        old: the field in the old version.
        new: the field in the new version.
        value: the new value that has it.
        types: the types of both versions.
        flow: every way in which the value crosses.
    """
    pair = (old.annotation, new.annotation)
    making = f"{last(value.name)}({new.name}={{}})"
    reading = f"{last(value.name)}.{new.name}"

    def witness(happened: TypeChange) -> Witness:
        if happened is TypeChange.WIDENED:
            side, other = reader(flow)
            return read_witness(reading, pair, types, happened, reader=side, giver=f"new {other}")
        taker = f"the new {last(value.name)}"
        return given_witness(making, pair, types, happened, giver=maker(flow)[0], taker=taker)

    yield from type_changed(
        _prefix(value) + "-type",
        f"{value.name}.{new.name}",
        pair,
        types,
        place=new.place or value.place,
        flow=flow,
        witness=witness,
    )


class _Fields:
    """The fields of one value in both versions."""

    def __init__(self, old: Value, new: Value, types: Types) -> None:
        self._old_value = old
        self._value = new
        self._types = types
        self._flow = between(old.flow, new.flow)
        self._prefix = _prefix(new)
        self._old = {field.name: field for field in old.fields}
        self._new = {field.name: field for field in new.fields}
        self._renamed = _renamed(old, new)

    def findings(self) -> Iterator[Finding]:
        for old_name, new_name in self._renamed.items():
            yield self._rename(old_name, new_name)
            yield from self._same(self._old[old_name], self._new[new_name])
        for name, field in self._old.items():
            if name in self._new:
                yield from self._same(field, self._new[name])
            elif name not in self._renamed:
                yield self._removed(field)
        for name, field in self._new.items():
            if name not in self._old and name not in self._renamed.values():
                yield self._added(field)
        yield from self._order()

    def _added(self, field: Field) -> Finding:
        if self._value.kind is ValueKind.NAMED_TUPLE:
            names = ", ".join(self._old)
            return self._found(
                "namedtuple-field-added",
                field,
                f"{{}} is new: {last(self._value.name)} has {len(self._new)} places, formerly "
                f"{len(self._old)}",
                Witness(
                    side="callers",
                    code=f"{names}{',' if len(self._old) == 1 else ''} = value",
                    before="unpacks it",
                    after="ValueError: too many values to unpack",
                ),
            )
        if field.init and field.default is None:
            return self._found(
                f"{self._prefix}-added-required",
                field,
                "{} is new, and must be given",
                self._making(missing=field.name),
            )
        if self._shifts(field):
            return self._found(
                f"{self._prefix}-added-middle",
                field,
                "{} is new, and stands before others that may be given by position",
                self._positional(),
            )
        how = "and may be missing" if self._is_dictionary else "with a default"
        return self._found(f"{self._prefix}-added-optional", field, f"{{}} is new, {how}")

    def _removed(self, field: Field) -> Finding:
        return self._found(
            f"{self._prefix}-removed", field, "{} is gone", self._reading(field.name)
        )

    def _rename(self, old_name: str, new_name: str) -> Finding:
        return self._found(
            f"{self._prefix}-renamed",
            self._new[new_name],
            f"{{}} was called {old_name}",
            self._reading(old_name),
        )

    def _same(self, old: Field, new: Field) -> Iterator[Finding]:
        yield from field_type(old, new, self._value, self._types, self._flow)
        if old.init and not new.init:
            yield self._found(
                f"{self._prefix}-removed",
                new,
                "{} cannot be given any more",
                self._making(extra=new.name),
            )
        elif new.init:
            yield from self._default(old, new)

    def _default(self, old: Field, new: Field) -> Iterator[Finding]:
        was_required = old.init and old.default is None
        if was_required and new.default is not None:
            yield self._found(
                f"{self._prefix}-became-optional",
                new,
                "{} need not be given any more",
                self._read_missing(new.name) if self._is_dictionary else None,
            )
        elif not was_required and new.default is None:
            yield self._found(
                f"{self._prefix}-became-required",
                new,
                "{} must be given",
                self._making(missing=new.name),
            )
        elif old.init and old.default != new.default and not self._is_dictionary:
            yield self._found(
                "field-default-changed",
                new,
                f"the default of {{}} is {new.default}, formerly {old.default}",
                Witness(
                    side=maker(self._flow)[0],
                    code=f"{last(self._value.name)}().{new.name}",
                    before=str(old.default),
                    after=str(new.default),
                ),
            )

    def _order(self) -> Iterator[Finding]:
        if self._is_dictionary:
            return
        before = [self._renamed.get(name, name) for name in _positions(self._old_value)]
        after = _positions(self._value)
        by_name = [
            name
            for name in before
            if name in self._new and self._new[name].init and name not in after
        ]
        if by_name:
            yield change(
                "value-kwonly-added",
                self._value.name,
                f"{last(self._value.name)} takes {', '.join(by_name)} only by name",
                place=self._value.place,
                flow=self._flow,
                witness=self._positional(),
            )
        kept = [name for name in before if name in after]
        # One that was not given by position before may stand in front of them now.
        known = {self._renamed.get(name, name) for name in self._old}
        if [name for name in after if name in known][: len(kept)] != kept:
            is_tuple = self._value.kind is ValueKind.NAMED_TUPLE
            yield change(
                "field-reordered",
                self._value.name,
                f"the fields of {last(self._value.name)} that may be given by position have "
                "another order",
                place=self._value.place,
                flow=Flow.BOTH if is_tuple else self._flow,
                witness=self._positional(),
            )

    def _shifts(self, field: Field) -> bool:
        """Whether an older field comes behind it that may be given by position."""
        positions = _positions(self._value)
        if field.name not in positions:
            return False
        behind = positions[positions.index(field.name) + 1 :]
        before = {self._renamed.get(name, name) for name in _positions(self._old_value)}
        return any(name in before for name in behind)

    @property
    def _is_dictionary(self) -> bool:
        return self._value.kind is ValueKind.TYPED_DICT

    def _found(
        self, rule: str, field: Field, message: str, witness: Witness | None = None
    ) -> Finding:
        element = f"{self._value.name}.{field.name}"
        place: Place | None = field.place if field.name in self._new else self._value.place
        return change(
            rule,
            element,
            message.format(short(element)),
            place=place or self._value.place,
            flow=self._flow,
            witness=witness,
        )

    def _making(self, *, missing: str = "", extra: str = "") -> Witness:
        """Making it as the old version asks, which the new one refuses."""
        given = [
            field
            for field in self._old_value.fields
            if field.init
            and (field.default is None or field.name == extra)
            and field.name != missing
        ]
        arguments = (f"{field.name}={_sample(field)}" for field in given)
        return Witness(
            side=maker(self._flow)[0],
            code=f"{last(self._value.name)}({', '.join(arguments)})",
            before="makes it",
            after=f"TypeError: {missing} is missing" if missing else f"TypeError: {extra}",
        )

    def _positional(self) -> Witness:
        names = _positions(self._old_value)
        arguments = ", ".join(_sample(self._old[name]) for name in names)
        after = _positions(self._value)
        return Witness(
            side=maker(self._flow)[0],
            code=f"{last(self._value.name)}({arguments})",
            before=f"sets {', '.join(names)}",
            after=f"sets {', '.join(after[: len(names)])}" if after else "TypeError",
        )

    def _reading(self, name: str) -> Witness:
        is_key = self._is_dictionary
        return Witness(
            side=reader(self._flow)[0],
            code=f"value[{name!a}]" if is_key else f"value.{name}",
            before="reads it",
            after="KeyError" if is_key else "AttributeError",
        )

    def _read_missing(self, name: str) -> Witness:
        return Witness(
            side=reader(self._flow)[0],
            code=f"value[{name!a}]",
            before="is always there",
            after="KeyError where it was left out",
        )


def _prefix(value: Value) -> str:
    return "typeddict-key" if value.kind is ValueKind.TYPED_DICT else "field"


def _positions(value: Value) -> list[str]:
    """Names of the fields that may be given by position, in their order."""
    if value.kind is ValueKind.TYPED_DICT:
        return []
    return [field.name for field in value.fields if field.init and not field.kw_only]


def _renamed(old: Value, new: Value) -> dict[str, str]:
    """Old name to new name of fields that seem to be called otherwise: one is gone, another came
    at the same place, of the same type and with the same default.
    """
    names_before, names_after = _names(old), _names(new)
    return {
        before.name: after.name
        for before, after in zip(old.fields, new.fields, strict=False)
        if before.name not in names_after
        and after.name not in names_before
        and before.annotation == after.annotation
        and (before.default, before.kw_only, before.init)
        == (after.default, after.kw_only, after.init)
    }


def _names(value: Value) -> frozenset[str]:
    return frozenset(field.name for field in value.fields)


def _sample(field: Field) -> str:
    return sample(field.annotation.type) if field.annotation else "..."
