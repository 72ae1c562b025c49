"""Calls: which ones a signature allows, and which of them another signature does not take.

This is the one definition of compatible parameters. A callee takes a call when Python would, and
when each value arrives where the caller meant it: on the parameter of the same name if the callee
has one that can be named, else anywhere that has no name of its own (a positional-only parameter,
``*args``, ``**kwargs``). What a caller passes in its own ``*args`` has to arrive in the callee's.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from abc_interface_checker.model import Parameter, ParameterKind, Signature

__all__ = ["Call", "Mismatch", "MismatchKind", "legal_calls", "mismatches", "written"]

_POSITIONAL = (ParameterKind.POSITIONAL_ONLY, ParameterKind.POSITIONAL_OR_KEYWORD)
_NAMED = (ParameterKind.POSITIONAL_OR_KEYWORD, ParameterKind.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class Call:
    """How many arguments are passed by position, and which by name.

    Those beyond the named parameters of a signature go into its star parameters.
    """

    positional: int
    keywords: tuple[str, ...] = ()


class MismatchKind(enum.StrEnum):
    """Why a callee does not take a call; of a parameter of the caller, if nothing else is said."""

    MISSING = "missing"
    EXTRA_REQUIRED = "extra-required"
    """The callee requires a parameter that the caller does not know."""
    RENAMED = "renamed"
    REORDERED = "reordered"
    """Its value arrives on another parameter; reported for the first one only."""
    NOT_KEYWORD = "not-keyword"
    NOT_POSITIONAL = "not-positional"
    DEFAULT_MISSING = "default-missing"
    VARARGS_MISSING = "varargs-missing"
    """The caller's ``*args`` do not all arrive in ``*args``."""
    KWARGS_MISSING = "kwargs-missing"
    """Not every name that the caller's ``**kwargs`` allow is taken."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A parameter that differs, and a call that shows it."""

    kind: MismatchKind
    parameter: str
    """The caller's name of it; of an extra one the callee's, of a star parameter with its stars."""
    call: Call


def legal_calls(signature: Signature, extra_names: Iterable[str] = ()) -> tuple[Call, ...]:
    """Calls that stand for all that are legal: whoever takes these takes every one.

    Each number of positional arguments, with the names that are then required and with one more;
    with ``**kwargs`` also with each of ``extra_names``, a name that nobody has, and the names of
    positional-only parameters.
    """
    return tuple(_legal_calls(_Side(signature), extra_names))


def mismatches(caller: Signature, callee: Signature) -> tuple[Mismatch, ...]:
    """Why ``callee`` does not take all calls that are legal under ``caller``; empty: it does.

    One for each kind and parameter, each with the first call that shows it.
    """
    old, new = _Side(caller), _Side(callee)
    if old.shape == new.shape:
        return ()
    found: dict[tuple[MismatchKind, str], Mismatch] = {}
    extra_names = [p.name for p in new.positional if p.kind in _NAMED]
    for call in _legal_calls(old, extra_names):
        for kind, parameter in _problems(old, new, call):
            found.setdefault((kind, parameter), Mismatch(kind, parameter, call))
    return _without_consequences(old, new, list(found.values()))


def written(call: Call, function: str, signature: Signature | None = None) -> str:
    """The call as Python: ``start(1, timeout=2)``; with a signature it starts with its names:
    ``start(name, timeout=timeout)``.
    """
    names = _Side(signature).positional if signature is not None else ()
    arguments = [
        names[place].name if place < len(names) else str(place + 1)
        for place in range(call.positional)
    ]
    for place, name in enumerate(call.keywords, call.positional + 1):
        arguments.append(f"{name}={name if signature is not None else place}")
    return f"{function}({', '.join(arguments)})"


