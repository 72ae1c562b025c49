"""A run that left something out is no complete run."""

from __future__ import annotations

import testtools

from nova_virt_interface.testing.completeness import gaps, unknown_deviations
from nova_virt_interface.testing.provides import Deviation, Provides
from nova_virt_interface.testing.results import Record, Status

PROVIDED = {"IHypervisor", "IConsoleLog"}
NONE = Provides({}, ())
DEVIATES = Provides({}, (Deviation("A.test_1", "issue 7"),))


def skipped(reason: str) -> list[Record]:
    """A run of one test that was skipped."""
    return [Record(test="A.test_1", status=Status.SKIP, reason=reason)]


class TestGaps(testtools.TestCase):
    def test_a_complete_run_has_none(self) -> None:
        for status in (Status.PASS, Status.FAIL, Status.ERROR):
            ran = [Record(test="A.test_1", status=status)]
            self.assertEqual([], gaps(["A.test_1"], ran, PROVIDED, NONE))

    def test_a_test_that_did_not_run(self) -> None:
        ran = [Record(test="A.test_1", status=Status.PASS)]
        expected = ["A.test_1", "A.test_2", "B.test_1"]
        found = gaps(expected, ran, PROVIDED, NONE)
        self.assertEqual(["A.test_2 did not run", "B.test_1 did not run"], found)

    def test_skipped_because_the_interface_is_not_provided(self) -> None:
        self.assertEqual(
            [], gaps(["A.test_1"], skipped("not provided: IImageCache"), PROVIDED, NONE)
        )

    def test_skipped_without_leave(self) -> None:
        for reason in (
            "not provided: IConsoleLog",
            "not provided: INonsense",
            "not provided: ",
            "too slow",
            "",
            "deviation: issue 7",
        ):
            found = gaps(["A.test_1"], skipped(reason), PROVIDED, NONE)
            self.assertEqual([f"A.test_1 was skipped without leave: {reason}"], found)

    def test_a_deviation_is_leave_with_its_own_reason_only(self) -> None:
        self.assertEqual([], gaps(["A.test_1"], skipped("deviation: issue 7"), PROVIDED, DEVIATES))
        other = skipped("deviation: something else")
        self.assertEqual(1, len(gaps(["A.test_1"], other, PROVIDED, DEVIATES)))

    def test_a_deviation_of_a_test_that_no_suite_has(self) -> None:
        self.assertEqual([], unknown_deviations(["A.test_1"], DEVIATES))
        found = unknown_deviations(["A.test_2"], DEVIATES)
        self.assertEqual(1, len(found))
        self.assertIn("A.test_1", found[0])
