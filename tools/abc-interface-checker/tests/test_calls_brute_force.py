"""The verdict on two signatures is what Python does when real functions are really called."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import testtools
from hypothesis import given, settings
from hypothesis import strategies as st

from abc_interface_checker.calls import Call, legal_calls, mismatches
from abc_interface_checker.model import Parameter, ParameterKind, Signature

_KINDS = list(ParameterKind)
_POSITIONAL = (ParameterKind.POSITIONAL_ONLY, ParameterKind.POSITIONAL_OR_KEYWORD)


@st.composite
def signatures(draw: st.DrawFn) -> Signature:
    names = draw(st.lists(st.sampled_from("abcde"), max_size=4, unique=True))
    kinds = sorted(
        draw(st.lists(st.sampled_from(_KINDS), min_size=len(names), max_size=len(names))),
        key=_KINDS.index,
    )
    parameters: list[Parameter] = []
    stars: set[ParameterKind] = set()
    optional = False
    for name, kind in zip(names, kinds, strict=True):
        if kind in (ParameterKind.VAR_POSITIONAL, ParameterKind.VAR_KEYWORD):
            if kind not in stars:
                stars.add(kind)
                parameters.append(Parameter(name=name, kind=kind))
            continue
        has_default = draw(st.booleans())
        if kind in _POSITIONAL:
            optional = has_default = has_default or optional
        default = "0" if has_default else None
        parameters.append(Parameter(name=name, kind=kind, default=default))
    return Signature(parameters=tuple(parameters))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Signature, Signature]:
    """A signature and one that is nearly the same: such pairs often fit."""
    first = draw(signatures())
    parameters = list(first.parameters)
    if parameters:
        place = draw(st.integers(0, len(parameters) - 1))
        changed = parameters[place]
        match draw(st.sampled_from(["drop", "rename", "optional", "keep"])):
            case "drop":
                del parameters[place]
            case "rename" if "f" not in {each.name for each in parameters}:
                parameters[place] = replace(changed, name="f")
            case "optional" if changed.kind is ParameterKind.KEYWORD_ONLY:
                parameters[place] = replace(changed, default="0")
    if draw(st.booleans()) and all(p.kind is not ParameterKind.VAR_KEYWORD for p in parameters):
        parameters.append(Parameter(name="kw", kind=ParameterKind.VAR_KEYWORD))
    return first, Signature(parameters=tuple(parameters))


def function(signature: Signature) -> Callable[..., dict[str, Any]]:
    """A real function of this signature, that returns what arrived where."""
    parts: list[str] = []
    last: ParameterKind | None = None
    for parameter in signature.parameters:
        kind = parameter.kind
        if last is ParameterKind.POSITIONAL_ONLY and kind is not last:
            parts.append("/")
        star_before = last in (ParameterKind.VAR_POSITIONAL, ParameterKind.KEYWORD_ONLY)
        if kind is ParameterKind.KEYWORD_ONLY and not star_before:
            parts.append("*")
        stars = {ParameterKind.VAR_POSITIONAL: "*", ParameterKind.VAR_KEYWORD: "**"}
        default = "=0" if parameter.default else ""
        parts.append(stars.get(kind, "") + parameter.name + default)
        last = kind
    if last is ParameterKind.POSITIONAL_ONLY:
        parts.append("/")
    names: dict[str, Any] = {}
    exec(f"def f({', '.join(parts)}): return dict(locals())", names)  # noqa: S102
    made: Callable[..., dict[str, Any]] = names["f"]
    return made


def all_calls() -> Iterator[Call]:
    names = "abcdefz"
    for positional in range(7):
        for count in range(len(names) + 1):
            for keywords in itertools.combinations(names, count):
                yield Call(positional, keywords)


ALL_CALLS = tuple(all_calls())


def outcome(called: Callable[..., dict[str, Any]], call: Call) -> dict[str, Any] | None:
    try:
        return called(*range(1, call.positional + 1), **{name: name for name in call.keywords})
    except TypeError:
        return None


def same_meaning(caller: Signature, callee: Signature, call: Call, got: dict[str, Any]) -> bool:
    """Whether each value arrived on the name that the caller's signature gives it."""
    sent = [p for p in caller.parameters if p.kind in _POSITIONAL]
    kinds = {p.name: p.kind for p in callee.parameters}
    varargs = [p.name for p in callee.parameters if p.kind is ParameterKind.VAR_POSITIONAL]
    nameable = {
        name
        for name, kind in kinds.items()
        if kind in (ParameterKind.POSITIONAL_OR_KEYWORD, ParameterKind.KEYWORD_ONLY)
    }
    for place in range(call.positional):
        value = place + 1
        in_stars = bool(varargs) and value in got[varargs[0]]
        if place >= len(sent):
            if not in_stars:
                return False
            continue
        parameter = sent[place]
        if parameter.kind is ParameterKind.POSITIONAL_ONLY:
            continue
        if parameter.name in nameable:
            if got[parameter.name] != value:
                return False
            continue
        anonymous = [n for n, k in kinds.items() if k is ParameterKind.POSITIONAL_ONLY]
        if not in_stars and all(got[name] != value for name in anonymous):
            return False
    return True


def taken(caller: Signature, callee: Signature, call: Call) -> bool:
    got = outcome(function(callee), call)
    return got is not None and same_meaning(caller, callee, call, got)


class TestAgainstPython(testtools.TestCase):
    @settings(max_examples=300, deadline=None)
    @given(st.one_of(st.tuples(signatures(), signatures()), pairs()))
    def test_the_verdict_is_that_of_every_call(self, both: tuple[Signature, Signature]) -> None:
        caller, callee = both
        old, new = function(caller), function(callee)
        legal = [call for call in ALL_CALLS if outcome(old, call) is not None]
        broken = []
        for call in legal:
            got = outcome(new, call)
            if got is None or not same_meaning(caller, callee, call, got):
                broken.append(call)
        self.assertEqual(bool(broken), bool(mismatches(caller, callee)), str(broken[:3]))

    @settings(max_examples=500, deadline=None)
    @given(signatures(), signatures())
    def test_each_call_shown_is_legal_and_not_taken(
        self, caller: Signature, callee: Signature
    ) -> None:
        old = function(caller)
        for mismatch in mismatches(caller, callee):
            self.assertIsNotNone(outcome(old, mismatch.call), str(mismatch))
            self.assertFalse(taken(caller, callee, mismatch.call), str(mismatch))

    @settings(max_examples=300, deadline=None)
    @given(signatures())
    def test_representative_calls_are_legal(self, signature: Signature) -> None:
        called = function(signature)
        for call in legal_calls(signature):
            self.assertIsNotNone(outcome(called, call), str(call))

    @settings(max_examples=300, deadline=None)
    @given(signatures())
    def test_a_signature_takes_its_own_calls(self, signature: Signature) -> None:
        self.assertEqual((), mismatches(signature, signature))
