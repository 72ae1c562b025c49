"""Disks of a VM: those that it is made with, and those that come and go."""

from __future__ import annotations

import dataclasses

from nova_virt_interface.errors import (
    Conflict,
    InsufficientResources,
    InvalidRequest,
    NotFound,
    Resource,
    Unsupported,
)
from nova_virt_interface.hypervisor.console import IConsoleLog
from nova_virt_interface.hypervisor.disks import IDiskHotplug
from nova_virt_interface.hypervisor.images import IImageCache
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.guest import GuestReport
from nova_virt_interface.testing.harness import CannotProvoke
from nova_virt_interface.testing.suite._mixins import (
    HypervisorMixin,
    blank_disk,
    image_disk,
    medium,
    nic,
)
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    Blank,
    DetachDiskRequest,
    DiskSpec,
    Media,
    MediaFormat,
)
from nova_virt_interface.values.power import PowerState, StartRequest, StopRequest
from nova_virt_interface.values.vm import DeleteVmRequest

__all__ = ["DiskSuite"]


class DiskSuite(HypervisorMixin):
    """DiskSpec, Media, attach_disk, detach_disk."""

    def test_a_vm_with_several_disks(self) -> None:
        disks = tuple(blank_disk(self.harness, key) for key in ("root", "ephemeral", "swap"))
        self.assert_state(self.running(disks=disks), PowerState.RUNNING)

    def test_every_format_that_the_host_offers(self) -> None:
        size = self.harness.disk_bytes
        for format in self.hypervisor.describe().disk_formats:
            disk = DiskSpec(key="data", source=Blank(), size_bytes=size, format=format)
            vm_uuid = self.running(disks=(disk,))
            self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())

    @rules("MEDIA-1", "LIFE-2", "LIFE-5")
    def test_a_medium_comes_and_goes_with_its_vm(self) -> None:
        before = self.harness.leftovers()
        for format in self.hypervisor.describe().media_formats:
            vm_uuid = self.running(disks=(blank_disk(self.harness), medium(format)))
            # The content does not count when a repeat is recognised: it may hold a new password.
            other = medium(format, content=b"another content")
            self.hypervisor.create_vm(vm_uuid, self.spec(disks=(blank_disk(self.harness), other)))
            self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
            self.assertEqual(before, self.harness.leftovers())

    @rules("CAP-2", "ERR-4")
    def test_a_medium_that_the_host_does_not_take_is_refused(self) -> None:
        offered = self.hypervisor.describe().media_formats
        before = self.harness.leftovers()
        for format in set(MediaFormat) - set(offered):
            with self.refused(Unsupported):
                self.hypervisor.create_vm(self.new_uuid(), self.spec(disks=(medium(format),)))
        self.assertEqual(before, self.harness.leftovers())

    @rules("SEC-1", "MEDIA-1")
    def test_the_content_of_a_medium_is_in_no_repr(self) -> None:
        disk = medium(MediaFormat.ISO9660, content=b"admin password 1234")
        self.assertNotIn("1234", repr(self.spec(disks=(disk,))))

    @rules("LIFE-4", "FAIL-1")
    def test_a_full_storage_leaves_no_vm_and_no_disk(self) -> None:
        before = self.harness.leftovers()
        vm_uuid = self.new_uuid()
        room = self.hypervisor.inventory().storage_bytes
        large = blank_disk(self.harness, size_bytes=2 * room)
        full, refused = (
            self.harness.full_storage(),
            self.refused(InsufficientResources, Resource.STORAGE),
        )
        with full, refused:
            self.hypervisor.create_vm(vm_uuid, self.spec(disks=(large,)))
        self.assert_gone(vm_uuid)
        self.assertEqual(before, self.harness.leftovers())
        self.hypervisor.create_vm(vm_uuid, self.spec())

    @rules("DISK-1")
    def test_keys_and_sizes_are_checked(self) -> None:
        for key in ("", "Root", "a/b", "..", "a" * 41, "-x", "x-", "a\n"):
            with self.refused(InvalidRequest):
                blank_disk(self.harness, key)
        for size in (0, -1):
            with self.refused(InvalidRequest):
                DiskSpec(key="x", source=Blank(), size_bytes=size)
        medium_source = Media(format=MediaFormat.ISO9660, content=b"x")
        with self.refused(InvalidRequest):
            DiskSpec(key="x", source=medium_source, size_bytes=1)
        twice = (blank_disk(self.harness), blank_disk(self.harness))
        with self.refused(InvalidRequest):
            self.spec(disks=twice)

    @rules("DISK-3", "DISK-5", "REP-1")
    def test_a_disk_is_attached_and_detached_while_stopped(self) -> None:
        self.requires(IDiskHotplug)
        vm_uuid = self.running()
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        before = self.harness.leftovers()
        for _ in range(2):
            self.hypervisor.attach_disk(
                vm_uuid, AttachDiskRequest(disk=blank_disk(self.harness, "extra"))
            )
        self.assertNotEqual(before, self.harness.leftovers())
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        for _ in range(2):
            self.hypervisor.detach_disk(vm_uuid, DetachDiskRequest(key="extra"))
        self.assertEqual(before, self.harness.leftovers())

    @rules("DISK-3")
    def test_another_disk_of_the_same_key_is_a_conflict(self) -> None:
        self.requires(IDiskHotplug)
        vm_uuid = self.made()
        disk, size = blank_disk(self.harness, "extra"), 2 * self.harness.disk_bytes
        self.hypervisor.attach_disk(vm_uuid, AttachDiskRequest(disk=disk))
        before = self.harness.leftovers()
        other = AttachDiskRequest(disk=blank_disk(self.harness, "extra", size))
        with self.refused(Conflict, Resource.DISK):
            self.hypervisor.attach_disk(vm_uuid, other)
        self.assertEqual(before, self.harness.leftovers())

    @rules("LIFE-5")
    def test_attached_disks_go_with_their_vm(self) -> None:
        self.requires(IDiskHotplug)
        before = self.harness.leftovers()
        vm_uuid = self.made()
        self.hypervisor.attach_disk(
            vm_uuid, AttachDiskRequest(disk=blank_disk(self.harness, "extra"))
        )
        self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
        self.assertEqual(before, self.harness.leftovers())

    @rules("DISK-4")
    def test_a_full_storage_leaves_nothing_of_an_attached_disk(self) -> None:
        self.requires(IDiskHotplug)
        vm_uuid = self.made()
        before = self.harness.leftovers()
        large = blank_disk(self.harness, "extra", 2 * self.hypervisor.inventory().storage_bytes)
        full, refused = (
            self.harness.full_storage(),
            self.refused(InsufficientResources, Resource.STORAGE),
        )
        with full, refused:
            self.hypervisor.attach_disk(vm_uuid, AttachDiskRequest(disk=large))
        self.assertEqual(before, self.harness.leftovers())

    def test_disks_of_an_unknown_vm_are_not_found(self) -> None:
        self.requires(IDiskHotplug)
        vm_uuid = self.new_uuid()
        before = self.harness.leftovers()
        attach = AttachDiskRequest(disk=blank_disk(self.harness))
        with self.refused(NotFound, Resource.VM):
            self.hypervisor.attach_disk(vm_uuid, attach)
        with self.refused(NotFound, Resource.VM):
            self.hypervisor.detach_disk(vm_uuid, DetachDiskRequest(key="data"))
        self.assertEqual(before, self.harness.leftovers())

    @rules("DISK-9")
    def test_the_lowest_boot_index_is_booted_whenever_it_came(self) -> None:
        self.requires(IDiskHotplug, IImageCache, IConsoleLog)
        if not self.harness.image().boots:
            raise CannotProvoke("no guest of this backend writes to its console")
        silent = dataclasses.replace(blank_disk(self.harness, "silent"), boot_index=1)
        vm_uuid = self.made(disks=(silent,))
        guest = image_disk(self.harness, self.cached_image_key())
        self.hypervisor.attach_disk(vm_uuid, AttachDiskRequest(disk=guest))
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.wait_booted(vm_uuid)
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.hypervisor.detach_disk(vm_uuid, DetachDiskRequest(key=guest.key))
        self.assertEqual(("silent",), self.hypervisor.get_vm(vm_uuid).disk_keys)
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.assert_state(vm_uuid, PowerState.RUNNING)

    @rules("ID-4")
    def test_a_vm_names_its_disks(self) -> None:
        formats = self.hypervisor.describe().media_formats
        disks = (blank_disk(self.harness), *(medium(format) for format in formats[:1]))
        vm_uuid = self.made(disks=disks, nics=(nic(self.harness, 3),))

        def keys() -> set[str]:
            state = self.hypervisor.get_vm(vm_uuid)
            self.assertEqual(("nic-3",), state.nic_keys)
            self.assertEqual(len(state.disk_keys or ()), len(set(state.disk_keys or ())))
            return set(state.disk_keys or ())

        expected = {disk.key for disk in disks}
        self.assertEqual(expected, keys())
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.assertEqual(expected, keys())
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.assertEqual(expected, keys())
        self.requires(IDiskHotplug)
        extra = blank_disk(self.harness, "extra")
        self.hypervisor.attach_disk(vm_uuid, AttachDiskRequest(disk=extra))
        self.assertEqual({*expected, "extra"}, keys())
        self.hypervisor.detach_disk(vm_uuid, DetachDiskRequest(key="extra"))
        self.assertEqual(expected, keys())

    @rules("DISK-6")
    def test_a_running_guest_sees_a_disk_come_and_go(self) -> None:
        self.requires(IDiskHotplug)
        vm_uuid = self.booted()
        extra = blank_disk(self.harness, "extra")
        self.hypervisor.attach_disk(vm_uuid, AttachDiskRequest(disk=extra))

        def told(fact: str) -> list[str]:
            return GuestReport(self.console(vm_uuid)).all(fact)

        self.wait_until(lambda: bool(told("disk_added")), "the guest to see the disk")
        self.assertEqual(str(extra.size_bytes), told("disk_added")[0].split()[1])
        self.hypervisor.detach_disk(vm_uuid, DetachDiskRequest(key="extra"))
        self.wait_until(lambda: bool(told("disk_removed")), "the guest to miss the disk")
