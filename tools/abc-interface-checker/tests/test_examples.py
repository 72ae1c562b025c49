"""Every example of every rule, through the whole chain, and exactly what it says is found.

Two versions go through the reader and the comparison, a contract's own faults through the reader,
and an implementation, which its module calls ``implementation``, through import from a folder of
its own, against the contract's ``IThing``.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import fixtures
import testtools

from abc_interface_checker import catalogue
from abc_interface_checker.catalogue import Example, Rule
from abc_interface_checker.comparing import compare_sides
from abc_interface_checker.configuration import OFF, from_table
from abc_interface_checker.conformance import check_object
from abc_interface_checker.findings import CouldNotCheck, Finding
from abc_interface_checker.sides import Side
from abc_interface_checker.source import frozen
from abc_interface_checker.source.reader import Read
from abc_interface_checker.source.sources import Sources
from abc_interface_checker.suppressions import adjust

FROZEN = frozenset({"baseline-missing", "baseline-unreadable", "frozen-modified"})
"""Rules whose examples are frozen before and verified after."""


class Modules(fixtures.Fixture):
    """Files that can be imported, until they are gone again."""

    def __init__(self, files: Mapping[str, str]) -> None:
        super().__init__()
        self.files = files

    def _setUp(self) -> None:  # noqa: N802 - the name that fixtures asks for
        folder = Path(self.useFixture(fixtures.TempDir()).path)
        for name, text in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        sys.path.insert(0, str(folder))
        importlib.invalidate_caches()
        self.addCleanup(self.forget, str(folder), {*sys.modules})

    def forget(self, folder: str, before: set[str]) -> None:
        sys.path.remove(folder)
        for name in {*sys.modules} - before:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if file.startswith(folder):
                del sys.modules[name]


def examples(*groups: str) -> Iterator[tuple[str, Example]]:
    """A name for messages, and the example, of every rule that is or is not of these groups."""
    for rule in map(catalogue.rule, catalogue.rule_ids()):
        for kind, found in (("reported", rule.reported), ("near miss", rule.near_misses)):
            for at, example in enumerate(found, 1):
                if (kind_of(rule, example)) in groups:
                    yield f"{rule.id}, {kind} {at}", example


def kind_of(rule: Rule, example: Example) -> str:
    """Through what it has to go."""
    if not {*example.before} & {*example.after}:
        return "implementation"
    if rule.id in FROZEN:
        return "frozen"
    return "contract" if rule.group == "contract" else "versions"


def side(example: Example, texts: Mapping[str, str]) -> Side:
    """One version of the contract, with the example's configuration."""
    configuration = from_table(example.configuration)
    return Side(label="side", configuration=configuration, source=Sources.from_texts(texts))


def read(example: Example, texts: Mapping[str, str]) -> Read:
    return side(example, texts).read(from_table(example.configuration))


def described(findings: list[Finding] | tuple[Finding, ...]) -> str:
    return "\n".join(f"  {found.rule}: {found.element}: {found.message}" for found in findings)


class TestExamples(testtools.TestCase):
    """What is reported, and the near misses."""

    def compare(
        self,
        name: str,
        example: Example,
        found: list[Finding] | tuple[Finding, ...],
        unchecked: list[CouldNotCheck] | tuple[CouldNotCheck, ...] = (),
    ) -> str:
        """What is not as the example says; empty if all is."""
        rules = {finding.rule for finding in found}
        if rules == example.findings and not unchecked:
            return ""
        return (
            f"{name}: too much: {sorted(rules - example.findings)}, "
            f"missing: {sorted(example.findings - rules)}, not checked: {list(unchecked)}\n"
            f"{described(found)}"
        )

    def assert_all(self, faults: list[str], least: int) -> None:
        self.assertGreaterEqual(len(faults), least)
        wrong = [fault for fault in faults if fault]
        self.assertEqual(0, len(wrong), "\n" + "\n".join(wrong))

    def test_versions(self) -> None:
        faults = []
        for name, example in examples("versions"):
            old, new = (side(example, texts) for texts in (example.before, example.after))
            report = compare_sides(old, new)
            faults.append(
                self.compare(name, example, tuple(report.findings), tuple(report.could_not_check))
            )
        self.assert_all(faults, 200)

    def test_contracts(self) -> None:
        faults = []
        for name, example in examples("contract"):
            new = read(example, example.after)
            faults.append(self.compare(name, example, new.findings, new.could_not_check))
        self.assert_all(faults, 4)

    def test_frozen_files(self) -> None:
        faults = []
        for name, example in examples("frozen"):
            folder = Path(self.useFixture(fixtures.TempDir()).path)
            frozen.write(read(example, example.before).package, folder / "contracts")
            for file, text in example.after.items():
                if file.startswith("contracts/"):
                    (folder / file).write_text(text, encoding="utf-8")
            found = frozen.verify(read(example, example.after).package, folder / "contracts")
            faults.append(self.compare(name, example, found))
        self.assert_all(faults, 6)

    def test_implementations(self) -> None:
        faults = []
        for name, example in examples("implementation"):
            with Modules({**example.before, **example.after}):
                contract = importlib.import_module("contract")
                implementation = importlib.import_module("implementation")
                configuration = from_table(example.configuration)
                extra = configuration.severities.get("impl-extra-public", OFF) != OFF
                found = check_object(
                    [contract.IThing], implementation.implementation, extra_public=extra
                )
                faults.append(self.compare(name, example, adjust(found, configuration)))
        self.assert_all(faults, 60)
