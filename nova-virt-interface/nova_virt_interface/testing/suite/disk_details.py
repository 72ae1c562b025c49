"""What disks are like: their sizes, order, limits and serial numbers, and where they come from."""

from __future__ import annotations

from dataclasses import fields

from nova_virt_interface.errors import (
    ImageCorrupt,
    InsufficientResources,
    InvalidRequest,
    InvalidState,
    NotFound,
    Resource,
    Unsupported,
)
from nova_virt_interface.hypervisor.console import IConsoleLog
from nova_virt_interface.hypervisor.disks import IDiskHotplug, IDiskResize
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.guest import GuestReport
from nova_virt_interface.testing.suite._mixins import (
    HypervisorMixin,
    blank_disk,
    image_disk,
    medium,
)
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    Blank,
    DetachDiskRequest,
    DiskLimits,
    DiskSpec,
    Imported,
    ResizeDiskRequest,
)
from nova_virt_interface.values.guest_settings import VmFeature
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.power import StartRequest, StopRequest

__all__ = ["DiskDetailSuite"]

_KIB = 1024
_LIMITS = (
    DiskLimits(bytes_per_second=4096 * _KIB),
    DiskLimits(requests_per_second=200),
    DiskLimits(bytes_per_second=8192 * _KIB, requests_per_second=400),
)
_SERIAL = "c0ffee00-0000-4000-8000-000000000001"


