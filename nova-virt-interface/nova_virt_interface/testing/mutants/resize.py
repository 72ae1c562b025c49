"""Bugs in resizing VMs and in taking over those whose host is gone."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.errors import Conflict, InsufficientResources, InvalidRequest, NotFound
from nova_virt_interface.reference.host import Disk
from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.testing.mutants._running import caught_by
from nova_virt_interface.values.recovery import AdoptVmRequest, ReleaseVmRequest
from nova_virt_interface.values.resize import (
    ConfirmResizeRequest,
    ResizeVmRequest,
    RevertResizeRequest,
)
from nova_virt_interface.values.vm import DeleteVmRequest, VmState

__all__: list[str] = []


@caught_by("ResizeSuite.test_a_resize_keeps_disks_and_is_confirmed")
class ResizeMakesDisksAnew(ReferenceHypervisor):
    """A disk that grows is made anew, and empty."""

    def resize_vm(self, vm_uuid: UUID, request: ResizeVmRequest) -> None:
        super().resize_vm(vm_uuid, request)
        for disk in self._host._vms[vm_uuid].disks.values():
            disk.content = b""


@caught_by("ResizeSuite.test_a_resize_keeps_disks_and_is_confirmed")
class ConfirmKeepsTheOldVm(ReferenceHypervisor):
    """What was kept of the old VM is never removed."""

    def confirm_resize(self, vm_uuid: UUID, request: ConfirmResizeRequest) -> None:
        self._ours(vm_uuid)


@caught_by("ResizeSuite.test_a_revert_brings_everything_back")
class RevertKeepsWhatWasWritten(ReferenceHypervisor):
    """The disks have, after a revert, what was written to them since the resize."""

    def revert_resize(self, vm_uuid: UUID, request: RevertResizeRequest) -> None:
        written = {key: disk.content for key, disk in self._ours(vm_uuid).disks.items()}
        super().revert_resize(vm_uuid, request)
        for key, disk in self._host._vms[vm_uuid].disks.items():
            disk.content = written.get(key, disk.content)


@caught_by("ResizeSuite.test_what_cannot_be_is_refused_before_anything_is_touched")
class ResizeShrinksDisks(ReferenceHypervisor):
    """A disk that should shrink keeps its size, and the resize goes on without it."""

    def resize_vm(self, vm_uuid: UUID, request: ResizeVmRequest) -> None:
        try:
            super().resize_vm(vm_uuid, request)
        except InvalidRequest:
            return


@caught_by("ResizeSuite.test_a_second_resize_while_one_is_pending_is_a_conflict")
class SecondResizeConfirmsTheFirst(ReferenceHypervisor):
    """A resize while one is pending makes that one final."""

    def resize_vm(self, vm_uuid: UUID, request: ResizeVmRequest) -> None:
        try:
            super().resize_vm(vm_uuid, request)
        except Conflict:
            super().confirm_resize(vm_uuid, ConfirmResizeRequest())
            super().resize_vm(vm_uuid, request)


@caught_by("ResizeSuite.test_a_failed_resize_leaves_the_vm_as_it_was")
class FailedResizeLeavesADisk(ReferenceHypervisor):
    """When the storage is full, a disk of the new description stays."""

    def resize_vm(self, vm_uuid: UUID, request: ResizeVmRequest) -> None:
        try:
            super().resize_vm(vm_uuid, request)
        except InsufficientResources:
            self._host._vms[vm_uuid].disks["extra"] = Disk(size_bytes=0)
            raise


@caught_by("ResizeSuite.test_deleting_removes_what_was_kept")
class DeleteForgetsThePendingResize(ReferenceHypervisor):
    """A VM that is deleted while a resize is pending leaves what was kept of it."""

    def delete_vm(self, vm_uuid: UUID, request: DeleteVmRequest) -> None:
        kept = dict(self._host.moves.before_resize)
        super().delete_vm(vm_uuid, request)
        self._host.moves.before_resize.update(kept)


@caught_by("DiskSuite.test_a_vm_names_its_disks")
class MediaAreNotNamed(ReferenceHypervisor):
    """A VM does not name its media."""

    def get_vm(self, vm_uuid: UUID) -> VmState:
        state = super().get_vm(vm_uuid)
        disks = self._ours(vm_uuid).disks
        keys = tuple(key for key in state.disk_keys or () if not disks[key].read_only)
        return VmState(
            vm_uuid=vm_uuid,
            name=state.name,
            power_state=state.power_state,
            disk_keys=keys,
            nic_keys=state.nic_keys,
        )


@caught_by("RecoverySuite.test_a_vm_is_adopted_and_released")
class AdoptMakesDisksAnew(ReferenceHypervisor):
    """A VM whose disks are there gets new ones, which are empty."""

    def adopt_vm(self, vm_uuid: UUID, request: AdoptVmRequest) -> None:
        super().create_vm(vm_uuid, request.spec)


@caught_by("RecoverySuite.test_a_vm_that_cannot_be_adopted_leaves_the_disks_as_they_were")
class AdoptMakesWhatIsMissing(ReferenceHypervisor):
    """A disk that cannot be found is made anew."""

    def adopt_vm(self, vm_uuid: UUID, request: AdoptVmRequest) -> None:
        try:
            super().adopt_vm(vm_uuid, request)
        except NotFound:
            super().create_vm(vm_uuid, request.spec)


@caught_by("RecoverySuite.test_a_vm_is_adopted_and_released")
class ReleaseDeletesTheDisks(ReferenceHypervisor):
    """The old host deletes the disks of a VM that was taken over."""

    def release_vm(self, vm_uuid: UUID, request: ReleaseVmRequest) -> None:
        vm = self._host._vms.get(vm_uuid)
        super().release_vm(vm_uuid, request)
        if vm is not None:
            for disk in vm.disks.values():
                disk.content = b""


@caught_by("RecoverySuite.test_a_released_vm_that_runs_is_turned_off")
class ReleaseOfARunningVmIsIgnored(ReferenceHypervisor):
    """The old host goes on with a VM that another host has taken over."""

    def release_vm(self, vm_uuid: UUID, request: ReleaseVmRequest) -> None:
        if self._ours(vm_uuid).state != "running":
            super().release_vm(vm_uuid, request)


@caught_by("RecoverySuite.test_a_vm_that_never_was_has_no_disks")
class DisksOfAnyVmAreFound(ReferenceHypervisor):
    """The disks of a VM that never was are said to be there."""

    def find_disks(self, vm_uuid: UUID) -> tuple[str, ...]:
        return super().find_disks(vm_uuid) or ("root",)
