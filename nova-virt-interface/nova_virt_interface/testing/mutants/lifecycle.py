"""Bugs in making, finding and deleting VMs."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from uuid import UUID

from nova_virt_interface.call import Call, current_call
from nova_virt_interface.errors import BackendError, Busy, Conflict, NotFound, Resource
from nova_virt_interface.reference.conf import Settings
from nova_virt_interface.reference.host import Disk, Image, Vm
from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.services import IServices
from nova_virt_interface.testing.mutants._running import caught_by
from nova_virt_interface.values.power import StartRequest, StopRequest
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec, VmState

__all__: list[str] = []


@caught_by("LifecycleSuite.test_created_vm_is_stopped_and_listed")
class CreateStarts(ReferenceHypervisor):
    """A new VM is started at once."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        super().create_vm(vm_uuid, spec)
        self.start_vm(vm_uuid, StartRequest())


@caught_by("LifecycleSuite.test_create_again_is_the_same_vm")
class CreateAgainMakesADisk(ReferenceHypervisor):
    """Creating a VM a second time makes a second disk."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        existed = vm_uuid in [vm.uuid for vm in self._host.vms()]
        super().create_vm(vm_uuid, spec)
        if existed:
            self._host.plug_disk(vm_uuid, "data-2", Disk(size_bytes=1))


@caught_by("LifecycleSuite.test_create_again_is_the_same_vm")
class CreateAgainIsRefused(ReferenceHypervisor):
    """Creating a VM a second time is a conflict, though the spec is equal."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        if vm_uuid in [vm.vm_uuid for vm in self.list_vms()]:
            raise Conflict("the VM exists", resource=Resource.VM, name=str(vm_uuid))
        super().create_vm(vm_uuid, spec)


@caught_by("LifecycleSuite.test_create_again_leaves_a_running_vm_running")
class CreateAgainStops(ReferenceHypervisor):
    """Creating a VM a second time turns it off."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        super().create_vm(vm_uuid, spec)
        self.stop_vm(vm_uuid, StopRequest())


@caught_by("LifecycleSuite.test_create_with_another_spec_is_a_conflict")
class CreateTakesAnotherSpec(ReferenceHypervisor):
    """A VM of another spec is silently taken for the one that was asked for."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        if vm_uuid not in [vm.vm_uuid for vm in self.list_vms()]:
            super().create_vm(vm_uuid, spec)


