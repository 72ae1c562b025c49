"""The contract is what was frozen of its version, and a change of it is seen."""

from __future__ import annotations

import shutil
from pathlib import Path

import testtools
from abc_interface_checker import diff, verify
from abc_interface_checker.findings import Bump, Effect
from fixtures import TempDir

from nova_virt_interface.version import CONTRACT_VERSION

REPOSITORY = Path(__file__).parents[2]


class TestFrozen(testtools.TestCase):
    def copied(self, file: str, old: str, new: str) -> Path:
        """A copy of the repository's contract with one change."""
        folder = Path(self.useFixture(TempDir()).path, "project")
        for part in ("nova_virt_interface", "contracts"):
            shutil.copytree(REPOSITORY / part, folder / part)
        shutil.copy(REPOSITORY / "pyproject.toml", folder)
        path = folder / "nova_virt_interface" / file
        text = path.read_text(encoding="utf-8")
        self.assertIn(old, text)
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return folder

    def test_the_source_is_what_was_frozen(self) -> None:
        report = verify(REPOSITORY)
        self.assertEqual(0, report.exit_status, "run: abc-interface-checker freeze")
        self.assertEqual([], list(report.findings))

    def test_a_change_that_was_not_frozen_is_found(self) -> None:
        old = "def pause_vm(vm_uuid: UUID, request: PauseRequest) -> None:"
        changed = self.copied("hypervisor/power.py", old, old.replace("request:", "how:"))
        self.assertEqual(1, verify(changed).exit_status)

    def test_a_change_is_told_for_both_sides(self) -> None:
        old = "def pause_vm(vm_uuid: UUID, request: PauseRequest) -> None:"
        changed = self.copied("hypervisor/power.py", old, old.replace("request:", "how:"))
        frozen = REPOSITORY / "contracts" / f"{CONTRACT_VERSION}.json"
        report = diff(str(frozen), str(changed))
        renamed = [found for found in report.findings if found.rule == "param-renamed"]
        self.assertEqual(
            ["nova_virt_interface.hypervisor.power.IPause.pause_vm(request)"],
            [found.element for found in renamed],
        )
        for found in renamed:
            self.assertIs(Effect.BREAKS, found.callers)
            self.assertIs(Effect.BREAKS, found.implementers)
            self.assertIs(Bump.MAJOR, found.bump)
