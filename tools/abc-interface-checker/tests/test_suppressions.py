"""A suppression holds for what it names and for nothing else."""

from __future__ import annotations

import testtools

from abc_interface_checker.configuration import Configuration, Misconfigured, SuppressionEntry
from abc_interface_checker.findings import Bump, Finding, Severity
from abc_interface_checker.suppressions import (
    Suppressions,
    adjust,
    check_entries,
    of_group,
    of_versions,
)

PAIR = ("1.0", "1.1")


def found(rule: str = "param-renamed", element: str = "acme.IThing.start(timeout)") -> Finding:
    return Finding(
        rule=rule, element=element, message="m", severity=Severity.ERROR, bump=Bump.MAJOR
    )


def entry(
    rule: str = "param-renamed",
    element: str = "acme.IThing.start(timeout)",
    versions: tuple[str, str] | None = PAIR,
) -> SuppressionEntry:
    return SuppressionEntry(rule=rule, element=element, reason="why", versions=versions)


class TestSuppress(testtools.TestCase):
    """Which findings are marked, and which entries are unused."""

    def outcome(self, findings: list[Finding], *entries: SuppressionEntry) -> list[tuple[str, str]]:
        suppressions = Suppressions(entries, versions=PAIR)
        marked = suppressions.mark(findings) + suppressions.unused()
        return [(finding.rule, finding.suppressed) for finding in marked]

    def test_exact_and_glob(self) -> None:
        for element in ("acme.IThing.start(timeout)", "acme.IThing.*", "*(timeout)"):
            self.assertEqual(
                [("param-renamed", "why")], self.outcome([found()], entry(element=element))
            )

    def test_case_counts(self) -> None:
        self.assertEqual(
            [("param-renamed", ""), ("suppression-unused", "")],
            self.outcome([found()], entry(element="acme.ithing.*")),
        )

    def test_another_rule_is_not_met(self) -> None:
        self.assertEqual(
            [("param-removed-optional", ""), ("suppression-unused", "")],
            self.outcome([found("param-removed-optional")], entry()),
        )

    def test_another_pair_of_versions_is_not_looked_at(self) -> None:
        self.assertEqual(
            [("param-renamed", "")], self.outcome([found()], entry(versions=("1.1", "1.2")))
        )

    def test_only_what_the_run_looked_at_can_be_unused(self) -> None:
        entries = [entry(versions=None, element="acme.Csv.*")]
        self.assertEqual((), Suppressions(entries, below=["acme.Json"]).unused())
        (unused,) = Suppressions(entries, below=["acme.Csv"]).unused()
        self.assertEqual("suppression-unused", unused.rule)
        anywhere = entry(versions=None, element="*.start")
        (unused,) = Suppressions([anywhere], below=["acme.Json"]).unused()
        self.assertEqual("*.start", unused.element)

    def test_only_rules_that_the_run_looked_for_can_be_unused(self) -> None:
        rules = of_group("contract")
        self.assertEqual((), Suppressions([entry()], versions=PAIR, rules=rules).unused())
        (unused,) = Suppressions([entry()], versions=PAIR, rules=of_versions).unused()
        self.assertEqual("suppression-unused", unused.rule)


class TestEntries(testtools.TestCase):
    """What an entry may name."""

    def assert_refused(self, wrong: SuppressionEntry, part: str) -> None:
        error = self.assertRaises(Misconfigured, check_entries, [wrong])
        self.assertIn(part, str(error))

    def test_changed_releases_are_never_suppressed(self) -> None:
        self.assert_refused(entry("frozen-modified"), "cannot be suppressed")
        self.assert_refused(entry("suppression-unused"), "cannot be suppressed")

    def test_unknown_rule(self) -> None:
        self.assert_refused(entry("param-rename"), "no rule 'param-rename'")

    def test_a_comparison_needs_versions(self) -> None:
        self.assert_refused(entry(versions=None), "has no 'versions'")
        check_entries([entry()])


class TestAdjust(testtools.TestCase):
    """Severities that a project chose."""

    def test_a_lower_severity_asks_for_less(self) -> None:
        configuration = Configuration(severities={"param-default-changed": "warning"})
        changed, other = adjust([found("param-default-changed"), found()], configuration)
        self.assertEqual((Severity.WARNING, Bump.MINOR), (changed.severity, changed.bump))
        self.assertEqual(found(), other)

    def test_the_same_severity_changes_nothing(self) -> None:
        configuration = Configuration(severities={"param-default-changed": "error"})
        finding = found("param-default-changed")
        self.assertEqual((finding,), adjust([finding], configuration))

    def test_off(self) -> None:
        configuration = Configuration(severities={"impl-extra-public": "off"})
        self.assertEqual((), adjust([found("impl-extra-public")], configuration))
