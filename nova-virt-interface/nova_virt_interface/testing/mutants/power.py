"""Bugs in starting, stopping and restarting VMs."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.errors import Cancelled, InvalidState, NotFound
from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.testing.mutants._running import caught_by
from nova_virt_interface.values.power import PowerState, RebootRequest, StartRequest, StopRequest

__all__: list[str] = []


@caught_by("PowerSuite.test_start")
class StartReturnsBeforeItRuns(ReferenceHypervisor):
    """The host is asked to start the VM some time, and the call returns."""

    def start_vm(self, vm_uuid: UUID, request: StartRequest) -> None:
        self._ours(vm_uuid)


@caught_by("PowerSuite.test_start_again_leaves_it_running")
class StartAgainRaises(ReferenceHypervisor):
    """Starting a VM that runs is an error."""

    def start_vm(self, vm_uuid: UUID, request: StartRequest) -> None:
        if self.get_vm(vm_uuid).power_state is PowerState.RUNNING:
            raise InvalidState("the VM runs", state="running")
        super().start_vm(vm_uuid, request)


@caught_by("PowerSuite.test_stop_by_force")
class StopOnlyAsks(ReferenceHypervisor):
    """A VM is never turned off by force."""

    def stop_vm(self, vm_uuid: UUID, request: StopRequest) -> None:
        self._ours(vm_uuid)
        self._host.ask_to_stop(vm_uuid)


@caught_by("PowerSuite.test_stop_forces_a_guest_that_does_not_listen")
class StopNeverForcesAfterAsking(ReferenceHypervisor):
    """When the graceful time is over, the VM is left running."""

    def stop_vm(self, vm_uuid: UUID, request: StopRequest) -> None:
        if request.graceful_timeout_seconds == 0:
            super().stop_vm(vm_uuid, request)


@caught_by("PowerSuite.test_stop_again_leaves_it_stopped")
class StopAgainRaises(ReferenceHypervisor):
    """Stopping a VM that is stopped is an error."""

    def stop_vm(self, vm_uuid: UUID, request: StopRequest) -> None:
        if self.get_vm(vm_uuid).power_state is PowerState.STOPPED:
            raise InvalidState("the VM is stopped", state="stopped")
        super().stop_vm(vm_uuid, request)


@caught_by("PowerSuite.test_a_cancelled_graceful_stop_does_not_force")
class StopForcesAlthoughCancelled(ReferenceHypervisor):
    """A cancel ends the graceful time, and the VM is turned off."""

    def stop_vm(self, vm_uuid: UUID, request: StopRequest) -> None:
        try:
            super().stop_vm(vm_uuid, request)
        except Cancelled:
            self._host.power_off(vm_uuid)
            raise


@caught_by("PowerSuite.test_a_guest_restarts_and_turns_itself_off_when_asked")
class StopIgnoresTheGracefulTime(ReferenceHypervisor):
    """The guest is never asked: the VM is turned off at once."""

    def stop_vm(self, vm_uuid: UUID, request: StopRequest) -> None:
        super().stop_vm(vm_uuid, StopRequest())


@caught_by("PowerSuite.test_reboot_ends_in_a_running_vm_from_any_state")
class RebootLeavesAStoppedVm(ReferenceHypervisor):
    """A VM that is stopped is not rebooted."""

    def reboot_vm(self, vm_uuid: UUID, request: RebootRequest) -> None:
        if self.get_vm(vm_uuid).power_state is PowerState.RUNNING:
            super().reboot_vm(vm_uuid, request)


@caught_by("PowerSuite.test_started_and_stopped_many_times")
class StartsOnce(ReferenceHypervisor):
    """The VM's definition is lost when it is stopped."""

    def start_vm(self, vm_uuid: UUID, request: StartRequest) -> None:
        if self._ours(vm_uuid).starts == 0:
            super().start_vm(vm_uuid, request)


@caught_by("PowerSuite.test_power_of_an_unknown_vm_is_not_found")
class PowerOfAMissingVmIsIgnored(ReferenceHypervisor):
    """Stopping a VM that does not exist succeeds."""

    def stop_vm(self, vm_uuid: UUID, request: StopRequest) -> None:
        try:
            super().stop_vm(vm_uuid, request)
        except NotFound:
            return
