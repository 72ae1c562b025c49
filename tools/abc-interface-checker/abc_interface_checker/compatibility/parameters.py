"""Rules of parameters: what changed in a signature, and which side's calls that breaks.

Each change has its name by what the two signatures look like. Whom it breaks is not read off its
name: it is what `calls.mismatches` says of the calls in both directions, each laid to the change
that it comes from. So a change that a star parameter makes harmless breaks nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from abc_interface_checker import catalogue
from abc_interface_checker.calls import Call, Mismatch, MismatchKind, mismatches
from abc_interface_checker.compatibility import witness
from abc_interface_checker.compatibility.changes import change
from abc_interface_checker.compatibility.members import paired_methods
from abc_interface_checker.compatibility.pairing import POSITIONAL, Pairing, pair_parameters
from abc_interface_checker.compatibility.type_rules import Types, parameter_type
from abc_interface_checker.findings import Effect, Finding, Witness
from abc_interface_checker.model import Method, Package, Parameter, ParameterKind, Signature
from abc_interface_checker.types.assignability import Classes

__all__ = ["compare", "compare_methods"]

_SILENT = frozenset({"param-renamed-posonly", "param-reordered-kwonly", "param-default-changed"})
"""Changes that no call can tell."""

_CAUSES = {
    MismatchKind.MISSING: ("removed", "absorbed", "added", "extracted"),
    MismatchKind.EXTRA_REQUIRED: ("added-required", "removed-required", "became"),
    MismatchKind.RENAMED: ("renamed",),
    MismatchKind.REORDERED: ("reordered", "middle", "added-required", "removed"),
    MismatchKind.NOT_KEYWORD: ("posonly", "removed", "added"),
    MismatchKind.NOT_POSITIONAL: ("kwonly",),
    MismatchKind.DEFAULT_MISSING: ("became",),
    MismatchKind.VARARGS_MISSING: ("varargs", "middle", "added", "removed"),
    MismatchKind.KWARGS_MISSING: ("kwargs", "extracted", "added", "removed"),
}
"""Parts of the ids of rules that a mismatch comes from, the likeliest first."""


@dataclass(slots=True)
class _Change:
    rule: str
    parameter: str
    message: str
    old: str = ""
    """The old name, a star parameter's with its stars."""
    new: str = ""
    for_callers: Call | None = None
    """A call of the old contract that the new one does not take."""
    for_implementers: Call | None = None
    """A call of the new contract that the old one does not take."""


def compare(old: Package, new: Package, classes: Classes) -> Iterator[Finding]:
    """All changes of parameters, those of their types included."""
    types = Types(old, new, classes)
    for pair in paired_methods(old, new):
        if pair.old.signature != pair.new.signature:
            yield from compare_methods(pair.element, pair.old, pair.new)
            for before, after in _typed(pair.old.signature, pair.new.signature):
                yield from parameter_type(before, after, pair.element, types, pair.new.place)


def _typed(old: Signature, new: Signature) -> Iterator[tuple[Parameter, Parameter]]:
    """The parameters that both have, with their types."""
    yield from pair_parameters(old, new).pairs
    stars = {parameter.kind: parameter for parameter in old.parameters if parameter.is_star}
    for parameter in new.parameters:
        if parameter.is_star and parameter.kind in stars:
            yield stars[parameter.kind], parameter


def compare_methods(element: str, old: Method, new: Method) -> Iterator[Finding]:
    """The changes of the parameters of one method."""
    changes = list(_changes(old.signature, new.signature))
    for mismatch in mismatches(old.signature, new.signature):
        cause = _cause(changes, mismatch)
        if cause is not None and cause.for_callers is None:
            cause.for_callers = mismatch.call
    for mismatch in mismatches(new.signature, old.signature):
        cause = _cause(changes, mismatch)
        if cause is not None and cause.for_implementers is None:
            cause.for_implementers = mismatch.call
    for each in changes:
        yield _finding(element, old, new, each)


def _cause(changes: Sequence[_Change], mismatch: Mismatch) -> _Change | None:
    """The change that a mismatch most likely comes from: of this parameter, else of this kind."""

    def likelihood(each: _Change) -> tuple[bool, int]:
        causes = _CAUSES[mismatch.kind]
        ranks = [len(causes) - at for at, part in enumerate(causes) if part in each.rule]
        return (mismatch.parameter in (each.old, each.new), max(ranks, default=0))

    candidates = [each for each in changes if each.rule not in _SILENT]
    return max(candidates, key=likelihood, default=None)


def _finding(element: str, old: Method, new: Method, each: _Change) -> Finding:
    effects: tuple[Effect, Effect] | None = (
        Effect.BREAKS if each.for_callers is not None else Effect.KEEPS,
        Effect.BREAKS if each.for_implementers is not None else Effect.KEEPS,
    )
    if each.rule in _SILENT:
        rule = catalogue.rule(each.rule)
        effects = (rule.callers, rule.implementers)
    return change(
        each.rule,
        f"{element}({each.parameter})" if each.parameter else element,
        each.message,
        place=new.place or old.place,
        effects=effects,
        witness=_witness(old, new, each),
    )


def _witness(old: Method, new: Method, each: _Change) -> Witness | None:
    if each.for_callers is not None:
        return witness.call_of_callers(new.name, old.signature, new.signature, each.for_callers)
    if each.for_implementers is not None:
        return witness.call_of_implementers(old, new, each.for_implementers)
    return None


