"""Everything that nova's driver class asks for has an answer, and the answers exist."""

from __future__ import annotations

from pathlib import Path

import testtools

from nova_virt_interface.testing import coverage

PAGE = Path(__file__).parents[2] / "docs" / "coverage.md"


class TestCoverage(testtools.TestCase):
    def test_every_method_and_flag_has_one_row(self) -> None:
        asked = coverage.asked()
        self.assertEqual(108 + 35, len(set(asked)))
        table = coverage.rows()
        self.assertEqual(asked, [row.name for part in ("methods", "flags") for row in table[part]])

    def test_every_row_has_an_answer(self) -> None:
        for row in (row for part in coverage.rows().values() for row in part):
            self.assertTrue(row.by or row.core.strip(), row.name)

    def test_every_name_exists(self) -> None:
        named = [name for part in coverage.rows().values() for row in part for name in row.by]
        self.assertGreater(len(named), 100)
        self.assertEqual([], coverage.unknown_names(iter(named)))

    def test_names_that_do_not_exist_are_found(self) -> None:
        good = ("IVirtDriver", "IVirtDriver.spawn", "VmFeature.TPM", "HostDescription.features")
        wrong = ("IVirtDriver.spam", "INothing", "VmFeature.SPAM", "HostDescription.spam")
        self.assertEqual(list(wrong), coverage.unknown_names(iter((*good, *wrong))))

    def test_the_page_is_as_generated(self) -> None:
        command = "python -m nova_virt_interface.testing coverage > docs/coverage.md"
        self.assertEqual(coverage.as_markdown() + "\n", PAGE.read_text(encoding="utf-8"), command)
