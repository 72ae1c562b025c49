"""Bugs in pausing, suspending and waking guests."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from nova_virt_interface.errors import InvalidState, NotFound
from nova_virt_interface.reference.host import Image, Vm
from nova_virt_interface.reference.host_power import HostPower
from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.testing.mutants._running import caught_by
from nova_virt_interface.values.power import (
    CrashDumpRequest,
    PauseRequest,
    PowerState,
    RebootKind,
    RebootRequest,
    StartRequest,
    StopRequest,
    SuspendRequest,
)
from nova_virt_interface.values.vm import DeleteVmRequest, VmState

__all__: list[str] = []


@caught_by("PausingSuite.test_pause_holds_a_vm_and_may_be_repeated")
class PauseIsOnlySaid(ReferenceHypervisor):
    """The VM is reported as paused, and runs."""

    def pause_vm(self, vm_uuid: UUID, request: PauseRequest) -> None:
        self.said = vm_uuid

    def get_vm(self, vm_uuid: UUID) -> VmState:
        return replace(super().get_vm(vm_uuid), power_state=PowerState.PAUSED)


@caught_by("PausingSuite.test_pause_holds_a_vm_and_may_be_repeated")
class PauseAgainRaises(ReferenceHypervisor):
    """Pausing a VM that is paused is an error."""

    def pause_vm(self, vm_uuid: UUID, request: PauseRequest) -> None:
        if self.get_vm(vm_uuid).power_state is PowerState.PAUSED:
            raise InvalidState("the VM is paused", state="paused")
        super().pause_vm(vm_uuid, request)


@caught_by("PausingSuite.test_a_paused_vm_goes_on_when_started")
class StartLeavesItPaused(ReferenceHypervisor):
    """A paused VM is taken for a running one."""

    def start_vm(self, vm_uuid: UUID, request: StartRequest) -> None:
        if self._ours(vm_uuid).state != "paused":
            super().start_vm(vm_uuid, request)


@caught_by("PausingSuite.test_what_does_not_run_cannot_be_paused")
class PauseStartsWhatIsOff(ReferenceHypervisor):
    """A stopped VM is started to be paused."""

    def pause_vm(self, vm_uuid: UUID, request: PauseRequest) -> None:
        self.start_vm(vm_uuid, StartRequest())
        super().pause_vm(vm_uuid, request)


@caught_by("PausingSuite.test_suspend_saves_a_vm_and_may_be_repeated")
class SuspendOnlyPauses(ReferenceHypervisor):
    """The memory stays in the host's memory."""

    def suspend_vm(self, vm_uuid: UUID, request: SuspendRequest) -> None:
        super().pause_vm(vm_uuid, PauseRequest())


@caught_by("PausingSuite.test_a_paused_vm_can_be_suspended")
class SuspendTakesRunningVmsOnly(ReferenceHypervisor):
    """A paused VM cannot be suspended."""

    def suspend_vm(self, vm_uuid: UUID, request: SuspendRequest) -> None:
        if self.get_vm(vm_uuid).power_state is PowerState.PAUSED:
            raise InvalidState("the VM is paused", state="paused")
        super().suspend_vm(vm_uuid, request)


@caught_by("PausingSuite.test_what_is_off_cannot_be_suspended")
class SuspendOfWhatIsOffIsIgnored(ReferenceHypervisor):
    """Suspending a VM that is off succeeds, and nothing is saved."""

    def suspend_vm(self, vm_uuid: UUID, request: SuspendRequest) -> None:
        if self.get_vm(vm_uuid).power_state is not PowerState.STOPPED:
            super().suspend_vm(vm_uuid, request)


@caught_by("PausingSuite.test_a_suspended_guest_goes_on_where_it_was")
class ResumeBootsAnew(ReferenceHypervisor):
    """What was saved is thrown away, and the guest boots."""

    def start_vm(self, vm_uuid: UUID, request: StartRequest) -> None:
        if self._ours(vm_uuid).state == "suspended":
            self._host.power_off(vm_uuid)
        super().start_vm(vm_uuid, request)


