"""Bugs in the details of disks, in exports and shares, and in volumes of instances."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from nova_virt_interface.errors import (
    Conflict,
    HostUnreachable,
    InvalidRequest,
    NotFound,
    PeerUnreachable,
    Resource,
    Unsupported,
    VirtError,
)
from nova_virt_interface.reference.host import Image
from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.reference.virt_driver import ReferenceVirtDriver
from nova_virt_interface.testing.mutants._running import caught_by
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    Imported,
    ResizeDiskRequest,
)
from nova_virt_interface.values.export import Consistency, ExportDiskRequest, ExportedDisk
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.instance_requests import (
    DetachVolumeRequest,
    ExtendVolumeRequest,
    SnapshotRequest,
    SwapVolumeRequest,
)
from nova_virt_interface.values.power import StopRequest
from nova_virt_interface.values.shares import MountedShare, MountShareRequest, UnmountShareRequest
from nova_virt_interface.values.vm import VmSpec

__all__: list[str] = []


def _with_disks(spec: VmSpec, **changes: Any) -> VmSpec:
    return replace(spec, disks=tuple(replace(disk, **changes) for disk in spec.disks))


@caught_by("DiskDetailSuite.test_a_disk_grows_while_its_vm_runs_and_while_it_is_stopped")
class DisksShrink(ReferenceHypervisor):
    """A smaller size cuts the end of a disk off."""

    def resize_disk(self, vm_uuid: UUID, request: ResizeDiskRequest) -> None:
        try:
            super().resize_disk(vm_uuid, request)
        except InvalidRequest:
            self._host._vms[vm_uuid].disks[request.key].size_bytes = request.size_bytes


@caught_by("DiskDetailSuite.test_a_disk_that_has_grown_is_still_the_one_that_was_attached")
class GrownDiskIsAnotherDisk(ReferenceHypervisor):
    """A disk that has grown is in conflict with the spec that it was made of."""

    def resize_disk(self, vm_uuid: UUID, request: ResizeDiskRequest) -> None:
        super().resize_disk(vm_uuid, request)
        self._host._vms[vm_uuid].disks[request.key].digest = "other"


@caught_by("DiskDetailSuite.test_a_disk_has_its_size_or_a_step_more")
class SizesAreRoundedDown(ReferenceHypervisor):
    """A disk is rounded down to whole sectors."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        super().create_vm(vm_uuid, spec)
        for disk in self._host._vms[vm_uuid].disks.values():
            disk.size_bytes -= disk.size_bytes % 512


@caught_by("DiskDetailSuite.test_the_disk_of_the_lowest_boot_index_is_booted")
class BootsTheOldestDisk(ReferenceHypervisor):
    """The disk that was there first is booted, whatever its index."""

    def attach_disk(self, vm_uuid: UUID, request: AttachDiskRequest) -> None:
        disk = replace(request.disk, boot_index=None)
        super().attach_disk(vm_uuid, replace(request, disk=disk))


@caught_by("DiskDetailSuite.test_limits_are_set_or_refused")
class LimitsAreDropped(ReferenceHypervisor):
    """Limits of disks are taken and not set."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        super().create_vm(vm_uuid, _with_disks(spec, limits=None))


@caught_by("DiskDetailSuite.test_a_serial_number_is_set_or_refused")
class SerialNumbersAreCut(ReferenceHypervisor):
    """A long serial number is cut to what one bus can show."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        disks = tuple(
            replace(disk, serial=disk.serial[:20]) if disk.serial else disk for disk in spec.disks
        )
        super().create_vm(vm_uuid, replace(spec, disks=disks))


