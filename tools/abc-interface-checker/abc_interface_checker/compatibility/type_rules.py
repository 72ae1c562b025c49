"""What a changed type does to the two sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from abc_interface_checker.catalogue import rule_ids
from abc_interface_checker.compatibility.changes import change
from abc_interface_checker.compatibility.wording import last, short
from abc_interface_checker.findings import Effect, Finding, Witness
from abc_interface_checker.model import Annotation, Attribute, Flow, Package, Parameter, Place
from abc_interface_checker.types.assignability import Classes, TypeChange, compare
from abc_interface_checker.types.classes import expanded, targets_of
from abc_interface_checker.types.samples import outside

__all__ = [
    "UNSURE",
    "Pair",
    "Types",
    "attribute_type",
    "given_witness",
    "parameter_type",
    "read_witness",
    "type_changed",
]

UNSURE = (Effect.MAYBE, Effect.MAYBE)
"""Nobody can tell whom it breaks: a warning."""

Pair = tuple[Annotation | None, Annotation | None]
"""The old and the new type of one thing."""

_ALIASES = frozenset({"type", "re-export"})
_SAID = {
    TypeChange.WIDENED: "the type of {element} is wider: {new}, formerly {old}",
    TypeChange.NARROWED: "the type of {element} is narrower: {new}, formerly {old}",
    TypeChange.CHANGED: "{element} is of another type: {new}, formerly {old}",
    TypeChange.UNKNOWN: "{element} is {new}, formerly {old}; how they relate is not known",
    TypeChange.ADDED: "{element} has a type now: {new}",
    TypeChange.REMOVED: "{element} has no type any more, formerly {old}",
}


class Types:
    """The types of two versions beside each other.

    Args:
        old: whose aliases the old types use.
        new: whose aliases the new types use.
        classes: the classes of both.
        through_aliases: whether types of one spelling are looked into for an alias that means
            something else now. Otherwise they are the same: `aliases` tells of the alias.
    """

    def __init__(
        self, old: Package, new: Package, classes: Classes, *, through_aliases: bool = False
    ) -> None:
        kinds = _ALIASES | {"new-type"} if through_aliases else _ALIASES
        self._old_targets = targets_of(old, kinds)
        self._new_targets = targets_of(new, kinds)
        self._through_aliases = through_aliases
        self.classes = classes

    def change(self, old: Annotation | None, new: Annotation | None) -> TypeChange:
        """What happened to a type."""
        if old == new and not self._through_aliases:
            return TypeChange.SAME
        return compare(
            expanded(old, self._old_targets), expanded(new, self._new_targets), self.classes
        )

    def texts(self, old: Annotation | None, new: Annotation | None) -> tuple[str, str]:
        """Both as texts, with what their aliases stand for; empty where there is none."""
        before, after = expanded(old, self._old_targets), expanded(new, self._new_targets)
        return (before.type if before else "", after.type if after else "")

    def lost(self, old: Annotation | None, new: Annotation | None) -> str:
        """Code for a value that is of the old type and not of the new one."""
        return self._outside(expanded(old, self._old_targets), expanded(new, self._new_targets))

    def gained(self, old: Annotation | None, new: Annotation | None) -> str:
        """Code for a value that is of the new type and not of the old one."""
        return self._outside(expanded(new, self._new_targets), expanded(old, self._old_targets))

    def _outside(self, source: Annotation | None, target: Annotation | None) -> str:
        if source is None or target is None:
            return "..."
        return outside(source.type, target.type, self.classes)


def type_changed(
    prefix: str,
    element: str,
    pair: Pair,
    types: Types,
    *,
    place: Place | None = None,
    flow: Flow | None = None,
    is_invariant: bool = False,
    witness: Callable[[TypeChange], Witness] | None = None,
) -> Iterator[Finding]:
    """The rule that a change of type breaks, if it is one.

    Args:
        prefix: of the rules, ``param-type`` and the like.
        element: what has the type.
        pair: the old and the new type.
        types: the types of both versions.
        place: where the element is.
        flow: which way the value crosses that the element belongs to.
        is_invariant: whether any change breaks both sides.
        witness: makes the witness of a change that is understood.
    """
    happened = types.change(*pair)
    if happened is TypeChange.SAME:
        return
    old, new = types.texts(*pair)
    message = _SAID[happened].format(element=short(element), old=f"`{old}`", new=f"`{new}`")
    is_certain = happened in (TypeChange.WIDENED, TypeChange.NARROWED, TypeChange.CHANGED)
    verdict = TypeChange.CHANGED if is_certain and is_invariant else happened
    rule = f"{prefix}-{verdict.value}"
    yield change(
        rule if rule in rule_ids() else f"{prefix}-changed",
        element,
        message,
        place=place,
        flow=flow,
        effects=None if is_certain else UNSURE,
        witness=witness(verdict) if witness and is_certain else None,
    )


def given_witness(
    code: str,
    pair: Pair,
    types: Types,
    happened: TypeChange,
    *,
    giver: str = "callers",
    taker: str = "a new implementation",
) -> Witness:
    """What is passed to somebody who does not take it; ``code`` has ``{}`` for the value."""
    old, new = types.texts(*pair)
    if happened is TypeChange.WIDENED:
        return Witness(
            side="implementers",
            code=code.format(types.gained(*pair)),
            before=f"nobody passes it: the type is `{old}`",
            after=f"callers may pass it to an old implementation, which takes `{old}`",
        )
    return Witness(
        side=giver,
        code=code.format(types.lost(*pair)),
        before=f"taken: the type is `{old}`",
        after=f"{taker} takes only `{new}`",
    )


def read_witness(
    code: str,
    pair: Pair,
    types: Types,
    happened: TypeChange,
    *,
    reader: str = "callers",
    giver: str = "a new implementation",
) -> Witness:
    """What somebody reads who does not know it; ``code`` is what is read."""
    old, new = types.texts(*pair)
    if happened is TypeChange.NARROWED:
        return Witness(
            side="implementers",
            code=_equals(code, types.lost(*pair)),
            before=f"allowed: the type is `{old}`",
            after=f"callers expect only `{new}` of an old implementation",
        )
    return Witness(
        side=reader,
        code=_equals(code, types.gained(*pair)),
        before=f"never: the type is `{old}`",
        after=f"{giver} may give it: the type is `{new}`",
    )


def _equals(code: str, value: str) -> str:
    return f"{code} is None" if value == "None" else f"{code} == {value}"


def parameter_type(
    old: Parameter, new: Parameter, method: str, types: Types, place: Place | None = None
) -> Iterator[Finding]:
    """The rules ``param-type-*``.

    Args:
        old: the parameter in the old version.
        new: the same parameter in the new version, where it may have another name.
        method: the method's dotted name.
        types: the types of both versions.
        place: where the method is.
    """
    pair = (old.annotation, new.annotation)
    code = f"{short(method)}({new.name}={{}})"
    yield from type_changed(
        "param-type",
        f"{method}({new.name})",
        pair,
        types,
        place=place,
        witness=lambda happened: given_witness(code, pair, types, happened),
    )


def attribute_type(
    old: Attribute, new: Attribute, owner: str, types: Types, place: Place | None = None
) -> Iterator[Finding]:
    """The rules ``attr-type-*``. What callers may set is both given and taken: any change breaks.

    Args:
        old: the attribute in the old version.
        new: the attribute in the new version.
        owner: the interface's dotted name.
        types: the types of both versions.
        place: where the attribute is.
    """
    pair = (old.annotation, new.annotation)
    code = f"{last(owner)}.{new.name}"
    yield from type_changed(
        "attr-type",
        f"{owner}.{new.name}",
        pair,
        types,
        place=place,
        is_invariant=not new.readonly,
        witness=lambda happened: read_witness(code, pair, types, happened),
    )
