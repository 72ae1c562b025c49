"""Values: what one side makes, the other must be able to read."""

from __future__ import annotations

from collections.abc import Iterator

from abc_interface_checker.compatibility import value_classes, value_fields
from abc_interface_checker.compatibility.changes import change
from abc_interface_checker.compatibility.type_rules import Types
from abc_interface_checker.compatibility.wording import last
from abc_interface_checker.findings import Finding, Witness
from abc_interface_checker.model import Package, Value, ValueKind
from abc_interface_checker.types.assignability import Classes

__all__ = ["compare"]


def compare(old: Package, new: Package, classes: Classes) -> Iterator[Finding]:
    """The rules ``value-*``, ``field-*``, ``namedtuple-*`` and ``typeddict-*`` for values that both
    versions have.
    """
    types = Types(old, new, classes)
    for name, after in new.values.items():
        before = old.values.get(name)
        if before is None:
            continue
        if before.kind is not after.kind:
            yield change(
                "value-kind-changed",
                name,
                f"{last(name)} is a {after.kind.value}, formerly a {before.kind.value}",
                place=after.place,
                witness=_read_otherwise(before),
            )
            continue
        yield from value_classes.compare(before, after)
        yield from value_fields.compare(before, after, types)


def _read_otherwise(old: Value) -> Witness:
    """What can be done with values of one kind only."""
    field = old.fields[0].name if old.fields else "field"
    code, after = {
        ValueKind.DATACLASS: ("dataclasses.replace(value)", "TypeError: it is no dataclass"),
        ValueKind.NAMED_TUPLE: ("first, *others = value", "TypeError: it is no tuple"),
        ValueKind.TYPED_DICT: (f"value[{field!a}]", "TypeError: it is no dictionary"),
    }[old.kind]
    return Witness(side="callers", code=code, before="works", after=after)
