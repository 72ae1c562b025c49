"""The handshake: what a driver declares, and whether core takes it."""

from __future__ import annotations

import testtools
from hypothesis import given
from hypothesis import strategies as st

from nova_virt_interface.errors import IncompatibleContract
from nova_virt_interface.handshake import Declaration, negotiate
from nova_virt_interface.testing.case import rules
from nova_virt_interface.version import ContractVersion
from unit.test_version import DRAFTS, NUMBERS, RELEASES, VERSIONS

NAMES = st.from_regex(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*", fullmatch=True)


def declared(contract: str | None) -> Declaration:
    """What a driver of this contract declares."""
    return Declaration(
        driver="tiny", package="nova-virt-tiny", package_version="3.1", contract=contract
    )


class TestDeclaration(testtools.TestCase):
    @rules("HAND-1")
    @given(NAMES, VERSIONS)
    def test_an_entry_points_name_holds_driver_and_contract(
        self, driver: str, version: ContractVersion
    ) -> None:
        read = Declaration.from_entry_point(f"{driver}-{version}", "package", "1.2")
        self.assertEqual((driver, str(version)), (read.driver, read.contract))
        self.assertEqual(("package", "1.2"), (read.package, read.package_version))

    @rules("HAND-1")
    @given(NAMES)
    def test_a_name_without_a_version_declares_none(self, driver: str) -> None:
        read = Declaration.from_entry_point(driver, "package", "1.2")
        self.assertEqual((driver, None), (read.driver, read.contract))

    @rules("HAND-1")
    def test_a_name_that_is_a_version_alone_declares_none(self) -> None:
        self.assertIsNone(Declaration.from_entry_point("-1.0", "package", "1.2").contract)


class TestVerdict(testtools.TestCase):
    @rules("HAND-2")
    @given(NUMBERS, NUMBERS, NUMBERS)
    def test_a_driver_runs_under_its_own_and_every_later_minor(
        self, major: int, minor: int, later: int
    ) -> None:
        verdict = negotiate(declared(f"{major}.{minor}"), f"{major}.{minor + later}")
        self.assertTrue(verdict.accepted, verdict)
        verdict.require()

    @rules("HAND-2")
    @given(NUMBERS)
    def test_a_driver_of_1_0_runs_under_every_core_of_1(self, minor: int) -> None:
        self.assertTrue(negotiate(declared("1.0"), f"1.{minor}").accepted)

    @rules("HAND-2", "HAND-4")
    @given(NUMBERS, NUMBERS, st.integers(min_value=1, max_value=9))
    def test_a_driver_of_a_later_minor_finds_core_too_old(
        self, major: int, minor: int, later: int
    ) -> None:
        verdict = negotiate(declared(f"{major}.{minor + later}"), f"{major}.{minor}")
        self.assertFalse(verdict.accepted)
        self.assertIn("core is the old side", verdict.remedy)

    @rules("HAND-2", "HAND-4")
    @given(RELEASES, RELEASES)
    def test_another_major_is_refused(self, theirs: ContractVersion, ours: ContractVersion) -> None:
        other = ContractVersion(ours.major + 1 + theirs.major, theirs.minor)
        for driver, core, old in ((other, ours, "core"), (ours, other, "the driver")):
            verdict = negotiate(declared(str(driver)), str(core))
            self.assertFalse(verdict.accepted)
            self.assertIn(f"{old} is the old side", verdict.remedy)

    @rules("HAND-3")
    @given(DRAFTS, VERSIONS)
    def test_a_draft_is_compatible_with_itself_alone(
        self, draft: ContractVersion, other: ContractVersion
    ) -> None:
        self.assertTrue(negotiate(declared(str(draft)), str(draft)).accepted)
        for driver, core in ((draft, other), (other, draft)):
            self.assertEqual(draft == other, negotiate(declared(str(driver)), str(core)).accepted)

    @rules("HAND-3", "HAND-4")
    def test_a_draft_and_its_release_do_not_fit(self) -> None:
        for driver, core, old in (
            ("1.0.dev2", "1.0", "the driver"),
            ("1.0", "1.0.dev2", "core"),
            ("1.0.dev1", "1.0.dev2", "the driver"),
            ("1.0.dev2", "1.0.dev1", "core"),
        ):
            verdict = negotiate(declared(driver), core)
            self.assertFalse(verdict.accepted)
            self.assertIn(f"{old} is the old side", verdict.remedy)

    @rules("HAND-4")
    @given(VERSIONS, VERSIONS)
    def test_a_refusal_names_both_versions_the_old_side_and_a_remedy(
        self, theirs: ContractVersion, ours: ContractVersion
    ) -> None:
        verdict = negotiate(declared(str(theirs)), str(ours))
        self.assertIn(f"implements contract {theirs}", str(verdict))
        self.assertIn(str(ours), verdict.reason)
        self.assertIn("nova-virt-tiny 3.1", str(verdict))
        if not verdict.accepted:
            old = "the driver" if theirs < ours else "core"
            self.assertIn(f"{old} is the old side", verdict.remedy)
            self.assertIn("install", verdict.remedy)
            error = self.assertRaises(IncompatibleContract, verdict.require)
            self.assertIn(str(theirs), str(error))
            self.assertIn(verdict.remedy, str(error))

    @rules("HAND-1", "HAND-4")
    def test_a_driver_without_or_with_a_wrong_version_learns_what_to_write(self) -> None:
        missing = negotiate(declared(None), "1.0")
        self.assertFalse(missing.accepted)
        self.assertIn("tiny-MAJOR.MINOR", missing.remedy)
        malformed = negotiate(declared("1"), "1.0")
        self.assertFalse(malformed.accepted)
        self.assertIn("'1' is not a contract version", malformed.reason)
        self.assertIn("entry point", malformed.remedy)
