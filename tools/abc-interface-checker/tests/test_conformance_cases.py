"""Every known case gets the verdict and the rules that it should."""

from __future__ import annotations

import testtools
from conformance_case import CASES, Verdict
from conformance_table import outcomes


class TestCases(testtools.TestCase):
    def test_each_gets_its_verdict_and_its_rules(self) -> None:
        wrong = [
            f"{each.case.name}: {each.verdict.value}, {sorted(each.rules)}"
            for each in outcomes()
            if each.verdict is not each.case.verdict or each.rules != each.case.rules
        ]
        self.assertEqual([], wrong)

    def test_there_are_as_many_cases_as_are_known(self) -> None:
        self.assertGreaterEqual(len(CASES), 93)
        self.assertEqual(len(CASES), len({case.name for case in CASES}))

    def test_zope_says_otherwise_of_some(self) -> None:
        # The table is worth printing only while the checks differ.
        missed = [
            each.case.name
            for each in outcomes()
            if each.case.verdict is Verdict.REJECT and each.by_object == "accept"
        ]
        self.assertIn("renamed", missed)