class _Side:
    """A signature, taken apart."""

    __slots__ = ("keywords", "named", "place", "positional", "shape", "varargs", "varkw")

    def __init__(self, signature: Signature) -> None:
        self.positional: list[Parameter] = []
        self.keywords: list[Parameter] = []
        self.named: dict[str, Parameter] = {}
        self.place: dict[str, int] = {}
        """Of positional-or-keyword parameters."""
        self.varargs = self.varkw = ""
        for parameter in signature.parameters:
            if parameter.kind is ParameterKind.VAR_POSITIONAL:
                self.varargs = f"*{parameter.name}"
            elif parameter.kind is ParameterKind.VAR_KEYWORD:
                self.varkw = f"**{parameter.name}"
            elif parameter.kind is ParameterKind.KEYWORD_ONLY:
                self.keywords.append(parameter)
                self.named[parameter.name] = parameter
            else:
                if parameter.kind in _NAMED:
                    self.named[parameter.name] = parameter
                    self.place[parameter.name] = len(self.positional)
                self.positional.append(parameter)
        self.shape = (
            [(p.kind, p.kind in _NAMED and p.name, p.is_required) for p in self.positional],
            {(p.name, p.is_required) for p in self.keywords},
            bool(self.varargs),
            # Names in **kwargs may be those of positional-only parameters: never a clash.
            bool(self.varkw),
        )

    def at(self, place: int) -> Parameter | None:
        """The positional parameter at this place, None if there are not so many."""
        return self.positional[place] if place < len(self.positional) else None


def _legal_calls(side: _Side, extra_names: Iterable[str]) -> Iterator[Call]:
    required = [p.kind is ParameterKind.POSITIONAL_ONLY and p.is_required for p in side.positional]
    extras: list[str] = []
    if side.varkw:
        positional_only = [p.name for p in side.positional if p.name not in side.named]
        names = [*positional_only, *extra_names]
        extras = [name for name in dict.fromkeys(names) if name not in side.named]
        extras.append(_unused({*side.named, *names}))
    for positional in range(sum(required), len(side.positional) + 1 + bool(side.varargs)):
        open_ = [p for p in side.positional[positional:] if p.name in side.named] + side.keywords
        needed = tuple(p.name for p in open_ if p.is_required)
        yield Call(positional, needed)
        for more in [*(p.name for p in open_ if not p.is_required), *extras]:
            yield Call(positional, (*needed, more))


def _unused(names: set[str]) -> str:
    name = "extra"
    while name in names:
        name += "_"
    return name


_Problem = tuple[MismatchKind, str]


def _problems(caller: _Side, callee: _Side, call: Call) -> Iterator[_Problem]:
    """What is wrong when the call, legal for the caller, reaches the callee."""
    for place in range(call.positional):
        yield from _wrong_position(caller, callee, place)
    for name in call.keywords:
        yield from _wrong_name(caller, callee, name, call.positional)
    for place, parameter in enumerate(callee.positional):
        if place >= call.positional and parameter.is_required:
            named = parameter.name in callee.named and parameter.name in call.keywords
            if not named:
                yield _not_given(caller, callee, parameter, place, call)
    for parameter in callee.keywords:
        if parameter.is_required and parameter.name not in call.keywords:
            yield _not_given(caller, callee, parameter, None, call)


def _wrong_position(caller: _Side, callee: _Side, place: int) -> Iterator[_Problem]:
    sent, taken = caller.at(place), callee.at(place)
    if sent is None:
        if taken is not None or not callee.varargs:
            yield MismatchKind.VARARGS_MISSING, caller.varargs
        return
    if sent.name not in caller.named:
        if taken is None and not callee.varargs:
            keyword = callee.named.get(sent.name) in callee.keywords
            kind = MismatchKind.NOT_POSITIONAL if keyword else MismatchKind.MISSING
            yield kind, sent.name
        return
    if sent.name in callee.named:
        if callee.place.get(sent.name) != place:
            keyword = sent.name not in callee.place
            kind = MismatchKind.NOT_POSITIONAL if keyword else MismatchKind.REORDERED
            yield kind, sent.name
    elif taken is not None and taken.name in callee.named:
        renamed = taken.name not in caller.named
        yield MismatchKind.RENAMED if renamed else MismatchKind.MISSING, sent.name
    elif taken is None and not callee.varargs:
        yield MismatchKind.MISSING, sent.name


