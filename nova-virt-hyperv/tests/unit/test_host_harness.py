"""The harness of a host of one's own, on the simulator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import fixtures
from nova_virt_interface.testing.cannot_provoke import CannotProvoke
from nova_virt_interface.testing.harness import BackendKind, BackendUnavailable
from nova_virt_interface.testing.harness_storage import VolumeWish
from nova_virt_interface.values.guest_settings import GuestSettings, Tpm, VmFeature
from nova_virt_interface.values.nics import NicBackingKind
from nova_virt_interface.values.power import PowerState, StartRequest
from nova_virt_interface.values.vm import DeleteVmRequest
from nova_virt_interface.values.volumes import VolumeProtocol

from nova_virt_hyperv.testing.host_harness import HostHarness

from .backend import MIB, BackendTestCase, blank, nic


class TestHostHarness(BackendTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.settings = settings = self.harness.settings()
        self.password_file = Path(self.useFixture(fixtures.TempDir()).path, "password")
        self.password_file.write_text(f"{settings.password}\n", encoding="utf-8")
        for name, content in {
            "USERNAME": settings.username,
            "PASSWORD_FILE": str(self.password_file),
            "CA_FILE": settings.ca_file,
            "SHARE_PORT": str(settings.share_port),
        }.items():
            self.tell(name, content)

    def tell(self, name: str, content: str | None) -> None:
        self.useFixture(fixtures.EnvironmentVariable(f"NOVA_VIRT_HYPERV_{name}", content))

    def at(self, url: str = "") -> HostHarness:
        """A harness of the simulated host, not started yet."""
        made = HostHarness()
        made.url = url or f"https://{self.settings.host}:{self.settings.port}"  # type: ignore[misc]
        self.addCleanup(made.stop)
        return made

    def started(self) -> HostHarness:
        made = self.at()
        made.start()
        return made

    def test_the_account_is_not_in_the_arguments(self) -> None:
        made = self.started()
        self.assertEqual(self.settings.password, made.settings().password)
        self.assertNotIn(self.settings.password, repr(made.settings()))
        self.assertEqual(BackendKind.SIMULATED, made.backend().kind)

    def test_what_is_missing_is_said(self) -> None:
        self.assertRaises(BackendUnavailable, self.at("ftp://host").start)
        self.password_file.write_text("wrong", encoding="utf-8")
        self.assertRaises(BackendUnavailable, self.at().start)
        self.tell("USERNAME", None)
        error = self.assertRaises(BackendUnavailable, self.at().start)
        self.assertIn("NOVA_VIRT_HYPERV_USERNAME", str(error))

    def test_it_sees_what_the_driver_made(self) -> None:
        made = self.started()
        before = made.leftovers()
        driver: Any = made.factory().connect(
            replace(made.settings(), poll_interval_seconds=3600.0), self.services
        )
        self.addCleanup(driver.close)
        vm_uuid = uuid4()
        backing = made.nic_backing()
        self.assertEqual(NicBackingKind.NETWORK, backing.kind)
        spec = self.spec(disks=(blank(),), nics=(nic(),), settings=GuestSettings(tpm=Tpm()))
        questions = made.round_trips()
        driver.create_vm(vm_uuid, spec)
        self.assertGreater(made.round_trips(), questions)
        self.assertNotEqual(before, made.leftovers())
        self.assertEqual(8 * MIB, made.disk_of_vm(vm_uuid, "data").size_bytes)
        self.assertEqual({VmFeature.TPM}, made.features_of_vm(vm_uuid))
        self.assertEqual({"data", "nic-1"}, set(made.device_addresses(vm_uuid)))
        driver.start_vm(vm_uuid, StartRequest())
        self.assertEqual(PowerState.RUNNING, made.power_state_of(vm_uuid))
        made.power_off_vm(vm_uuid)
        made.rename_vm(vm_uuid, "renamed")
        self.assertEqual("renamed", driver.get_vm(vm_uuid).name)
        driver.delete_vm(vm_uuid, DeleteVmRequest())
        self.assertEqual(before, made.leftovers())

    def test_volumes_are_files_on_the_host(self) -> None:
        made = self.started()
        before = made.leftovers()
        wish = VolumeWish(protocol=VolumeProtocol.FILE, size_bytes=4 * MIB)
        with made.volume(wish) as volume:
            self.assertFalse(made.volume_is_used(volume))
            made.grow_volume(volume, 8 * MIB)
            self.assertEqual(bytes(8 * MIB), made.volume_content(volume))
        self.assertEqual(before, made.leftovers())
        for wrong in (
            replace(wish, protocol=VolumeProtocol.ISCSI),
            replace(wish, password="staple-horse-12"),
        ):
            self.assertRaises(CannotProvoke, made.volume(wrong).__enter__)

    def test_somebody_elses_vm(self) -> None:
        made, vm_uuid = self.started(), uuid4()
        before = made.leftovers()
        with made.foreign_vm(vm_uuid):
            self.assertTrue(made.foreign_vm_untouched(vm_uuid))
            made.run_vm(vm_uuid)
            self.assertFalse(made.foreign_vm_untouched(vm_uuid))
        self.assertEqual(before, made.leftovers())
        self.assertTrue(made.takes_vms())
