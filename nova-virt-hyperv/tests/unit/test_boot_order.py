"""Which disk a VM boots, whenever it was attached (DISK-9)."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.errors import InvalidState
from nova_virt_interface.values.disks import AttachDiskRequest, DetachDiskRequest, DiskSpec
from nova_virt_interface.values.guest_settings import Firmware, GuestSettings
from nova_virt_interface.values.power import StartRequest, StopRequest
from nova_virt_interface.values.resize import ConfirmResizeRequest, ResizeVmRequest

from .backend import BackendTestCase, blank, medium

_ALL = (Firmware.UEFI, Firmware.BIOS)


class TestBootOrder(BackendTestCase):
    def boots(self, vm_uuid: UUID) -> str:
        """The key of the disk that the VM's firmware boots."""
        path: str = self.harness.control("boots", guid=self.harness.vm(vm_uuid)["guid"])
        return path.rpartition("\\")[2].split(".")[1] if path else ""

    def vm(self, firmware: Firmware, *disks: DiskSpec) -> UUID:
        return self.made(disks=disks, settings=GuestSettings(firmware=firmware))

    def attach(self, vm_uuid: UUID, disk: DiskSpec) -> None:
        self.hypervisor.attach_disk(vm_uuid, AttachDiskRequest(disk=disk))

    def detach(self, vm_uuid: UUID, key: str) -> None:
        self.hypervisor.detach_disk(vm_uuid, DetachDiskRequest(key=key))

    def test_the_order_of_the_description_does_not_matter(self) -> None:
        for firmware in _ALL:
            disks = (blank(), blank("second", boot_index=2), blank("first", boot_index=1))
            self.assertEqual("first", self.boots(self.vm(firmware, *disks, medium())))

    def test_a_disk_that_comes_later_is_booted_if_its_index_is_lower(self) -> None:
        for firmware in _ALL:
            vm_uuid = self.vm(firmware, blank("root", boot_index=1), medium())
            self.assertEqual("root", self.boots(vm_uuid))
            self.attach(vm_uuid, blank("rescue", boot_index=0))
            self.assertEqual("rescue", self.boots(vm_uuid))
            self.detach(vm_uuid, "rescue")
            self.assertEqual("root", self.boots(vm_uuid))
            self.attach(vm_uuid, blank("last", boot_index=5))
            self.assertEqual("root", self.boots(vm_uuid))

    def test_disks_that_changed_places_are_who_they_were(self) -> None:
        vm_uuid = self.vm(Firmware.BIOS, blank("root", boot_index=1))
        self.harness.write_disk(
            self.harness.settings(), vm_uuid, "root", b"the root disk".ljust(512)
        )
        self.attach(vm_uuid, blank("rescue", boot_index=0))
        found = self.harness.read_disk(self.harness.settings(), vm_uuid, "root", 13)
        self.assertEqual(b"the root disk", found)
        self.detach(vm_uuid, "rescue")
        self.attach(vm_uuid, blank("root", boot_index=1))
        self.assertEqual(("root",), self.hypervisor.get_vm(vm_uuid).disk_keys)

    def test_a_repeat_after_a_crash_arranges_them(self) -> None:
        vm_uuid = self.vm(Firmware.UEFI, blank("root", boot_index=1))
        self.attach(vm_uuid, blank("rescue", boot_index=0))
        # As a call leaves it that ended after the disk was there.
        vm = self.harness.vm(vm_uuid)
        order = list(reversed(vm["boot_sources"]))
        self.harness.control("boot_sources", guid=vm["guid"], paths=order)
        self.assertEqual("root", self.boots(vm_uuid))
        self.attach(vm_uuid, blank("rescue", boot_index=0))
        self.assertEqual("rescue", self.boots(vm_uuid))

    def test_a_repeat_while_it_runs_finds_them_arranged(self) -> None:
        for firmware in _ALL:
            vm_uuid = self.vm(firmware, blank("root", boot_index=1))
            self.attach(vm_uuid, blank("rescue", boot_index=0))
            self.hypervisor.start_vm(vm_uuid, StartRequest())
            self.attach(vm_uuid, blank("rescue", boot_index=0))
            self.assertEqual("rescue", self.boots(vm_uuid))

    def test_a_vm_that_runs_is_not_rearranged(self) -> None:
        for firmware in _ALL:
            vm_uuid = self.vm(firmware, blank("root", boot_index=1))
            self.hypervisor.start_vm(vm_uuid, StartRequest())
            before = self.harness.leftovers()
            request = AttachDiskRequest(disk=blank("rescue", boot_index=0))
            error = self.assertRaises(InvalidState, self.hypervisor.attach_disk, vm_uuid, request)
            self.assertEqual("running", error.state)
            self.assertEqual(before, self.harness.leftovers())
            self.hypervisor.stop_vm(vm_uuid, StopRequest())
            self.assertEqual("root", self.boots(vm_uuid))

    def test_a_resize_brings_another_disk_first(self) -> None:
        for firmware in _ALL:
            disks = (blank("root", boot_index=1),)
            vm_uuid = self.vm(firmware, *disks)
            spec = self.spec(
                disks=(*disks, blank("new", boot_index=0)),
                settings=GuestSettings(firmware=firmware),
            )
            self.hypervisor.resize_vm(vm_uuid, ResizeVmRequest(spec=spec))
            self.assertEqual("new", self.boots(vm_uuid))
            self.hypervisor.confirm_resize(vm_uuid, ConfirmResizeRequest())
