"""Values: what one side makes, the other must be able to read."""

from __future__ import annotations

from collections.abc import Iterator

from abc_interface_checker.compatibility import value_classes, value_fields
from abc_interface_checker.compatibility.changes import change
from abc_interface_checker.compatibility.type_rules import Types, short
from abc_interface_checker.findings import Finding
from abc_interface_checker.model import Package
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
                f"{short(name)} is a {after.kind.value}, formerly a {before.kind.value}",
                place=after.place,
            )
            continue
        yield from value_classes.compare(before, after)
        yield from value_fields.compare(before, after, types)