class DiskDetailSuite(HypervisorMixin):
    """`DiskSpec`, `Imported` and `IDiskResize`."""

    def _extra_disk(self, **fields: object) -> DiskSpec:
        usual = {"key": "extra", "source": Blank(), "size_bytes": self.harness.disk_bytes}
        return DiskSpec(**usual | fields)  # type: ignore[arg-type]

    def _assert_disk_refused(self, disk: DiskSpec, field: str) -> None:
        before = self.harness.leftovers()
        with self.refused(Unsupported) as caught:
            self.hypervisor.create_vm(self.new_uuid(), self.spec(disks=(disk,)))
        self.assertEqual(f"disks[extra].{field}", caught.error.field)
        self.assertEqual(before, self.harness.leftovers())

    @rules("DISK-8")
    def test_a_disk_has_its_size_or_a_step_more(self) -> None:
        step = self.hypervisor.describe().disk_step_bytes
        usual = self.harness.disk_bytes
        sizes = {f"size-{size}": size for size in (usual, usual + 1, usual + step - 1)}
        disks = tuple(blank_disk(self.harness, key, size) for key, size in sizes.items())
        vm_uuid = self.made(disks=disks)
        for key, size in sizes.items():
            found = self.harness.disk_of_vm(vm_uuid, key).size_bytes
            self.assertTrue(size <= found < size + step, f"{size}: {found}")

    @rules("DISK-9")
    def test_the_disk_of_the_lowest_boot_index_is_booted(self) -> None:
        self.requires(IDiskHotplug)
        vm_uuid = self.booted(more_disks=(self._extra_disk(boot_index=3),))
        root = image_disk(self.harness, self.cached_image_key())
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.hypervisor.detach_disk(vm_uuid, DetachDiskRequest(key=root.key))
        later = DiskSpec(key="later", source=root.source, size_bytes=root.size_bytes, boot_index=1)
        self.hypervisor.attach_disk(vm_uuid, AttachDiskRequest(disk=later))
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.wait_until(lambda: GuestReport(self.console(vm_uuid)).is_ready, "the guest to boot")

    @rules("DISK-10", "DISK-11", "ERR-4", "REP-1")
    def test_a_disk_grows_while_its_vm_runs_and_while_it_is_stopped(self) -> None:
        self.requires(IDiskResize)
        vm_uuid = self.running(disks=(blank_disk(self.harness), medium_or_none(self)))
        size = self.harness.disk_bytes
        if not self.has_feature(VmFeature.ONLINE_DISK_RESIZE):
            with self.refused(InvalidState):
                larger = ResizeDiskRequest(key="data", size_bytes=2 * size)
                self.hypervisor.resize_disk(vm_uuid, larger)
            self.assertEqual(size, self.harness.disk_of_vm(vm_uuid, "data").size_bytes)
            self.hypervisor.stop_vm(vm_uuid, StopRequest())
        for _ in range(2):
            size *= 2
            for _ in range(2):
                self.hypervisor.resize_disk(vm_uuid, ResizeDiskRequest(key="data", size_bytes=size))
                self.assertEqual(size, self.harness.disk_of_vm(vm_uuid, "data").size_bytes)
            smaller = ResizeDiskRequest(key="data", size_bytes=size // 2)
            with self.refused(InvalidRequest) as caught:
                self.hypervisor.resize_disk(vm_uuid, smaller)
            self.assertEqual("size_bytes", caught.error.field)
            self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.assertEqual(size, self.harness.disk_of_vm(vm_uuid, "data").size_bytes)
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.assertEqual(size, self.harness.disk_of_vm(vm_uuid, "data").size_bytes)

    @rules("DISK-10", "DISK-3")
    def test_a_disk_that_has_grown_is_still_the_one_that_was_attached(self) -> None:
        self.requires(IDiskResize, IDiskHotplug)
        vm_uuid, disk = self.made(), self._extra_disk()
        attach = AttachDiskRequest(disk=disk)
        self.hypervisor.attach_disk(vm_uuid, attach)
        larger = 2 * self.harness.disk_bytes
        self.hypervisor.resize_disk(vm_uuid, ResizeDiskRequest(key="extra", size_bytes=larger))
        self.hypervisor.attach_disk(vm_uuid, attach)
        self.assertEqual(larger, self.harness.disk_of_vm(vm_uuid, "extra").size_bytes)

    @rules("DISK-10", "ERR-4")
    def test_what_does_not_grow_is_refused(self) -> None:
        self.requires(IDiskResize)
        vm_uuid = self.made(disks=(blank_disk(self.harness), medium_or_none(self)))
        before = self.harness.leftovers()
        large = 2 * self.hypervisor.inventory().storage_bytes
        data = ResizeDiskRequest(key="data", size_bytes=large)
        with self.refused(NotFound, Resource.VM):
            self.hypervisor.resize_disk(self.new_uuid(), data)
        with self.refused(NotFound, Resource.DISK):
            missing = ResizeDiskRequest(key="missing", size_bytes=large)
            self.hypervisor.resize_disk(vm_uuid, missing)
        with self.refused(Unsupported):
            config = ResizeDiskRequest(key="config-drive", size_bytes=large)
            self.hypervisor.resize_disk(vm_uuid, config)
        full, refused = (
            self.harness.full_storage(),
            self.refused(InsufficientResources, Resource.STORAGE),
        )
        with full, refused:
            self.hypervisor.resize_disk(vm_uuid, data)
        size = self.harness.disk_of_vm(vm_uuid, "data").size_bytes
        self.assertEqual(self.harness.disk_bytes, size)
        self.assertEqual(before, self.harness.leftovers())

    @rules("SPEC-2", "CAP-2")
    def test_limits_are_set_or_refused(self) -> None:
        if not self.has_feature(VmFeature.DISK_LIMITS):
            self._assert_disk_refused(self._extra_disk(limits=_LIMITS[0]), "limits")
            return
        for limits in _LIMITS:
            vm_uuid = self.running(
                disks=(blank_disk(self.harness), self._extra_disk(limits=limits))
            )
            found = self.harness.disk_of_vm(vm_uuid, "extra").limits
            for field in fields(DiskLimits):
                asked, set_to = getattr(limits, field.name), getattr(found, field.name)
                if asked is not None:
                    self.assertTrue(0 < (set_to or 0) <= asked, f"{field.name}: {set_to}")
            self.assertEqual(DiskLimits(), self.harness.disk_of_vm(vm_uuid, "data").limits)

    @rules("SPEC-2", "CAP-2")
    def test_a_serial_number_is_set_or_refused(self) -> None:
        disk = self._extra_disk(serial=_SERIAL)
        if not self.has_feature(VmFeature.DISK_SERIAL):
            self._assert_disk_refused(disk, "serial")
            return
        vm_uuid = self.running(disks=(blank_disk(self.harness), disk))
        self.assertEqual(_SERIAL, self.harness.disk_of_vm(vm_uuid, "extra").serial)

    def _imported_disk(self, key: str = "from-another-host", *, intact: bool = True) -> DiskSpec:
        image = self.harness.image()
        self.services.images.add(key, image.path, intact=intact)
        source = Imported(key=key, format=image.format, size_bytes=image.path.stat().st_size)
        size = image.virtual_size_bytes
        return self._extra_disk(source=source, size_bytes=size, boot_index=0)

    @rules("SPEC-2", "CAP-2", "SRC-1")
    def test_a_disk_is_imported_into_no_cache(self) -> None:
        self.requires(IConsoleLog)
        if not self.has_feature(VmFeature.IMPORTED_DISKS):
            source = Imported(key="missing", format=DiskFormat.RAW, size_bytes=512)
            self._assert_disk_refused(self._extra_disk(source=source), "source")
            return
        before = self.harness.leftovers()
        vm_uuid, disk = self.new_uuid(), self._imported_disk()
        for _ in range(2):
            self.hypervisor.create_vm(vm_uuid, self.spec(disks=(disk,)))
        self.assertEqual(1, self.services.images.opened["from-another-host"])
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.wait_until(lambda: GuestReport(self.console(vm_uuid)).is_ready, "the guest to boot")
        self.tracker.free()
        self.assertEqual(before, self.harness.leftovers())

    @rules("LIFE-4", "SRC-1", "FAIL-1")
    def test_an_import_that_fails_leaves_nothing(self) -> None:
        if not self.has_feature(VmFeature.IMPORTED_DISKS):
            source = Imported(key="missing", format=DiskFormat.RAW, size_bytes=512)
            self._assert_disk_refused(self._extra_disk(source=source), "source")
            return
        before = self.harness.leftovers()
        good = self._imported_disk()
        missing = Imported(key="missing", format=self.harness.image().format, size_bytes=512)
        corrupt = self._imported_disk("corrupt", intact=False)
        for disk, error in (
            (corrupt, ImageCorrupt),
            (self._extra_disk(source=missing, boot_index=0), NotFound),
            (self._extra_disk(source=good.source, size_bytes=512), InvalidRequest),
        ):
            with self.refused(error):
                self.hypervisor.create_vm(self.new_uuid(), self.spec(disks=(disk,)))
            self.assertEqual(before, self.harness.leftovers())


def medium_or_none(suite: DiskDetailSuite) -> DiskSpec:
    """A medium; a host that takes none gets a disk in its place."""
    formats = suite.hypervisor.describe().media_formats
    return medium(formats[0]) if formats else blank_disk(suite.harness, "config-drive")