def _changes(old: Signature, new: Signature) -> Iterator[_Change]:
    pairing = pair_parameters(old, new)
    for before, after in pairing.pairs:
        yield from _changed(before, after)
    yield from _order(old, pairing)
    for parameter in pairing.lost:
        yield _removed(parameter, new)
    for parameter in pairing.gained:
        yield _added(parameter, old, new, pairing)
    yield from _stars(old, new)


def _changed(old: Parameter, new: Parameter) -> Iterator[_Change]:
    named = _rename(old, new)
    if named is not None:
        yield named
    kind = _kind_rule(old.kind, new.kind)
    if kind:
        yield _Change(
            kind,
            new.name,
            f"{new.name} was {old.kind.value} and is {new.kind.value}",
            old.name,
            new.name,
        )
    if old.default == new.default:
        return
    if old.default is None:
        message = f"{new.name} was required and has the default {new.default}"
        yield _Change("param-became-optional", new.name, message, old.name, new.name)
    elif new.default is None:
        message = f"{new.name} had the default {old.default} and is required"
        yield _Change("param-became-required", new.name, message, old.name, new.name)
    else:
        message = f"the default of {new.name} was {old.default} and is {new.default}"
        yield _Change("param-default-changed", new.name, message, old.name, new.name)


def _rename(old: Parameter, new: Parameter) -> _Change | None:
    if old.name == new.name:
        return None
    message = f"{old.name} is called {new.name} now"
    only = ParameterKind.POSITIONAL_ONLY
    if old.kind is only and new.kind is only:
        return _Change("param-renamed-posonly", new.name, message, old.name, new.name)
    if only in (old.kind, new.kind):
        return None  # Only one side has a name that a call can use: it is a change of kind.
    return _Change("param-renamed", old.name, message, old.name, new.name)


def _kind_rule(old: ParameterKind, new: ParameterKind) -> str | None:
    if old is new:
        return None
    if new is ParameterKind.KEYWORD_ONLY:
        return "param-kind-to-kwonly"
    if new is ParameterKind.POSITIONAL_ONLY:
        return "param-kind-to-posonly"
    if old is ParameterKind.KEYWORD_ONLY:
        return "param-kind-from-kwonly"
    return "param-kind-from-posonly"


def _order(old: Signature, pairing: Pairing) -> Iterator[_Change]:
    places = {parameter: place for place, parameter in enumerate(old.parameters)}
    for rule, kinds in (
        ("param-reordered", POSITIONAL),
        ("param-reordered-kwonly", (ParameterKind.KEYWORD_ONLY,)),
    ):
        both = [pair for pair in pairing.pairs if pair[0].kind in kinds and pair[1].kind in kinds]
        before = [pair[0].name for pair in sorted(both, key=lambda pair: places[pair[0]])]
        after = [pair[0].name for pair in both]
        if before != after:
            moved = next(name for name, other in zip(after, before, strict=True) if name != other)
            message = f"the order was {', '.join(before)} and is {', '.join(after)}"
            yield _Change(rule, moved, message, moved, moved)


def _removed(parameter: Parameter, new: Signature) -> _Change:
    name = parameter.name
    keyword = parameter.kind is ParameterKind.KEYWORD_ONLY
    into = _star(new, ParameterKind.VAR_KEYWORD)
    if keyword and into:
        message = f"{name} is taken by {into} now, and no longer by its own name"
        return _Change("param-absorbed-by-kwargs", name, message, old=name)
    rule = "param-removed-required" if parameter.is_required else "param-removed-optional"
    return _Change(rule, name, f"{name} is gone", old=name)


def _added(parameter: Parameter, old: Signature, new: Signature, pairing: Pairing) -> _Change:
    name = parameter.name
    if parameter.is_required:
        return _Change("param-added-required", name, f"{name} is new and required", new=name)
    message = f"{name} is new, with the default {parameter.default}"
    if parameter.kind is ParameterKind.KEYWORD_ONLY:
        out_of = _star(old, ParameterKind.VAR_KEYWORD)
        if out_of and _star(new, ParameterKind.VAR_KEYWORD):
            message = f"{name}, which {out_of} took, has a name of its own"
            return _Change("param-extracted-from-kwargs", name, message, new=name)
        return _Change("param-added-kwonly-optional", name, message, new=name)
    place = new.parameters.index(parameter)
    followers = [p for p in new.parameters[place + 1 :] if p.kind in POSITIONAL]
    known = {after for before, after in pairing.pairs if before.kind in POSITIONAL}
    if any(p in known for p in followers) or _star(old, ParameterKind.VAR_POSITIONAL):
        message = f"{message}, in a place that was another's"
        return _Change("param-added-optional-middle", name, message, new=name)
    return _Change("param-added-optional", name, message, new=name)


def _stars(old: Signature, new: Signature) -> Iterator[_Change]:
    for word, kind in (
        ("varargs", ParameterKind.VAR_POSITIONAL),
        ("kwargs", ParameterKind.VAR_KEYWORD),
    ):
        before, after = _star(old, kind), _star(new, kind)
        if before and not after:
            yield _Change(f"{word}-removed", before, f"{before} is gone", old=before)
        elif after and not before:
            yield _Change(f"{word}-added", after, f"{after} is new", new=after)


def _star(signature: Signature, kind: ParameterKind) -> str:
    """The star parameter of this kind, with its stars; empty if there is none."""
    stars = "*" if kind is ParameterKind.VAR_POSITIONAL else "**"
    return next((f"{stars}{p.name}" for p in signature.parameters if p.kind is kind), "")
