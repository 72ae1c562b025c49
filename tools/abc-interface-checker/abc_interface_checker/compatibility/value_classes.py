"""What a class of values can do besides its fields: be changed, compared, hashed, ordered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from abc_interface_checker.compatibility.changes import change
from abc_interface_checker.findings import Finding, Witness
from abc_interface_checker.model import Value

__all__ = ["compare"]


@dataclass(frozen=True, slots=True)
class _Property:
    """A yes or no of a class, and what the change to the worse means."""

    rule: str
    name: str
    """Of the field in `Value`."""
    after: bool
    """The content that breaks, where it was the opposite before."""
    message: str
    code: str
    works: str
    fails: str


_PROPERTIES = (
    _Property(
        "value-frozen-added",
        "frozen",
        True,
        "{} is frozen",
        "value.{field} = ...",
        "sets it",
        "FrozenInstanceError",
    ),
    _Property(
        "value-frozen-removed",
        "frozen",
        False,
        "{} is not frozen any more, so that it may change under its reader",
        "value.{field} = ...",
        "FrozenInstanceError: whoever kept the value could rely on it",
        "changes the value that others hold",
    ),
    _Property(
        "value-eq-changed",
        "eq",
        False,
        "two of {} with equal fields are not equal any more",
        "{name}(...) == {name}(...)",
        "True, when the fields are equal",
        "False: they are different objects",
    ),
    _Property(
        "value-eq-changed",
        "eq",
        True,
        "two of {} with equal fields are equal, formerly only one and the same object",
        "{name}(...) == {name}(...)",
        "False: they are different objects",
        "True, when the fields are equal",
    ),
    _Property(
        "value-order-changed",
        "order",
        False,
        "{} has no order any more",
        "sorted(values)",
        "sorts them",
        "TypeError",
    ),
    _Property(
        "value-hash-changed",
        "hashable",
        False,
        "{} cannot be hashed any more",
        "hash(value)",
        "a number",
        "TypeError: unhashable type",
    ),
    _Property(
        "value-slots-added",
        "slots",
        True,
        "{} has slots, so that it has no other attributes than its fields",
        "value.remark = ...",
        "sets it, unless the class is frozen",
        "AttributeError",
    ),
)


def compare(old: Value, new: Value) -> Iterator[Finding]:
    """The rules of the class itself."""
    name = new.name.rpartition(".")[2]
    field = new.fields[0].name if new.fields else "field"
    for each in _PROPERTIES:
        if getattr(old, each.name) is each.after or getattr(new, each.name) is not each.after:
            continue
        yield change(
            each.rule,
            new.name,
            each.message.format(name),
            place=new.place,
            witness=Witness(
                side="callers",
                code=each.code.format(name=name, field=field),
                before=each.works,
                after=each.fails,
            ),
        )
