"""The catalogue is whole: every rule has its file, and every file its rule in the code."""

from __future__ import annotations

import ast
from fnmatch import fnmatchcase
from pathlib import Path

import testtools

import abc_interface_checker
from abc_interface_checker import catalogue
from abc_interface_checker.configuration import ADJUSTABLE
from abc_interface_checker.explain import explain, not_implemented, overview
from abc_interface_checker.findings import Bump, Effect, Severity
from abc_interface_checker.suppressions import NEVER

WANTED = frozenset(
    (Path(__file__).parent / "catalogue_ids.txt").read_text(encoding="utf-8").split()
)
"""What was found by analysis; ``yield-type-*`` stands for several."""
BEYOND = {
    "contract-not-freezable": "what a frozen file cannot hold is told before there is one",
    "enum-opened": "the mark that makes additions to an enumeration minor can itself be set",
    "field-reordered": "what was built by position is built otherwise, as with parameters",
    "field-type-changed": "neither type contains the other, as with parameters",
    "suppression-unused": "a suppression that meets nothing hides the next finding",
}
"""What the analysis does not list, and why it is there all the same."""
GROUPS = frozenset(
    {
        "attribute",
        "capability",
        "contract",
        "implementation",
        "interface",
        "method",
        "package",
        "parameter",
        "result",
        "value",
    }
)


def constants() -> set[str]:
    """Every text in the code of the package, parts of formatted ones too."""
    found = set()
    for path in Path(abc_interface_checker.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def is_used(rule: str, texts: set[str]) -> bool:
    """Whether the id stands in the code, or the two or three parts that it is made of."""
    words = rule.split("-")
    cuts = range(1, len(words))
    splits = [
        [[words]],
        [[words[:at], words[at:]] for at in cuts],
        [[words[:at], words[at:to], words[to:]] for at in cuts for to in range(at + 1, len(words))],
    ]
    return any(
        all(spellings("-".join(part)) & texts for part in split)
        for several in splits
        for split in several
    )


def spellings(part: str) -> set[str]:
    """A part of an id, as code may have it."""
    return {part, f"{part}-", f"-{part}", f"-{part}-"}


class TestCatalogue(testtools.TestCase):
    """The files beside the analysis and the code."""

    def test_every_wanted_rule_is_there_or_has_a_reason(self) -> None:
        known = {*catalogue.rule_ids(), *not_implemented()}
        missing = [
            wanted
            for wanted in sorted(WANTED)
            if not any(fnmatchcase(rule, wanted) for rule in known)
        ]
        self.assertEqual([], missing)

    def test_every_rule_was_wanted(self) -> None:
        unknown = [
            rule
            for rule in catalogue.rule_ids()
            if rule not in BEYOND and not any(fnmatchcase(rule, wanted) for wanted in WANTED)
        ]
        self.assertEqual([], unknown)

    def test_what_goes_beyond_is_there(self) -> None:
        self.assertEqual(set(), set(BEYOND) - set(catalogue.rule_ids()))

    def test_what_is_not_implemented_has_no_file_but_a_reason(self) -> None:
        for rule, reason in not_implemented().items():
            self.assertNotIn(rule, catalogue.rule_ids())
            self.assertGreater(len(reason), 20, rule)

    def test_every_rule_is_used_in_the_code(self) -> None:
        texts = constants()
        self.assertEqual([], [rule for rule in catalogue.rule_ids() if not is_used(rule, texts)])

    def test_every_rule_in_the_code_has_a_file(self) -> None:
        families = {rule.partition("-")[0] for rule in catalogue.rule_ids()}
        known = set(catalogue.rule_ids())
        looks_like_a_rule = {
            text
            for text in constants()
            if all(part.isalpha() and part.islower() for part in text.split("-"))
            and text.partition("-")[0] in families
            and "-" in text
        }
        unknown = {
            text
            for text in looks_like_a_rule
            if text not in known
            and not any(rule.startswith(f"{text}-") or rule.endswith(f"-{text}") for rule in known)
        }
        self.assertEqual(set(), unknown)

    def test_unknown_rules_are_refused(self) -> None:
        self.assertRaises(catalogue.UnknownRule, catalogue.rule, "param-rename")


class TestRules(testtools.TestCase):
    """What each file says fits together."""

    def test_every_rule(self) -> None:
        for rule in map(catalogue.rule, catalogue.rule_ids()):
            self.assertIn(rule.group, GROUPS, rule.id)
            self.assertNotEqual((), rule.reported, rule.id)
            self.assertNotEqual((), rule.near_misses, rule.id)
            self.assertGreater(len(rule.why), 20, rule.id)
            self.assertFalse(rule.summary.endswith("."), rule.id)
            for example in rule.reported:
                self.assertIn(rule.id, example.findings)
            for example in rule.near_misses:
                self.assertNotIn(rule.id, example.findings)

    def test_what_breaks_a_side_asks_for_a_step(self) -> None:
        for rule in map(catalogue.rule, catalogue.rule_ids()):
            effects = {rule.callers, rule.implementers}
            for sides in rule.flows.values():
                effects |= set(sides)
            if rule.group not in ("implementation", "contract") and Effect.BREAKS in effects:
                self.assertEqual((Severity.ERROR, Bump.MAJOR), (rule.severity, rule.bump), rule.id)

    def test_severities_can_be_set_of_rules_that_there_are(self) -> None:
        for rule, choices in ADJUSTABLE.items():
            self.assertIn(catalogue.rule(rule).severity.value, choices)

    def test_what_is_never_suppressed_is_there(self) -> None:
        self.assertEqual(set(), NEVER - set(catalogue.rule_ids()))


class TestExplain(testtools.TestCase):
    """`explain` knows every rule."""

    def test_every_rule(self) -> None:
        for rule in catalogue.rule_ids():
            text = explain(rule)
            self.assertIn(catalogue.rule(rule).summary, text)
            self.assertIn("\nReported:\n", text)
            self.assertIn("\nNot reported:\n", text)
            self.assertIn(f"  {rule} ", overview())

    def test_a_difference_is_shown(self) -> None:
        text = explain("param-renamed")
        self.assertIn("\n  -    def start(timeout):", text)
        self.assertIn("\n  +    def start(deadline):", text)

    def test_what_is_not_implemented(self) -> None:
        for rule, reason in not_implemented().items():
            self.assertIn(reason, explain(rule))
