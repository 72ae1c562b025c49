"""What is said of two signatures is what their calls say, in both directions."""

from __future__ import annotations

import testtools
from hypothesis import given, settings
from hypothesis import strategies as st

from abc_interface_checker import catalogue
from abc_interface_checker.calls import mismatches
from abc_interface_checker.compatibility.parameters import compare_methods
from abc_interface_checker.findings import Bump, Effect, Finding, Severity
from abc_interface_checker.model import Method, Parameter, ParameterKind, Signature

_KINDS = list(ParameterKind)
_POSITIONAL = (ParameterKind.POSITIONAL_ONLY, ParameterKind.POSITIONAL_OR_KEYWORD)
_STARS = (ParameterKind.VAR_POSITIONAL, ParameterKind.VAR_KEYWORD)


@st.composite
def signatures(draw: st.DrawFn) -> Signature:
    names = draw(st.lists(st.sampled_from("abcde"), max_size=5, unique=True))
    kinds = sorted((draw(st.sampled_from(_KINDS)) for _ in names), key=_KINDS.index)
    parameters: list[Parameter] = []
    optional = False
    for name, kind in zip(names, kinds, strict=True):
        if kind in _STARS:
            if kind not in (p.kind for p in parameters):
                parameters.append(Parameter(name=name, kind=kind))
            continue
        has_default = draw(st.booleans())
        if kind in _POSITIONAL:
            optional = has_default = has_default or optional
        default = draw(st.sampled_from("01")) if has_default else None
        parameters.append(Parameter(name=name, kind=kind, default=default))
    return Signature(parameters=tuple(parameters))


def found(old: Signature, new: Signature) -> list[Finding]:
    before, after = Method(name="start", signature=old), Method(name="start", signature=new)
    return list(compare_methods("contract.IThing.start", before, after))


def rules(old: Signature, new: Signature) -> list[str]:
    return sorted(finding.rule for finding in found(old, new))


class TestAgainstCalls(testtools.TestCase):
    @settings(max_examples=600, deadline=None)
    @given(signatures(), signatures())
    def test_the_verdict_is_that_of_the_calls(self, old: Signature, new: Signature) -> None:
        findings = found(old, new)
        callers = any(finding.callers is Effect.BREAKS for finding in findings)
        implementers = any(finding.implementers is Effect.BREAKS for finding in findings)
        self.assertEqual(bool(mismatches(old, new)), callers, str(findings))
        self.assertEqual(bool(mismatches(new, old)), implementers, str(findings))

    @settings(max_examples=600, deadline=None)
    @given(signatures(), signatures())
    def test_what_breaks_has_a_witness_and_asks_for_a_major_step(
        self, old: Signature, new: Signature
    ) -> None:
        for finding in found(old, new):
            if finding.rule == "param-default-changed":
                continue
            breaks = Effect.BREAKS in (finding.callers, finding.implementers)
            self.assertEqual(breaks, finding.witness is not None, str(finding))
            self.assertEqual(breaks, finding.bump is Bump.MAJOR, str(finding))
            self.assertEqual(breaks, finding.severity is Severity.ERROR, str(finding))

    @settings(max_examples=300, deadline=None)
    @given(signatures())
    def test_nothing_is_said_of_what_did_not_change(self, signature: Signature) -> None:
        self.assertEqual([], found(signature, signature))

    @settings(max_examples=600, deadline=None)
    @given(signatures(), signatures())
    def test_something_is_said_of_every_change(self, old: Signature, new: Signature) -> None:
        def listed(signature: Signature) -> list[Parameter]:
            # The name of a star parameter is nobody's business.
            return [
                Parameter(name="", kind=p.kind) if p.is_star else p for p in signature.parameters
            ]

        self.assertEqual(listed(old) != listed(new), bool(found(old, new)))


def taking(*names: str, **more: ParameterKind) -> Signature:
    parameters = [_parameter(name) for name in names]
    parameters += [Parameter(name=name, kind=kind) for name, kind in more.items()]
    return Signature(parameters=tuple(parameters))


def _parameter(written: str) -> Parameter:
    name, has_default, default = written.partition("=")
    return Parameter(name=name, default=default if has_default else None)


class TestNames(testtools.TestCase):
    """Changes that touch each other."""

    def test_one_went_and_the_next_moved_up(self) -> None:
        self.assertEqual(["param-removed-required"], rules(taking("a", "b"), taking("b")))

    def test_one_came_in_front(self) -> None:
        self.assertEqual(["param-added-required"], rules(taking("b"), taking("a", "b")))

    def test_removed_from_the_middle_breaks_implementers_too(self) -> None:
        [finding] = found(taking("a=1", "b=2"), taking("b=2"))
        self.assertEqual("param-removed-optional", finding.rule)
        self.assertEqual((Effect.BREAKS,) * 2, (finding.callers, finding.implementers))

    def test_star_parameters_that_take_everything_save_callers(self) -> None:
        everything = taking(rest=ParameterKind.VAR_POSITIONAL, more=ParameterKind.VAR_KEYWORD)
        for finding in found(taking("a=1"), everything):
            self.assertIs(Effect.KEEPS, finding.callers, str(finding))

    def test_renamed_and_made_optional(self) -> None:
        self.assertEqual(
            ["param-became-optional", "param-renamed"], rules(taking("a"), taking("b=1"))
        )

    def test_swapped_is_one_finding(self) -> None:
        self.assertEqual(["param-reordered"], rules(taking("a", "b"), taking("b", "a")))

    def test_an_optional_one_before_star_arguments_takes_their_first(self) -> None:
        old = taking(rest=ParameterKind.VAR_POSITIONAL)
        new = taking("a=1", rest=ParameterKind.VAR_POSITIONAL)
        self.assertEqual(["param-added-optional-middle"], rules(old, new))

    def test_elements_name_the_parameter(self) -> None:
        [finding] = found(taking("a"), taking("a", "b"))
        self.assertEqual("contract.IThing.start(b)", finding.element)

    def test_a_changed_default_is_told_without_a_call(self) -> None:
        [finding] = found(taking("a=1"), taking("a=2"))
        rule = catalogue.rule("param-default-changed")
        self.assertEqual((rule.severity, rule.bump), (finding.severity, finding.bump))
        self.assertEqual((Effect.BEHAVIOUR,) * 2, (finding.callers, finding.implementers))
