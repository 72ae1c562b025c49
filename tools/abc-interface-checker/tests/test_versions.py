"""Which version step changes need, and what is said of the declared one."""

from __future__ import annotations

import testtools
from hypothesis import given
from hypothesis import strategies as st

from abc_interface_checker.findings import Bump, Finding, Severity
from abc_interface_checker.versions import Judgement, Verdict, Version, judge, required_bump


def found(bump: Bump, suppressed: str = "") -> Finding:
    return Finding(
        rule="rule",
        element="contract",
        message="it changed",
        severity=Severity.INFO,
        bump=bump,
        suppressed=suppressed,
    )


def judged(old: str, new: str, *bumps: Bump) -> Judgement:
    return judge("contract", old, new, [found(bump) for bump in bumps])


versions = st.builds(
    Version,
    st.integers(0, 3),
    st.integers(0, 3),
    st.none() | st.integers(0, 3),
    st.integers(-1, 3),
)


class TestVersion(testtools.TestCase):
    @given(versions)
    def test_what_is_written_is_read(self, version: Version) -> None:
        self.assertEqual(version, Version.parse(str(version)))

    def test_what_is_no_version(self) -> None:
        for text in ("", "1", "1.0rc1", "1.0.0.0", "01.0", "1.0.dev", "one", "1.0 beta"):
            self.assertRaises(ValueError, Version.parse, text)

    def test_order(self) -> None:
        texts = ["0.9", "1.0.dev1", "1.0.dev2", "1.0", "1.0.1.dev0", "1.0.1", "1.1", "2.0.dev0"]
        orders = [Version.parse(text).order for text in texts]
        self.assertEqual(sorted(orders), orders)
        self.assertEqual(Version.parse("1.0").order, Version.parse("1.0.0").order)


class TestRequired(testtools.TestCase):
    def test_the_greatest_counts(self) -> None:
        self.assertIs(Bump.NONE, required_bump([]))
        self.assertIs(Bump.MINOR, required_bump([found(Bump.PATCH), found(Bump.MINOR)]))

    def test_what_is_suppressed_does_not(self) -> None:
        findings = [found(Bump.PATCH), found(Bump.MAJOR, suppressed="nobody uses it")]
        self.assertIs(Bump.PATCH, required_bump(findings))


class TestVerdict(testtools.TestCase):
    def assert_verdict(
        self, verdict: Verdict, lowest: str, old: str, new: str, *bumps: Bump
    ) -> None:
        judgement = judged(old, new, *bumps)
        said = (judgement.verdict, judgement.lowest)
        self.assertEqual((verdict, lowest), said, f"{old} to {new}")
        rules = [finding.rule for finding in judgement.findings]
        bad = verdict not in (Verdict.FITS, Verdict.UNKNOWN)
        self.assertEqual([verdict.value] if bad else [], rules)

    def test_fits(self) -> None:
        for lowest, old, new, bump in (
            ("2.0", "1.4", "2.0", Bump.MAJOR),
            ("1.5", "1.4", "1.5", Bump.MINOR),
            ("1.5", "1.4", "1.6", Bump.MINOR),
            ("1.4.1", "1.4", "1.4.1", Bump.PATCH),
            ("1.4.3", "1.4.2", "1.4.3", Bump.PATCH),
            ("1.5", "1.4", "1.5", Bump.PATCH),
            ("2.0.0", "1.4.2", "2.0.0", Bump.MAJOR),
            ("1.4", "1.4", "1.4", Bump.NONE),
            ("2.0", "1.4", "2.0.dev3", Bump.MAJOR),
        ):
            self.assert_verdict(Verdict.FITS, lowest, old, new, bump)

    def test_below_one_a_major_need_is_a_minor_one(self) -> None:
        self.assert_verdict(Verdict.FITS, "0.5", "0.4", "0.5", Bump.MAJOR)
        self.assert_verdict(Verdict.TOO_LOW, "0.5.0", "0.4.0", "0.4.1", Bump.MAJOR)
        self.assert_verdict(Verdict.FITS, "0.4", "0.4", "1.0", Bump.NONE)

    def test_a_draft_promises_nothing_but_must_change(self) -> None:
        self.assert_verdict(Verdict.FITS, "1.0.dev2", "1.0.dev1", "1.0.dev2", Bump.MAJOR)
        self.assert_verdict(Verdict.FITS, "1.0.dev2", "1.0.dev1", "1.0", Bump.MAJOR)
        self.assert_verdict(Verdict.NOT_BUMPED, "1.0.dev2", "1.0.dev1", "1.0.dev1", Bump.PATCH)

    def test_the_bad_ones(self) -> None:
        self.assert_verdict(Verdict.TOO_LOW, "2.0", "1.4", "1.5", Bump.MINOR, Bump.MAJOR)
        self.assert_verdict(Verdict.TOO_LOW, "1.5.0", "1.4.2", "1.4.3", Bump.MINOR)
        self.assert_verdict(Verdict.TOO_HIGH, "1.5", "1.4", "2.0", Bump.MINOR)
        self.assert_verdict(Verdict.TOO_HIGH, "1.4.3", "1.4.2", "1.5.0", Bump.PATCH)
        self.assert_verdict(Verdict.NOT_BUMPED, "1.5", "1.4", "1.4", Bump.PATCH)
        self.assert_verdict(Verdict.NOT_BUMPED, "2.0", "1.4", "1.4.0", Bump.MAJOR)
        self.assert_verdict(Verdict.WENT_BACK, "1.5", "1.4", "1.4.dev1", Bump.MINOR)
        self.assert_verdict(Verdict.WENT_BACK, "1.4", "1.4", "1.3", Bump.NONE)

    def test_without_a_version(self) -> None:
        self.assert_verdict(Verdict.UNKNOWN, "", "", "", Bump.MAJOR)
        self.assert_verdict(Verdict.UNKNOWN, "2.0", "1.4", "", Bump.MAJOR)
        self.assertEqual((), judged("", "1.0").could_not_check)

    def test_a_version_that_cannot_be_read_is_no_pass(self) -> None:
        judgement = judged("1.0", "next", Bump.MAJOR)
        self.assertIs(Verdict.UNKNOWN, judgement.verdict)
        [unread] = judgement.could_not_check
        self.assertIn("the new version: 'next'", unread.reason)

    def test_facts(self) -> None:
        self.assertEqual(
            {
                "old version": "1.0",
                "new version": "1.1",
                "required bump": "major",
                "declared bump": "minor",
                "verdict": "version-too-low",
                "lowest valid next version": "2.0",
            },
            judged("1.0", "1.1", Bump.MAJOR).facts(),
        )

    @given(versions, st.sampled_from(list(Bump)))
    def test_the_lowest_version_fits_and_none_below_it_does(self, old: Version, bump: Bump) -> None:
        lowest = judged(str(old), str(old), bump).lowest
        self.assertIs(Verdict.FITS, judged(str(old), lowest, bump).verdict)
        taken = Version.parse(lowest)
        step = old.step_to(taken)
        if bump is not Bump.NONE and not old.is_draft and step is Bump.MAJOR:
            minor = Version(old.major, old.minor + 1, 0 if old.patch is not None else None)
            self.assertIs(Verdict.TOO_LOW, judged(str(old), str(minor), bump).verdict)