@caught_by("LifecycleSuite.test_a_foreign_vm_of_the_same_uuid_is_a_conflict")
class CreateAdoptsForeignVm(ReferenceHypervisor):
    """A foreign VM of the same uuid is silently taken for ours."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        if vm_uuid not in [vm.uuid for vm in self._host.vms()]:
            super().create_vm(vm_uuid, spec)


@caught_by("LifecycleSuite.test_foreign_vms_do_not_exist")
class ListsForeignVms(ReferenceHypervisor):
    """All VMs of the host are listed, whoever made them."""

    def _all_ours(self) -> list[Vm]:
        return self._host.vms()


@caught_by("LifecycleSuite.test_an_operators_copy_of_a_vm_is_a_foreign_one")
class MarksAllVmsAlike(ReferenceHypervisor):
    """The mark says who made a VM, but not which VM it is the mark of."""

    def _mark(self, vm_uuid: UUID) -> str:
        return self._owner


@caught_by("LifecycleSuite.test_foreign_vms_do_not_exist")
class DeletesForeignVm(ReferenceHypervisor):
    """A VM is deleted by its uuid without a look at whose it is."""

    def delete_vm(self, vm_uuid: UUID, request: DeleteVmRequest) -> None:
        if vm_uuid in [vm.uuid for vm in self._host.vms() if vm.state == "stopped"]:
            self._host.undefine(vm_uuid)
        super().delete_vm(vm_uuid, request)


@caught_by("LifecycleSuite.test_a_renamed_vm_is_still_the_same")
class FindsByName(ReferenceHypervisor):
    """A VM whose label was changed by hand is not found."""

    def __init__(self, settings: Settings, services: IServices) -> None:
        super().__init__(settings, services)
        self._names: dict[UUID, str] = {}

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        self._names[vm_uuid] = spec.name
        super().create_vm(vm_uuid, spec)

    def _ours(self, vm_uuid: UUID) -> Vm:
        vm = super()._ours(vm_uuid)
        if vm.label != self._names[vm_uuid]:
            raise NotFound("there is no such VM", resource=Resource.VM, name=str(vm_uuid))
        return vm


@caught_by("LifecycleSuite.test_vms_are_there_after_reconnecting")
class KnowsOwnConnectionOnly(ReferenceHypervisor):
    """VMs are known only to the connection that made them."""

    def __init__(self, settings: Settings, services: IServices) -> None:
        super().__init__(settings, services)
        self._made: set[UUID] = set()

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        super().create_vm(vm_uuid, spec)
        self._made.add(vm_uuid)

    def get_vm(self, vm_uuid: UUID) -> VmState:
        if vm_uuid not in self._made:
            raise NotFound("there is no such VM", resource=Resource.VM, name=str(vm_uuid))
        return super().get_vm(vm_uuid)


@caught_by("LifecycleSuite.test_delete_removes_all")
class DeleteLeavesADisk(ReferenceHypervisor):
    """The disk of a deleted VM stays on the storage."""

    def delete_vm(self, vm_uuid: UUID, request: DeleteVmRequest) -> None:
        self._host.put_image(f"disk-of-{vm_uuid}", Image(format="raw", content=b""))
        super().delete_vm(vm_uuid, request)


@caught_by("LifecycleSuite.test_delete_again_succeeds")
class DeleteOfMissingVmRaises(ReferenceHypervisor):
    """Deleting what is gone is an error."""

    def delete_vm(self, vm_uuid: UUID, request: DeleteVmRequest) -> None:
        self.get_vm(vm_uuid)
        super().delete_vm(vm_uuid, request)


@caught_by("LifecycleSuite.test_unknown_vm_is_not_found")
class HostErrorLeaks(ReferenceHypervisor):
    """The host's own error leaves the driver."""

    def _ours(self, vm_uuid: UUID) -> Vm:
        return self._host.vm(vm_uuid)


@caught_by("LifecycleSuite.test_unknown_vm_is_not_found")
class WrongErrorClass(ReferenceHypervisor):
    """A missing VM is reported as a failure of the host."""

    def get_vm(self, vm_uuid: UUID) -> VmState:
        try:
            return super().get_vm(vm_uuid)
        except NotFound as error:
            raise BackendError("the host failed") from error


@caught_by("LifecycleSuite.test_any_printable_name_is_a_name")
class NameIsTruncated(ReferenceHypervisor):
    """A long label is cut to what the host's user interface shows."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        super().create_vm(vm_uuid, replace(spec, name=spec.name[:64]))


@caught_by("LifecycleSuite.test_two_vms_may_have_one_name")
class DeletesByName(ReferenceHypervisor):
    """All VMs of the same label are deleted."""

    def delete_vm(self, vm_uuid: UUID, request: DeleteVmRequest) -> None:
        labels = [vm.name for vm in self.list_vms() if vm.vm_uuid == vm_uuid]
        for vm in self.list_vms():
            if vm.name in labels:
                super().delete_vm(vm.vm_uuid, request)


@caught_by("LifecycleSuite.test_different_vms_at_the_same_time")
class OneCallAtATime(ReferenceHypervisor):
    """A call that overlaps another one, of another VM, is refused."""

    _only_one = threading.Lock()

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        if not self._only_one.acquire(blocking=False):
            raise Busy("another call is under way")
        try:
            time.sleep(0.2)
            super().create_vm(vm_uuid, spec)
        finally:
            self._only_one.release()


@caught_by("LifecycleSuite.test_a_cancelled_create_leaves_nothing")
class CreateDoesNotLookForACancel(ReferenceHypervisor):
    """A cancelled call makes the VM."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        with Call("-"):
            super().create_vm(vm_uuid, spec)


@caught_by("LifecycleSuite.test_a_call_past_its_deadline_leaves_nothing")
class DeadlineIsSeenTooLate(ReferenceHypervisor):
    """The deadline is looked at when the VM has been made, and the VM is left."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        with Call("-"):
            super().create_vm(vm_uuid, spec)
        current_call().check()