@caught_by("DiskDetailSuite.test_a_disk_is_imported_into_no_cache")
class ImportsFillTheCache(ReferenceHypervisor):
    """What is imported for one VM stays in the cache of images."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        super().create_vm(vm_uuid, spec)
        for disk in spec.disks:
            if isinstance(disk.source, Imported):
                self._host.put_image(disk.source.key, Image(format="raw", content=b""))


@caught_by("ExportSuite.test_what_is_exported_is_the_whole_disk")
class ExportsTheImage(ReferenceHypervisor):
    """The image that a disk began as is exported in place of the disk."""

    def export_disk(self, vm_uuid: UUID, request: ExportDiskRequest) -> ExportedDisk:
        disk = self._host._vms[vm_uuid].disks[request.disk_key]
        kept, disk.content = disk.content, self._host.images()[str(disk.image_key)].content
        try:
            return super().export_disk(vm_uuid, request)
        finally:
            disk.content = kept


@caught_by("ExportSuite.test_what_is_exported_is_the_whole_disk")
class StopsTheVmForAnExport(ReferenceHypervisor):
    """A VM is turned off for its copy, and stays off."""

    def export_disk(self, vm_uuid: UUID, request: ExportDiskRequest) -> ExportedDisk:
        self.stop_vm(vm_uuid, StopRequest())
        return super().export_disk(vm_uuid, request)


@caught_by("ExportSuite.test_a_sink_that_fails_leaves_nothing")
class WriterIsForgotten(ReferenceHypervisor):
    """A writer that failed is neither committed nor aborted."""

    def export_disk(self, vm_uuid: UUID, request: ExportDiskRequest) -> ExportedDisk:
        sink: Any = self._services.image_sink
        try:
            return super().export_disk(vm_uuid, request)
        except VirtError:
            sink.open += 1
            raise


@caught_by("ExportSuite.test_a_guest_without_an_agent_is_not_brought_to_rest")
class QuiescedIsCrashConsistent(ReferenceHypervisor):
    """A guest that cannot be brought to rest is exported as it is."""

    def export_disk(self, vm_uuid: UUID, request: ExportDiskRequest) -> ExportedDisk:
        return super().export_disk(vm_uuid, replace(request, consistency=Consistency.CRASH))


@caught_by("ExportSuite.test_a_format_that_is_not_offered_is_refused")
class ExportsInAnyFormat(ReferenceHypervisor):
    """A format that the host does not have is exported as the one that it has."""

    def export_disk(self, vm_uuid: UUID, request: ExportDiskRequest) -> ExportedDisk:
        return super().export_disk(vm_uuid, replace(request, format=DiskFormat.RAW))


@caught_by("ShareSuite.test_a_directory_that_a_running_vm_uses_stays")
class UnmountsUnderARunningVm(ReferenceHypervisor):
    """A directory is unmounted while a guest uses it."""

    def unmount_share(self, request: UnmountShareRequest) -> None:
        self._host._mounts.pop(request.key, None)


@caught_by("ShareSuite.test_another_directory_of_the_same_key_is_a_conflict")
class MountsOverTheOther(ReferenceHypervisor):
    """Another directory is mounted over the one of its key."""

    def mount_share(self, request: MountShareRequest) -> MountedShare:
        self._host._mounts.pop(request.key, None)
        return super().mount_share(request)


@caught_by("ShareSuite.test_a_directory_is_mounted_and_unmounted")
class MountsAgain(ReferenceHypervisor):
    """Mounting what is mounted is refused."""

    def mount_share(self, request: MountShareRequest) -> MountedShare:
        if request.key in self._host.mounts():
            raise HostUnreachable("it is mounted")
        return super().mount_share(request)


@caught_by("ShareSuite.test_a_file_server_that_is_away")
class MountsLater(ReferenceHypervisor):
    """A directory whose server is away is listed, and mounted at some later time."""

    def mount_share(self, request: MountShareRequest) -> MountedShare:
        try:
            return super().mount_share(request)
        except PeerUnreachable:
            self._host._mounts[request.key] = (request.protocol.value, request.export)
            raise


@caught_by("InstanceVolumeSuite.test_an_instance_boots_from_a_volume")
class SnapshotOfAnyDisk(ReferenceVirtDriver):
    """A snapshot of an instance that boots from a volume is one of its empty root disk."""

    def snapshot(self, instance_uuid: UUID, request: SnapshotRequest) -> ExportedDisk:
        try:
            return super().snapshot(instance_uuid, request)
        except Unsupported:
            return ExportedDisk(format=request.format, size_bytes=0, virtual_size_bytes=0)


@caught_by("InstanceVolumeSuite.test_a_volume_is_swapped_and_keeps_its_name")
class SwapChangesTheName(ReferenceVirtDriver):
    """After a swap the disk is known by the id of the new volume."""

    def swap_volume(self, instance_uuid: UUID, request: SwapVolumeRequest) -> None:
        super().swap_volume(instance_uuid, request)
        disks = self._vms._host._vms[instance_uuid].disks
        new_id = str(request.replacement.volume_id)
        disks[new_id] = disks.pop(str(request.volume_id))


@caught_by("InstanceVolumeSuite.test_a_volume_is_attached_to_a_running_instance")
class DetachOfMissingVolumeRaises(ReferenceVirtDriver):
    """Detaching a volume a second time is an error."""

    def detach_volume(self, instance_uuid: UUID, request: DetachVolumeRequest) -> None:
        if str(request.volume_id) not in self._vms._ours(instance_uuid).disks:
            raise Conflict(
                "it is not attached", resource=Resource.VOLUME, name=str(request.volume_id)
            )
        super().detach_volume(instance_uuid, request)


@caught_by("InstanceVolumeSuite.test_the_new_size_of_a_volume_is_taken_over_by_an_instance")
class ExtensionIsIgnored(ReferenceVirtDriver):
    """The new size of a volume waits for the next start."""

    def extend_volume(self, instance_uuid: UUID, request: ExtendVolumeRequest) -> None:
        try:
            super().extend_volume(instance_uuid, replace(request, size_bytes=1))
        except NotFound:
            raise
        except InvalidRequest:
            return
