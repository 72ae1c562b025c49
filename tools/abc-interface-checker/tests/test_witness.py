"""Witnesses hold: what they show is really run against objects of both versions."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from typing import Any

import testtools
from hypothesis import given, settings
from test_compatibility_parameters import found, signatures

from abc_interface_checker import catalogue
from abc_interface_checker.calls import Call
from abc_interface_checker.comparing import compare_sides
from abc_interface_checker.compatibility import witness
from abc_interface_checker.configuration import from_table
from abc_interface_checker.findings import Effect, Finding, Witness
from abc_interface_checker.model import Annotation, Method, Parameter, Signature, Style
from abc_interface_checker.sides import Side
from abc_interface_checker.source.sources import Sources

OWN_GROUPS = frozenset({"attribute", "capability", "interface", "method", "package", "parameter"})
NOTHING_TO_SHOW = frozenset(
    {
        # What an invariant or a tag is good for is only known to who asks for it.
        "invariant-added",
        "invariant-removed",
        "tag-changed",
        "tag-removed",
    }
)


def thing(signature: Signature) -> Any:
    """An object whose method ``start`` returns what arrived where."""
    source = witness.definition(Method(name="start", signature=signature))
    code = f"class Thing:\n    {source.removesuffix('...')} return dict(locals())"
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102
    return names["Thing"]()


def run(code: str, **names: Any) -> Any:
    return eval(code, dict(names))  # noqa: S307


def arrived(holder: str, got: dict[str, Any]) -> list[Any]:
    content = got[holder.lstrip("*")]
    if holder.startswith("**"):
        return list(content.values())
    return list(content) if holder.startswith("*") else [content]


class TestCalls(testtools.TestCase):
    @settings(max_examples=500, deadline=None)
    @given(signatures(), signatures())
    def test_every_call(self, old: Signature, new: Signature) -> None:
        for finding in found(old, new):
            shown = finding.witness
            if shown is None:
                continue
            if shown.side == "callers":
                self.assert_shown(shown.code, shown.after, thing(old), thing(new))
            else:
                call = shown.code.rpartition("Implementation().")[2]
                self.assert_shown(f"thing.{call}", shown.after, thing(new), thing(old))
                self.assert_implementation(shown)

    def assert_shown(self, code: str, said: str, good: Any, bad: Any) -> None:
        meant = run(code, thing=good)
        if said.startswith("TypeError: start() "):
            self.assertRaises(TypeError, run, code, thing=bad)
            return
        words = said.split()
        self.assertEqual(["what", "is", "meant", "as"], words[:4])
        sent, holder = words[4], words[7]
        common = [
            value
            for value in arrived(sent, meant)
            if value in arrived(holder, run(code, thing=bad))
        ]
        self.assertNotEqual([], common, f"{code}: {said}")

    def assert_implementation(self, shown: Witness) -> None:
        """What is printed for implementers runs as it is printed."""
        names: dict[str, Any] = {}
        if shown.after.startswith("TypeError"):
            self.assertRaises(TypeError, exec, shown.code, names)
        else:
            exec(shown.code, names)  # noqa: S102
            self.assertIn("Implementation", names)


class TestText(testtools.TestCase):
    def test_arguments_fit_the_annotations(self) -> None:
        types = ["int", "str", "bool", "list[int]", "uuid.UUID", "str | None", "None"]
        names = ["size", "name", "force", "items", "key", "label", "nothing"]
        signature = Signature(
            parameters=tuple(
                Parameter(name=name, annotation=Annotation(type_))
                for name, type_ in zip(names, types, strict=True)
            )
        )
        self.assertEqual(
            'start(1, "name", True, [], key, label="label", nothing=None)',
            witness.written_call("start", signature, Call(5, ("label", "nothing"))),
        )

    def test_every_style_is_a_definition(self) -> None:
        for style in Style:
            code = f"class Thing:\n    {witness.definition(Method(name='start', style=style))}"
            names: dict[str, Any] = {"contextlib": contextlib}
            exec(code, names)  # noqa: S102
            self.assertTrue(callable(names["Thing"]().start), style.value)

    def test_defaults_that_are_names_of_elsewhere(self) -> None:
        signature = Signature(parameters=(Parameter(name="kind", default="contract.Kind.ONE"),))
        method = Method(name="start", signature=signature)
        self.assertEqual("def start(self, kind=...): ...", witness.definition(method))


def breaking() -> Iterator[tuple[str, Finding]]:
    """What breaks a side in the reported examples of our rules, each rule's own."""
    for rule in map(catalogue.rule, catalogue.rule_ids()):
        if rule.group not in OWN_GROUPS:
            continue
        for example in rule.reported:
            configuration = from_table(example.configuration)
            old, new = (
                Side(label="", configuration=configuration, source=Sources.from_texts(texts))
                for texts in (example.before, example.after)
            )
            for finding in compare_sides(old, new).findings:
                breaks = Effect.BREAKS in (finding.callers, finding.implementers)
                if finding.rule == rule.id and breaks:
                    yield rule.id, finding


class TestExamples(testtools.TestCase):
    def test_everything_that_breaks_is_shown(self) -> None:
        without = {rule for rule, finding in breaking() if finding.witness is None}
        self.assertEqual(NOTHING_TO_SHOW, without)

    def test_what_is_shown_is_python_and_fails_as_it_says(self) -> None:
        shown = [(rule, finding.witness) for rule, finding in breaking() if finding.witness]
        self.assertGreater(len(shown), 30)
        for rule, each in shown:
            ast.parse(each.code)
            if each.code.startswith("class Implementation:\n"):
                kind = each.after.partition(":")[0]
                expected = {"TypeError": TypeError, "AttributeError": AttributeError}[kind]
                self.assertRaises(expected, exec, each.code, {})
            self.assertNotEqual(each.before, each.after, rule)
