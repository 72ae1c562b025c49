"""How a mismatch of parameters is named."""

from __future__ import annotations

import inspect

import testtools

from abc_interface_checker.calls import Call, legal_calls, mismatches, written
from abc_interface_checker.model import Parameter, ParameterKind, Signature

_KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: ParameterKind.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD: ParameterKind.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL: ParameterKind.VAR_POSITIONAL,
    inspect.Parameter.KEYWORD_ONLY: ParameterKind.KEYWORD_ONLY,
    inspect.Parameter.VAR_KEYWORD: ParameterKind.VAR_KEYWORD,
}


def signature(text: str) -> Signature:
    """The signature of ``def f(text)``."""
    names: dict[str, object] = {}
    exec(f"def f({text}): pass", names)  # noqa: S102
    made = names["f"]
    assert callable(made)
    return Signature(
        parameters=tuple(
            Parameter(
                name=parameter.name,
                kind=_KINDS[parameter.kind],
                default=None if parameter.default is parameter.empty else repr(parameter.default),
            )
            for parameter in inspect.signature(made).parameters.values()
        )
    )


def found(caller: str, callee: str) -> list[str]:
    return sorted(
        f"{mismatch.kind}({mismatch.parameter})"
        for mismatch in mismatches(signature(caller), signature(callee))
    )


class TestKinds(testtools.TestCase):
    def test_each_way_to_differ_has_its_name(self) -> None:
        for caller, callee, expected in (
            ("a, b", "a", ["missing(b)"]),
            ("a, b, c", "a, c", ["missing(b)"]),
            ("a, *, b", "a", ["missing(b)"]),
            ("a, /", "", ["missing(a)"]),
            ("a", "a, b", ["extra-required(b)"]),
            ("a", "b, a", ["extra-required(b)"]),
            ("a", "a, *, b", ["extra-required(b)"]),
            ("**kw", "*, b, **kw", ["extra-required(b)"]),
            ("a, b", "a, c", ["renamed(b)"]),
            ("a, b=1", "a, c=1", ["renamed(b)"]),
            ("a, b", "a, c, **kw", ["renamed(b)"]),
            ("*, a", "*, b", ["renamed(a)"]),
            ("*, a=1", "*, b=1", ["renamed(a)"]),
            ("a, b", "b, a", ["reordered(a)"]),
            ("a, b", "x=0, a=0, b=0", ["reordered(a)"]),
            ("a", "a, /", ["not-keyword(a)"]),
            ("a", "b, /", ["not-keyword(a)"]),
            ("a", "*args", ["not-keyword(a)"]),
            ("*, a", "*args", ["missing(a)"]),
            ("a", "*, a", ["not-positional(a)"]),
            ("a, /", "*, a", ["extra-required(a)", "not-positional(a)"]),
            ("a, b", "*args, b", ["not-keyword(a)", "not-positional(b)"]),
            ("a=1", "a", ["default-missing(a)"]),
            ("a=1, /", "b, /", ["default-missing(a)"]),
            ("*, a=1", "*, a", ["default-missing(a)"]),
            ("a, *rest", "a", ["varargs-missing(*rest)"]),
            ("a, *rest", "a, b=1, *rest", ["varargs-missing(*rest)"]),
            ("**kw", "", ["kwargs-missing(**kw)"]),
            ("a, /, **kw", "a, **kw", ["kwargs-missing(**kw)"]),
        ):
            self.assertEqual(expected, found(caller, callee), f"({caller}) to ({callee})")

    def test_these_take_every_call(self) -> None:
        for caller, callee in (
            ("a, b", "a, b, c=1"),
            ("a, b", "a, b, *rest"),
            ("a, b", "*args, **kw"),
            ("a, b", "a, *args, **kw"),
            ("a", "a=1"),
            ("a, /", "b, /"),
            ("a, /", "b"),
            ("a, /", "*args"),
            ("*, a", "a"),
            ("*, a, b", "*, b, a"),
            ("*, a", "**kw"),
            ("*rest", "*args"),
            ("**kw", "x=1, **kw"),
            ("**kw", "*, x=1, **others"),
            ("a, *, b", "a, b"),
        ):
            self.assertEqual([], found(caller, callee), f"({caller}) to ({callee})")


class TestCalls(testtools.TestCase):
    def test_an_optional_parameter_is_passed_in_each_way(self) -> None:
        self.assertEqual(
            {Call(1), Call(0, ("a",)), Call(0, ("a", "b")), Call(1, ("b",)), Call(2)},
            set(legal_calls(signature("a, b=1"))),
        )

    def test_a_call_is_written_as_python(self) -> None:
        call = Call(1, ("timeout",))
        self.assertEqual("start(1, timeout=2)", written(call, "start"))
        self.assertEqual(
            "start(name, timeout=timeout)", written(call, "start", signature("name, timeout"))
        )
