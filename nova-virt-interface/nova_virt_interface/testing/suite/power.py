"""Starting, stopping and restarting VMs."""

from __future__ import annotations

import threading

from nova_virt_interface.call import Call
from nova_virt_interface.errors import Cancelled, NotFound, Resource
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.guest import GuestReport
from nova_virt_interface.testing.suite._mixins import HypervisorMixin
from nova_virt_interface.values.power import (
    PowerState,
    RebootKind,
    RebootRequest,
    StartRequest,
    StopRequest,
)
from nova_virt_interface.values.vm import DeleteVmRequest

__all__ = ["PowerSuite"]

_HARD = RebootRequest(kind=RebootKind.HARD)


class PowerSuite(HypervisorMixin):
    """start_vm, stop_vm, reboot_vm."""

    @rules("PWR-3", "PWR-4")
    def test_start(self) -> None:
        self.assert_state(self.running(), PowerState.RUNNING)

    @rules("PWR-3", "REP-1")
    def test_start_again_leaves_it_running(self) -> None:
        vm_uuid = self.running()
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.assert_state(vm_uuid, PowerState.RUNNING)

    @rules("PWR-5")
    def test_stop_by_force(self) -> None:
        vm_uuid = self.running()
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.assert_state(vm_uuid, PowerState.STOPPED)

    @rules("PWR-5")
    def test_stop_forces_a_guest_that_does_not_listen(self) -> None:
        vm_uuid = self.running()
        self.hypervisor.stop_vm(vm_uuid, StopRequest(graceful_timeout_seconds=1.0))
        self.assert_state(vm_uuid, PowerState.STOPPED)

    @rules("PWR-6", "REP-1")
    def test_stop_again_leaves_it_stopped(self) -> None:
        vm_uuid = self.running()
        for _ in range(2):
            self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.hypervisor.stop_vm(vm_uuid, StopRequest(graceful_timeout_seconds=1.0))
        self.assert_state(vm_uuid, PowerState.STOPPED)

    @rules("PWR-7")
    def test_a_cancelled_graceful_stop_does_not_force(self) -> None:
        vm_uuid = self.running()
        call = Call("req-cancelled-stop")
        threading.Timer(1.0, call.cancel).start()
        with call:
            stop = StopRequest(graceful_timeout_seconds=self.harness.patience_seconds)
            with self.refused(Cancelled):
                self.hypervisor.stop_vm(vm_uuid, stop)
        self.assert_state(vm_uuid, PowerState.RUNNING)

    @rules("PWR-8")
    def test_reboot_ends_in_a_running_vm_from_any_state(self) -> None:
        vm_uuid = self.made()
        for request in (_HARD, RebootRequest(kind=RebootKind.SOFT, graceful_timeout_seconds=1.0)):
            self.hypervisor.reboot_vm(vm_uuid, request)
            self.assert_state(vm_uuid, PowerState.RUNNING)
            self.hypervisor.reboot_vm(vm_uuid, request)
            self.assert_state(vm_uuid, PowerState.RUNNING)
            self.hypervisor.stop_vm(vm_uuid, StopRequest())

    @rules("PWR-1", "LIFE-5")
    def test_started_and_stopped_many_times(self) -> None:
        vm_uuid = self.made()
        for _ in range(5):
            self.hypervisor.start_vm(vm_uuid, StartRequest())
            self.assert_state(vm_uuid, PowerState.RUNNING)
            self.hypervisor.stop_vm(vm_uuid, StopRequest())
            self.assert_state(vm_uuid, PowerState.STOPPED)

    def test_power_of_an_unknown_vm_is_not_found(self) -> None:
        vm_uuid = self.new_uuid()
        with self.refused(NotFound, Resource.VM):
            self.hypervisor.start_vm(vm_uuid, StartRequest())
        with self.refused(NotFound, Resource.VM):
            self.hypervisor.stop_vm(vm_uuid, StopRequest())
        with self.refused(NotFound, Resource.VM):
            self.hypervisor.reboot_vm(vm_uuid, _HARD)

    @rules("PWR-5", "PWR-8", "CON-1")
    def test_a_guest_restarts_and_turns_itself_off_when_asked(self) -> None:
        vm_uuid = self.booted()
        soft = RebootRequest(
            kind=RebootKind.SOFT, graceful_timeout_seconds=self.harness.patience_seconds
        )
        self.hypervisor.reboot_vm(vm_uuid, soft)
        self.wait_until(
            lambda: GuestReport(self.console(vm_uuid)).is_ready, "the guest to boot again"
        )
        stop = StopRequest(graceful_timeout_seconds=self.harness.patience_seconds)
        self.hypervisor.stop_vm(vm_uuid, stop)
        self.assert_state(vm_uuid, PowerState.STOPPED)
        self.assertIn(b"NVG poweroff", self.console(vm_uuid))
        self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