def _wrong_name(caller: _Side, callee: _Side, name: str, positional: int) -> Iterator[_Problem]:
    """A name that the callee does not know, or whose place a positional argument has taken."""
    if name in callee.named:
        if callee.place.get(name, positional) < positional:
            extra = name not in caller.named
            yield (
                (MismatchKind.KWARGS_MISSING, caller.varkw)
                if extra
                else (MismatchKind.REORDERED, name)
            )
        return
    if callee.varkw:
        return
    if name not in caller.named:
        yield MismatchKind.KWARGS_MISSING, caller.varkw
        return
    yield _unknown_name(caller, callee, name), name


def _unknown_name(caller: _Side, callee: _Side, name: str) -> MismatchKind:
    if any(parameter.name == name for parameter in callee.positional):
        return MismatchKind.NOT_KEYWORD
    if name not in caller.place:
        strangers = [p for p in callee.keywords if p.name not in caller.named]
        lost = [p for p in caller.keywords if p.name not in callee.named]
        alone = len(strangers) == len(lost) == 1
        return MismatchKind.RENAMED if alone else MismatchKind.MISSING
    taken = callee.at(caller.place[name])
    if taken is None:
        return MismatchKind.NOT_KEYWORD if callee.varargs else MismatchKind.MISSING
    if taken.name not in callee.named:
        return MismatchKind.NOT_KEYWORD
    return MismatchKind.MISSING if taken.name in caller.named else MismatchKind.RENAMED


def _not_given(
    caller: _Side, callee: _Side, wanted: Parameter, place: int | None, call: Call
) -> _Problem:
    """A parameter that the callee requires and this call does not reach."""
    own = caller.named.get(wanted.name) if wanted.name in callee.named else None
    if own is not None:
        if not own.is_required:
            return MismatchKind.DEFAULT_MISSING, wanted.name
        moved = place is not None or own in caller.keywords
        return MismatchKind.REORDERED if moved else MismatchKind.NOT_POSITIONAL, wanted.name
    same_place = caller.at(place) if place is not None else None
    if same_place is None:
        return _extra_or_renamed(caller, callee, wanted)
    if same_place.name in call.keywords and wanted.name not in callee.named:
        return MismatchKind.NOT_KEYWORD, same_place.name
    if same_place.name in caller.named and wanted.name in callee.named:
        stays = same_place.name in callee.named
        return (
            (MismatchKind.EXTRA_REQUIRED, wanted.name)
            if stays
            else (MismatchKind.RENAMED, same_place.name)
        )
    return MismatchKind.DEFAULT_MISSING, same_place.name


def _extra_or_renamed(caller: _Side, callee: _Side, wanted: Parameter) -> _Problem:
    if wanted in callee.keywords and not callee.varkw:
        lost = [p for p in caller.keywords if p.name not in callee.named]
        strangers = [p for p in callee.keywords if p.name not in caller.named]
        if len(lost) == len(strangers) == 1:
            return MismatchKind.RENAMED, lost[0].name
    return MismatchKind.EXTRA_REQUIRED, wanted.name


def _without_consequences(
    caller: _Side, callee: _Side, found: list[Mismatch]
) -> tuple[Mismatch, ...]:
    """Leave out moves that follow from another mismatch; of real moves the first one stands."""
    moved = [mismatch for mismatch in found if mismatch.kind is MismatchKind.REORDERED]
    others = [mismatch for mismatch in found if mismatch.kind is not MismatchKind.REORDERED]
    if not moved:
        return tuple(others)
    shared = [name for name in caller.place if name in callee.place]
    in_order = shared == [name for name in callee.place if name in caller.place]
    if in_order and others:
        return tuple(others)
    return (*others, moved[0])
