"""Pausing and suspending VMs, and waking guests that hang."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.errors import InvalidState, NotFound, Resource
from nova_virt_interface.hypervisor.nics import INicHotplug
from nova_virt_interface.hypervisor.power import ICrashDump, IPause, ISuspend
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.guest import GuestReport
from nova_virt_interface.testing.suite._mixins import HypervisorMixin, nic
from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.nics import AttachNicRequest
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
from nova_virt_interface.values.vm import DeleteVmRequest

__all__ = ["PausingSuite"]

_DUMP = CrashDumpRequest()
_HARD = RebootRequest(kind=RebootKind.HARD)


class PausingSuite(HypervisorMixin):
    """pause_vm, suspend_vm, trigger_crash_dump."""

    def _assert_really(self, vm_uuid: UUID, expected: PowerState) -> None:
        self.assertEqual(expected, self.harness.power_state_of(vm_uuid))
        self.assert_state(vm_uuid, expected)

    def _paused(self) -> UUID:
        self.requires(IPause)
        vm_uuid = self.running()
        self.hypervisor.pause_vm(vm_uuid, PauseRequest())
        return vm_uuid

    def _suspended(self) -> UUID:
        self.requires(ISuspend)
        vm_uuid = self.running()
        self.hypervisor.suspend_vm(vm_uuid, SuspendRequest())
        return vm_uuid

    @rules("PWR-10", "REP-1")
    def test_pause_holds_a_vm_and_may_be_repeated(self) -> None:
        vm_uuid = self._paused()
        self._assert_really(vm_uuid, PowerState.PAUSED)
        self.hypervisor.pause_vm(vm_uuid, PauseRequest())
        self._assert_really(vm_uuid, PowerState.PAUSED)

    @rules("PWR-3", "PWR-4")
    def test_a_paused_vm_goes_on_when_started(self) -> None:
        vm_uuid = self._paused()
        for _ in range(2):
            self.hypervisor.start_vm(vm_uuid, StartRequest())
            self._assert_really(vm_uuid, PowerState.RUNNING)

    @rules("PWR-6", "PWR-8")
    def test_a_paused_vm_is_stopped_rebooted_and_deleted(self) -> None:
        vm_uuid = self._paused()
        # Longer than a test may wait: nobody is asked who cannot answer.
        self.hypervisor.stop_vm(vm_uuid, StopRequest(graceful_timeout_seconds=3600.0))
        self._assert_really(vm_uuid, PowerState.STOPPED)
        vm_uuid = self._paused()
        self.hypervisor.reboot_vm(vm_uuid, _HARD)
        self._assert_really(vm_uuid, PowerState.RUNNING)
        self.hypervisor.pause_vm(vm_uuid, PauseRequest())
        self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
        self.assert_gone(vm_uuid)

    @rules("PWR-10")
    def test_what_does_not_run_cannot_be_paused(self) -> None:
        self.requires(IPause)
        vm_uuid = self.made()
        with self.refused(InvalidState) as caught:
            self.hypervisor.pause_vm(vm_uuid, PauseRequest())
        self.assertEqual(PowerState.STOPPED.value, caught.error.state)
        self.assertFalse(caught.error.may_have_been_done)
        self._assert_really(vm_uuid, PowerState.STOPPED)

    @rules("PWR-10", "PWR-11")
    def test_a_suspended_vm_cannot_be_paused(self) -> None:
        self.requires(IPause)
        vm_uuid = self._suspended()
        with self.refused(InvalidState) as caught:
            self.hypervisor.pause_vm(vm_uuid, PauseRequest())
        self.assertEqual(PowerState.SUSPENDED.value, caught.error.state)
        self._assert_really(vm_uuid, PowerState.SUSPENDED)

    @rules("PWR-11", "REP-1")
    def test_suspend_saves_a_vm_and_may_be_repeated(self) -> None:
        vm_uuid = self._suspended()
        self._assert_really(vm_uuid, PowerState.SUSPENDED)
        self.hypervisor.suspend_vm(vm_uuid, SuspendRequest())
        self._assert_really(vm_uuid, PowerState.SUSPENDED)
        statistics = {entry.vm_uuid: entry for entry in self.hypervisor.statistics()}
        self.assertEqual(PowerState.SUSPENDED, statistics[vm_uuid].power_state)

    @rules("PWR-11")
    def test_a_paused_vm_can_be_suspended(self) -> None:
        self.requires(ISuspend)
        vm_uuid = self._paused()
        self.hypervisor.suspend_vm(vm_uuid, SuspendRequest())
        self._assert_really(vm_uuid, PowerState.SUSPENDED)
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self._assert_really(vm_uuid, PowerState.RUNNING)

    @rules("PWR-11")
    def test_a_suspended_vm_stays_so_over_an_outage(self) -> None:
        vm_uuid = self._suspended()
        with self.harness.outage():
            pass
        self.wait_until(
            lambda: self.services.events.kinds().count(EventKind.EVENTS_LOST) > 0,
            "the driver to connect again",
        )
        self._assert_really(vm_uuid, PowerState.SUSPENDED)

    @rules("PWR-11")
    def test_what_is_off_cannot_be_suspended(self) -> None:
        self.requires(ISuspend)
        vm_uuid = self.made()
        with self.refused(InvalidState) as caught:
            self.hypervisor.suspend_vm(vm_uuid, SuspendRequest())
        self.assertEqual(PowerState.STOPPED.value, caught.error.state)
        self._assert_really(vm_uuid, PowerState.STOPPED)

    @rules("PWR-6", "LIFE-5")
    def test_a_suspended_vm_is_stopped_and_deleted_with_its_memory(self) -> None:
        self.requires(ISuspend)
        before = self.harness.leftovers()
        vm_uuid = self._suspended()
        for _ in range(2):
            self.hypervisor.stop_vm(vm_uuid, StopRequest(graceful_timeout_seconds=3600.0))
            self._assert_really(vm_uuid, PowerState.STOPPED)
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.hypervisor.suspend_vm(vm_uuid, SuspendRequest())
        self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
        self.assertEqual(before, self.harness.leftovers())

    @rules("PWR-3", "PWR-11")
    def test_a_suspended_guest_goes_on_where_it_was(self) -> None:
        self.requires(ISuspend, INicHotplug)
        vm_uuid = self.booted()
        card = nic(self.harness, 7)
        self.hypervisor.attach_nic(vm_uuid, AttachNicRequest(nic=card))
        self.wait_until(lambda: card.mac in self._told(vm_uuid, "mac_added"), "the NIC to be seen")
        self.hypervisor.suspend_vm(vm_uuid, SuspendRequest())
        for _ in range(2):
            self.hypervisor.start_vm(vm_uuid, StartRequest())
            self._assert_really(vm_uuid, PowerState.RUNNING)
        stop = StopRequest(graceful_timeout_seconds=self.harness.patience_seconds)
        self.hypervisor.stop_vm(vm_uuid, stop)
        log = self.console(vm_uuid)
        self.assertIn(b"NVG poweroff", log)
        # A guest that booted anew would have found the NIC while it booted.
        self.assertNotIn(f"NVG mac={card.mac}".encode(), log)

    def _told(self, vm_uuid: UUID, fact: str) -> list[str]:
        return GuestReport(self.console(vm_uuid)).all(fact)

    @rules("PWR-3", "PWR-10")
    def test_a_paused_guest_goes_on_where_it_was(self) -> None:
        self.requires(IPause)
        vm_uuid = self.booted()
        before = self.console(vm_uuid).count(b"NVG ready")
        self.hypervisor.pause_vm(vm_uuid, PauseRequest())
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        stop = StopRequest(graceful_timeout_seconds=self.harness.patience_seconds)
        self.hypervisor.stop_vm(vm_uuid, stop)
        self.assertIn(b"NVG poweroff", self.console(vm_uuid))
        self.assertEqual(before, self.console(vm_uuid).count(b"NVG ready"))

    @rules("EVT-1", "EVT-5")
    def test_pausing_and_resuming_are_told_in_order(self) -> None:
        vm_uuid = self._paused()
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.hypervisor.pause_vm(vm_uuid, PauseRequest())
        self.harness.resume_vm(vm_uuid)
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        again = [EventKind.PAUSED, EventKind.RESUMED]
        self._assert_told(vm_uuid, [EventKind.STARTED, *again, *again, EventKind.STOPPED])

    @rules("EVT-1", "EVT-5")
    def test_suspending_and_resuming_are_told_in_order(self) -> None:
        vm_uuid = self._suspended()
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        told = [EventKind.STARTED, EventKind.SUSPENDED, EventKind.RESUMED, EventKind.STOPPED]
        self._assert_told(vm_uuid, told, besides=EventKind.PAUSED)

    def _assert_told(
        self, vm_uuid: UUID, expected: list[EventKind], besides: EventKind | None = None
    ) -> None:
        patience = self.harness.patience_seconds
        self.services.events.wait_for(expected[-1], vm_uuid, patience)
        kinds = self.services.events.kinds(vm_uuid)
        told = [kind for kind in kinds if kind is not besides]
        once = [kind for n, kind in enumerate(told) if n == 0 or told[n - 1] is not kind]
        self.assertEqual(expected, once, str(kinds))

    @rules("PWR-12")
    def test_a_guest_gets_an_interrupt_for_each_call(self) -> None:
        self.requires(ICrashDump)
        vm_uuid = self.booted()
        self._interrupt(vm_uuid, 1)
        self._interrupt(vm_uuid, 2)
        self._assert_really(vm_uuid, PowerState.RUNNING)

    def _interrupt(self, vm_uuid: UUID, expected: int) -> None:
        self.hypervisor.trigger_crash_dump(vm_uuid, _DUMP)
        self.wait_until(
            lambda: self.harness.interrupts_of(vm_uuid) == expected, f"interrupt {expected}"
        )

    @rules("PWR-12")
    def test_what_does_not_run_gets_no_interrupt(self) -> None:
        self.requires(ICrashDump)
        vm_uuid = self.made()
        with self.refused(InvalidState) as caught:
            self.hypervisor.trigger_crash_dump(vm_uuid, _DUMP)
        self.assertEqual(PowerState.STOPPED.value, caught.error.state)
        self.requires(IPause)
        vm_uuid = self._paused()
        with self.refused(InvalidState):
            self.hypervisor.trigger_crash_dump(vm_uuid, _DUMP)
        self._assert_really(vm_uuid, PowerState.PAUSED)

    @rules("ID-2")
    def test_pausing_what_is_not_ours_is_not_found(self) -> None:
        calls = {
            IPause: ("pause_vm", PauseRequest()),
            ISuspend: ("suspend_vm", SuspendRequest()),
            ICrashDump: ("trigger_crash_dump", _DUMP),
        }
        provided = [call for interface, call in calls.items() if self._provides(interface)]
        if not provided:
            self.requires(*calls)
        foreign = self.new_uuid()
        with self.harness.foreign_vm(foreign):
            for method, request in provided:
                for vm_uuid in (foreign, self.new_uuid()):
                    with self.refused(NotFound, Resource.VM):
                        getattr(self.hypervisor, method)(vm_uuid, request)
            self.assertTrue(self.harness.foreign_vm_untouched(foreign))

    def _provides(self, interface: type) -> bool:
        return bool(interface.providedBy(self.tracker.connection))  # type: ignore[attr-defined]