@caught_by("PausingSuite.test_a_paused_guest_goes_on_where_it_was")
class UnpauseBootsAnew(ReferenceHypervisor):
    """A paused VM is restarted."""

    def start_vm(self, vm_uuid: UUID, request: StartRequest) -> None:
        paused = self._ours(vm_uuid).state == "paused"
        super().start_vm(vm_uuid, request)
        if paused:
            console = self._ours(vm_uuid).console
            self.reboot_vm(vm_uuid, RebootRequest(kind=RebootKind.HARD))
            self._host._existing(vm_uuid).console = console + self._ours(vm_uuid).console


@caught_by("PausingSuite.test_a_suspended_vm_is_stopped_and_deleted_with_its_memory")
class SavedMemoryIsLeftBehind(ReferenceHypervisor):
    """The file of a suspended VM's memory stays when the VM is deleted."""

    def delete_vm(self, vm_uuid: UUID, request: DeleteVmRequest) -> None:
        was_suspended = self._ours(vm_uuid).state == "suspended"
        super().delete_vm(vm_uuid, request)
        if was_suspended:
            self._host.put_image(f"memory-of-{vm_uuid}", Image(format="raw", content=b""))


@caught_by("PausingSuite.test_a_suspended_vm_stays_so_over_an_outage")
class SavedMemoryIsForgotten(ReferenceHypervisor):
    """After a break of the connection a suspended VM counts as stopped."""

    def _on_change(self, kind: str, vm: Vm | None) -> None:
        super()._on_change(kind, vm)
        if kind == "events-lost":
            for stored in self._host._vms.values():
                stored.state = "stopped" if stored.state == "suspended" else stored.state


@caught_by("PausingSuite.test_a_paused_vm_is_stopped_rebooted_and_deleted")
class StopLetsAPausedVmBe(ReferenceHypervisor):
    """Only a VM that runs is turned off."""

    def stop_vm(self, vm_uuid: UUID, request: StopRequest) -> None:
        if self._ours(vm_uuid).state != "paused":
            super().stop_vm(vm_uuid, request)


@caught_by("PausingSuite.test_pausing_and_resuming_are_told_in_order")
class PauseIsNotTold(ReferenceHypervisor):
    """No event says that a VM was paused."""

    def _on_change(self, kind: str, vm: Vm | None) -> None:
        if kind != "paused":
            super()._on_change(kind, vm)


@caught_by("PausingSuite.test_suspending_and_resuming_are_told_in_order")
class ResumeIsToldAsStart(ReferenceHypervisor):
    """A suspended VM that goes on is told as one that has booted."""

    def _on_change(self, kind: str, vm: Vm | None) -> None:
        super()._on_change("started" if kind == "resumed" else kind, vm)


@caught_by("PausingSuite.test_a_guest_gets_an_interrupt_for_each_call")
class InterruptIsSentOnce(ReferenceHypervisor):
    """A repeat is taken for one that was done already."""

    def trigger_crash_dump(self, vm_uuid: UUID, request: CrashDumpRequest) -> None:
        if self._ours(vm_uuid).inside.interrupts == 0:
            super().trigger_crash_dump(vm_uuid, request)


@caught_by("PausingSuite.test_what_does_not_run_gets_no_interrupt")
class InterruptOfAPausedVmIsQueued(ReferenceHypervisor):
    """A paused guest gets its interrupt when it goes on."""

    def trigger_crash_dump(self, vm_uuid: UUID, request: CrashDumpRequest) -> None:
        if self._ours(vm_uuid).state == "paused":
            self._host._existing(vm_uuid).inside.interrupts += 1
        else:
            super().trigger_crash_dump(vm_uuid, request)


@caught_by("PausingSuite.test_pausing_what_is_not_ours_is_not_found")
class PausesForeignVms(ReferenceHypervisor):
    """A foreign VM that is not running is said to be in the wrong state."""

    def pause_vm(self, vm_uuid: UUID, request: PauseRequest) -> None:
        try:
            super().pause_vm(vm_uuid, request)
        except NotFound:
            HostPower(self._host).go_on(vm_uuid)
