"""Aliases of types: one that means something else changes every place that names it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from abc_interface_checker.compatibility.changes import change
from abc_interface_checker.compatibility.flows import between
from abc_interface_checker.compatibility.members import paired_attributes, paired_methods
from abc_interface_checker.compatibility.results import returned
from abc_interface_checker.compatibility.roles import by_role
from abc_interface_checker.compatibility.type_rules import (
    UNSURE,
    Types,
    attribute_type,
    parameter_type,
)
from abc_interface_checker.compatibility.value_fields import field_type
from abc_interface_checker.compatibility.wording import last, short
from abc_interface_checker.findings import Effect, Finding
from abc_interface_checker.model import Alias, Annotation, Field, Package, Parameter
from abc_interface_checker.types.assignability import Classes, TypeChange
from abc_interface_checker.types.expressions import names, parse

__all__ = ["compare"]

_Named = TypeVar("_Named", Parameter, Field)
_Use = tuple[Annotation | None, Finding]
_KINDS = frozenset({"type", "new-type"})


def compare(old: Package, new: Package, classes: Classes) -> Iterator[Finding]:
    """The rule ``alias-target-changed``: the worst that it does to each side at any place."""
    types = Types(old, new, classes, through_aliases=True)
    changed = [
        alias
        for name, alias in new.aliases.items()
        if alias.kind in _KINDS
        and name in old.aliases
        and old.aliases[name].kind in _KINDS
        and types.change(Annotation(name), Annotation(name)) is not TypeChange.SAME
        and old.aliases[name].target != alias.target
    ]
    if not changed:
        return
    aliases = new.aliases
    uses = [
        (_mentioned(used, aliases), by_role(finding, old, new))
        for used, finding in _uses(old, new, types)
    ]
    for alias in changed:
        found = [finding for mentioned, finding in uses if alias.name in mentioned]
        effects = (
            _worst([finding.callers for finding in found]),
            _worst([finding.implementers for finding in found]),
        )
        where = ", ".join(sorted({short(finding.element) for finding in found}))
        yield change(
            "alias-target-changed",
            alias.name,
            f"{last(alias.name)} is `{alias.target}`, formerly `{old.aliases[alias.name].target}`"
            + (f"; it is the type of {where}" if where else "; no signature names it"),
            place=alias.place,
            effects=effects if found else UNSURE,
            witness=next((finding.witness for finding in found if finding.witness), None),
        )


def _uses(old: Package, new: Package, types: Types) -> Iterator[_Use]:
    """What happens to every type that is spelled as before. One that is spelled otherwise is
    reported by itself, with what its aliases mean.
    """
    yield from _in_methods(old, new, types)
    for pair in paired_attributes(old, new):
        if pair.old.annotation == pair.new.annotation:
            for finding in attribute_type(pair.old, pair.new, pair.interface.name, types):
                yield pair.new.annotation, finding
    for name, value in new.values.items():
        if name in old.values:
            flow = between(old.values[name].flow, value.flow)
            for before, after in _same_names(old.values[name].fields, value.fields):
                if before.annotation == after.annotation:
                    for finding in field_type(before, after, value, types, flow):
                        yield after.annotation, finding


def _in_methods(old: Package, new: Package, types: Types) -> Iterator[_Use]:
    for pair in paired_methods(old, new):
        before, after = pair.old.signature, pair.new.signature
        if before.returns == after.returns:
            for finding in returned(pair.element, pair.old, pair.new, types):
                yield after.returns, finding
        for given, taken in _same_names(before.parameters, after.parameters):
            if given.annotation == taken.annotation:
                for finding in parameter_type(given, taken, pair.element, types):
                    yield taken.annotation, finding


def _same_names(old: Iterable[_Named], new: Iterable[_Named]) -> Iterator[tuple[_Named, _Named]]:
    by_name = {each.name: each for each in old}
    return ((by_name[each.name], each) for each in new if each.name in by_name)


def _mentioned(annotation: Annotation | None, aliases: Mapping[str, Alias]) -> set[str]:
    """The aliases that a type names, with those that they name."""
    found: set[str] = set()
    waiting = [annotation.type] if annotation else []
    while waiting:
        named = set(names(parse(waiting.pop()))) & aliases.keys() - found
        found |= named
        waiting.extend(aliases[name].target for name in named)
    return found


def _worst(effects: list[Effect]) -> Effect:
    order = (Effect.KEEPS, Effect.BEHAVIOUR, Effect.MAYBE, Effect.BREAKS)
    return max(effects, key=order.index, default=Effect.KEEPS)
