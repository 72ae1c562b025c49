"""Bugs in what is refused: one operation knows what another one does not."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from nova_virt_interface.errors import NotFound, Unsupported
from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.reference.translate import NETWORKS
from nova_virt_interface.testing.mutants._running import caught_by
from nova_virt_interface.values.disks import AttachDiskRequest, Blank, DetachDiskRequest
from nova_virt_interface.values.images import CachedImage, CacheImageRequest, DiskFormat
from nova_virt_interface.values.nics import AttachNicRequest
from nova_virt_interface.values.resize import ResizeVmRequest

__all__: list[str] = []


@caught_by("RefusalSuite.test_a_network_that_is_not_there")
class HotPlugIntoNowhere(ReferenceHypervisor):
    """A NIC is plugged into a running VM without a look whether its network is there."""

    def attach_nic(self, vm_uuid: UUID, request: AttachNicRequest) -> None:
        backing = replace(request.nic.backing, name=NETWORKS[0])
        super().attach_nic(vm_uuid, AttachNicRequest(nic=replace(request.nic, backing=backing)))


@caught_by("RefusalSuite.test_a_nic_that_is_not_offered")
class ResizeTakesAnyModel(ReferenceHypervisor):
    """A resize makes NICs of another model than it was asked for."""

    def resize_vm(self, vm_uuid: UUID, request: ResizeVmRequest) -> None:
        nics = tuple(replace(nic, model=None) for nic in request.spec.nics)
        super().resize_vm(vm_uuid, replace(request, spec=replace(request.spec, nics=nics)))


@caught_by("RefusalSuite.test_a_disk_that_is_not_offered")
class HotPlugTakesAnyBus(ReferenceHypervisor):
    """A disk is attached at another bus than it was asked for."""

    def attach_disk(self, vm_uuid: UUID, request: AttachDiskRequest) -> None:
        super().attach_disk(vm_uuid, replace(request, disk=replace(request.disk, bus=None)))


@caught_by("RefusalSuite.test_an_image_that_is_not_cached")
class BlankWithoutItsImage(ReferenceHypervisor):
    """A disk whose image is missing is attached blank."""

    def attach_disk(self, vm_uuid: UUID, request: AttachDiskRequest) -> None:
        try:
            super().attach_disk(vm_uuid, request)
        except NotFound:
            blank = replace(request.disk, source=Blank())
            super().attach_disk(vm_uuid, replace(request, disk=blank))


@caught_by("RefusalSuite.test_an_image_of_a_format_that_is_not_offered")
class AnotherFormatIsMissing(ReferenceHypervisor):
    """The wrong error says that an image of another format is not there."""

    def cache_image(self, request: CacheImageRequest) -> CachedImage:
        try:
            return super().cache_image(request)
        except Unsupported:
            return super().cache_image(replace(request, format=DiskFormat.RAW))


@caught_by("RefusalSuite.test_a_suspended_vm_keeps_the_devices_that_its_memory_knows")
class SuspendedVmsLoseDisks(ReferenceHypervisor):
    """A disk is taken from a suspended VM, whose guest goes on to use it when it wakes up."""

    def detach_disk(self, vm_uuid: UUID, request: DetachDiskRequest) -> None:
        vm = self._ours(vm_uuid)
        if vm.state == "suspended":
            self._host._vms[vm_uuid].disks.pop(request.key, None)
        else:
            super().detach_disk(vm_uuid, request)
