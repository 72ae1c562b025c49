"""Every rule of the contract has a test, and no test quotes a rule that does not exist."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import testtools
from fixtures import MonkeyPatch, TempDir

import unit
from nova_virt_interface.testing import rulebook
from nova_virt_interface.testing.case import suite_tests
from nova_virt_interface.testing.rulebook import NOT_TESTED, as_markdown, rules, tests_by_rule
from nova_virt_interface.testing.suite.hypervisor import HypervisorSuite
from nova_virt_interface.testing.suite.virt_driver import VirtDriverSuite


def quoted_by_unit_tests() -> dict[str, set[str]]:
    """Rule id → names of the unit tests that quote it."""
    found: dict[str, set[str]] = {}
    for module in iter_modules(unit.__path__, "unit."):
        for case in vars(import_module(module.name)).values():
            if isinstance(case, type) and issubclass(case, testtools.TestCase):
                for name in suite_tests(case):
                    for rule in getattr(getattr(case, name), "rule_ids", ()):
                        found.setdefault(rule, set()).add(f"{case.__name__}.{name}")
    return found


class TestRules(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.by_suites = tests_by_rule(HypervisorSuite, VirtDriverSuite)
        self.by_units = quoted_by_unit_tests()

    def test_there_are_rules(self) -> None:
        found = rules()
        for rule in ("HAND-1", "LIFE-4", "EVT-4", "SRC-1", "SPAWN-2", "UND-3", "ERR-4", "CONC-2"):
            self.assertIn(rule, found)
        for rule, text in found.items():
            self.assertTrue(re.fullmatch(r"[A-Z]+-[1-9]\d*", rule), rule)
            self.assertTrue(text[0].isupper() or text[0] in "`", f"{rule} {text}")
            self.assertTrue(text.endswith("."), f"{rule} {text}")
            self.assertIsNone(re.search(r"\[[A-Z]+-\d+\]", text), f"{rule} {text}")

    def test_every_rule_is_checked_by_a_test_or_listed_with_a_reason(self) -> None:
        tested = self.by_suites.keys() | self.by_units.keys()
        self.assertEqual(set(), rules().keys() - tested - NOT_TESTED.keys())

    def test_the_list_of_rules_without_a_test_is_not_stale(self) -> None:
        tested = self.by_suites.keys() | self.by_units.keys()
        self.assertEqual(set(), NOT_TESTED.keys() & tested)
        self.assertLessEqual(NOT_TESTED.keys(), rules().keys())
        self.assertTrue(all(reason.strip() for reason in NOT_TESTED.values()))

    def test_every_rule_that_a_test_quotes_exists(self) -> None:
        known = rules().keys()
        for quoted in (self.by_suites, self.by_units):
            self.assertEqual({}, {rule: by for rule, by in quoted.items() if rule not in known})

    def test_every_suite_test_of_a_level_has_its_line(self) -> None:
        page = as_markdown(HypervisorSuite, VirtDriverSuite)
        for rule, text in rules().items():
            self.assertIn(f"**{rule}** {text}", page)
        for tests in self.by_suites.values():
            for key in tests:
                self.assertIn(f"`{key}`", page)


class TestReading(testtools.TestCase):
    def module(self, source: str) -> ModuleType:
        path = Path(self.useFixture(TempDir()).path) / "stated.py"
        path.write_text(source, encoding="utf-8")
        module = ModuleType("stated")
        module.__file__ = str(path)
        return module

    def read(self, *sources: str) -> dict[str, str]:
        modules = [self.module(source) for source in sources]
        self.useFixture(MonkeyPatch(f"{rulebook.__name__}._contract_modules", lambda: modules))
        return rules()

    def test_a_rule_ends_at_an_empty_line_or_at_the_next_rule(self) -> None:
        docstring = (
            '"""Title.\n\n    [X-2] One\n    rule.\n    [X-10] Two.\n\n    Other text.\n    """'
        )
        self.assertEqual({"X-2": "One rule.", "X-10": "Two."}, self.read(docstring))

    def test_a_rule_that_is_stated_twice_is_refused(self) -> None:
        error = self.assertRaises(ValueError, self.read, '"""[X-1] One."""', '"""[X-1] Two."""')
        self.assertIn("X-1", str(error))

    def test_a_rule_that_is_only_mentioned_is_not_stated(self) -> None:
        self.assertEqual({}, self.read('"""See rule X-1, and [X-2]."""'))
