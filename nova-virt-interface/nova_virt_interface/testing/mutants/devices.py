"""Bugs in disks, media, NICs and the console."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from nova_virt_interface.errors import Conflict, InsufficientResources, NotFound, Resource
from nova_virt_interface.reference.host import Disk, Image
from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.testing.mutants._running import caught_by
from nova_virt_interface.values.disks import AttachDiskRequest, DetachDiskRequest
from nova_virt_interface.values.nics import AttachNicRequest, DetachNicRequest
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec

__all__: list[str] = []


@caught_by("DiskSuite.test_a_medium_comes_and_goes_with_its_vm")
class MediumIsLeftBehind(ReferenceHypervisor):
    """The file of a medium stays when its VM is deleted."""

    def delete_vm(self, vm_uuid: UUID, request: DeleteVmRequest) -> None:
        media = [vm for vm in self._host.vms() if any(d.read_only for d in vm.disks.values())]
        super().delete_vm(vm_uuid, request)
        if media:
            self._host.put_image(f"medium-of-{vm_uuid}", Image(format="raw", content=b""))


@caught_by("DiskSuite.test_a_full_storage_leaves_no_vm_and_no_disk")
class DiskIsLeftByAFailedCreate(ReferenceHypervisor):
    """When the storage is full, the disks that were made before stay."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        try:
            super().create_vm(vm_uuid, spec)
        except InsufficientResources:
            self._host.put_image(f"disk-of-{vm_uuid}", Image(format="raw", content=b""))
            raise


@caught_by("DiskSuite.test_a_disk_is_attached_and_detached_while_stopped")
class AttachAgainIsRefused(ReferenceHypervisor):
    """Attaching a disk a second time is a conflict, though the spec is equal."""

    def attach_disk(self, vm_uuid: UUID, request: AttachDiskRequest) -> None:
        key = request.disk.key
        if key in self._ours(vm_uuid).disks:
            raise Conflict("the disk is there", resource=Resource.DISK, name=key)
        super().attach_disk(vm_uuid, request)


@caught_by("DiskSuite.test_a_disk_is_attached_and_detached_while_stopped")
class DetachKeepsTheDisk(ReferenceHypervisor):
    """A disk that was taken away stays on the storage."""

    def detach_disk(self, vm_uuid: UUID, request: DetachDiskRequest) -> None:
        self._ours(vm_uuid)


@caught_by("DiskSuite.test_another_disk_of_the_same_key_is_a_conflict")
class AttachReplacesTheDisk(ReferenceHypervisor):
    """A disk of another spec silently takes the place of the one of its key."""

    def attach_disk(self, vm_uuid: UUID, request: AttachDiskRequest) -> None:
        super().detach_disk(vm_uuid, DetachDiskRequest(key=request.disk.key))
        super().attach_disk(vm_uuid, request)


@caught_by("DiskSuite.test_a_full_storage_leaves_nothing_of_an_attached_disk")
class DiskIsLeftByAFailedAttach(ReferenceHypervisor):
    """When the storage is full, the VM keeps a disk without content."""

    def attach_disk(self, vm_uuid: UUID, request: AttachDiskRequest) -> None:
        try:
            super().attach_disk(vm_uuid, request)
        except InsufficientResources:
            self._host.plug_disk(vm_uuid, request.disk.key, Disk(size_bytes=0))
            raise


@caught_by("DiskSuite.test_disks_of_an_unknown_vm_are_not_found")
class AttachToAMissingVmIsIgnored(ReferenceHypervisor):
    """Attaching a disk to a VM that does not exist succeeds."""

    def attach_disk(self, vm_uuid: UUID, request: AttachDiskRequest) -> None:
        try:
            super().attach_disk(vm_uuid, request)
        except NotFound:
            return


@caught_by("DiskSuite.test_a_running_guest_sees_a_disk_come_and_go")
class DiskComesWithTheNextStart(ReferenceHypervisor):
    """A disk is added to the VM's definition only, so that a running guest does not see it."""

    def attach_disk(self, vm_uuid: UUID, request: AttachDiskRequest) -> None:
        self._host._vms[vm_uuid].disks[request.disk.key] = Disk(size_bytes=1)


@caught_by("NicSuite.test_the_guest_sees_exactly_its_nics_and_its_uuid")
class MacIsChosenByTheHost(ReferenceHypervisor):
    """The guest sees another MAC address than the one that was asked for."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        nics = tuple(replace(nic, mac=f"0a:{nic.mac[3:]}") for nic in spec.nics)
        super().create_vm(vm_uuid, replace(spec, nics=nics))


@caught_by("NicSuite.test_a_nic_is_attached_and_detached_while_stopped")
class DetachOfMissingNicRaises(ReferenceHypervisor):
    """Taking away a NIC that is not there is an error."""

    def detach_nic(self, vm_uuid: UUID, request: DetachNicRequest) -> None:
        if request.key not in self._ours(vm_uuid).nics:
            raise NotFound("there is no such NIC", resource=Resource.NIC, name=request.key)
        super().detach_nic(vm_uuid, request)


@caught_by("NicSuite.test_another_nic_of_the_same_key_is_a_conflict")
class AttachKeepsTheOtherNic(ReferenceHypervisor):
    """A NIC of another spec is silently taken for the one that was asked for."""

    def attach_nic(self, vm_uuid: UUID, request: AttachNicRequest) -> None:
        if request.nic.key not in self._ours(vm_uuid).nics:
            super().attach_nic(vm_uuid, request)


@caught_by("NicSuite.test_a_running_guest_sees_a_nic_come_and_go")
class NicStaysPluggedIn(ReferenceHypervisor):
    """A NIC is taken from the VM's definition only, so that a running guest keeps it."""

    def detach_nic(self, vm_uuid: UUID, request: DetachNicRequest) -> None:
        self._host._vms[vm_uuid].nics.pop(request.key, None)


@caught_by("ConsoleSuite.test_the_end_of_the_record_is_kept_while_stopped")
class ConsoleFromItsBeginning(ReferenceHypervisor):
    """The first bytes of the record are returned instead of the last ones."""

    def console_log(self, vm_uuid: UUID, limit_bytes: int) -> bytes:
        return self._ours(vm_uuid).console[:limit_bytes]


@caught_by("ConsoleSuite.test_the_end_of_the_record_is_kept_while_stopped")
class ConsoleOfRunningVmsOnly(ReferenceHypervisor):
    """The record is gone when the VM is stopped."""

    def console_log(self, vm_uuid: UUID, limit_bytes: int) -> bytes:
        vm = self._ours(vm_uuid)
        return super().console_log(vm_uuid, limit_bytes) if vm.state == "running" else b""
