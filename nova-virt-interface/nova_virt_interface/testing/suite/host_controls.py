"""The host itself: how it does, its power, and its maintenance."""

from __future__ import annotations

from dataclasses import asdict

from nova_virt_interface.errors import Busy, InsufficientResources, Resource, Unsupported
from nova_virt_interface.hypervisor.host import IHostMaintenance, IHostPower, IHostStatus
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.testing.suite._mixins import HypervisorMixin
from nova_virt_interface.values.host import (
    EnterMaintenanceRequest,
    HostPowerAction,
    HostPowerRequest,
    LeaveMaintenanceRequest,
    MaintenanceState,
)
from nova_virt_interface.values.power import (
    PowerState,
    RebootKind,
    RebootRequest,
    StartRequest,
    StopRequest,
)

__all__ = ["HostControlSuite"]


class HostControlSuite(HypervisorMixin):
    """host_status, host_power, maintenance, enter_maintenance, leave_maintenance."""

    @rules("HOST-1")
    def test_what_the_host_tells_of_itself_is_true(self) -> None:
        self.requires(IHostStatus)
        first = asdict(self.hypervisor.host_status())
        measured = self.harness.host_measures()
        second = asdict(self.hypervisor.host_status())
        self.assertTrue(measured)
        for field, expected in measured.items():
            self.assertIsNotNone(first[field], field)
            # Whole seconds are cut; counters may be summed while they grow.
            self.assertTrue(first[field] <= 1.01 * expected + 2, f"{field}: {first} {measured}")
            self.assertTrue(second[field] >= 0.99 * expected - 2, f"{field}: {second} {measured}")

    @rules("HOST-1")
    def test_what_the_host_does_not_measure_is_none(self) -> None:
        self.requires(IHostStatus)
        found = self.hypervisor.host_status()
        self.assertTrue(found.cpu_load is None or 0.0 <= found.cpu_load <= 1.0, found)
        for field in ("cpu_kernel_ns", "cpu_user_ns", "cpu_idle_ns", "cpu_frequency_hz"):
            self.assertNotEqual(0, getattr(found, field), field)

    @rules("HOST-2")
    def test_the_host_takes_every_order_that_it_offers(self) -> None:
        self.requires(IHostPower)
        offered = self.hypervisor.describe().host_power_actions
        self.assertTrue(offered, "IHostPower is provided, but no action is offered")
        for action in offered:
            with self.harness.host_orders() as taken:
                self.hypervisor.host_power(HostPowerRequest(action=action))
                self.assertEqual([action.value], taken)

    @rules("HOST-2")
    def test_a_host_that_has_running_vms_refuses(self) -> None:
        self.requires(IHostPower)
        offered = self.hypervisor.describe().host_power_actions
        downs = {HostPowerAction.SHUT_DOWN, HostPowerAction.REBOOT} & set(offered)
        ours, foreign = self.running(), self.new_uuid()
        with self.harness.host_orders() as taken, self.harness.foreign_vm(foreign):
            self._assert_busy(downs)
            self.hypervisor.stop_vm(ours, StopRequest())
            self.harness.run_vm(foreign)
            try:
                self._assert_busy(downs)
            finally:
                self.harness.power_off_vm(foreign)
            self.assertEqual([], taken)

    def _assert_busy(self, actions: set[HostPowerAction]) -> None:
        for action in actions:
            with self.refused(Busy) as caught:
                self.hypervisor.host_power(HostPowerRequest(action=action))
            self.assertFalse(caught.error.may_have_been_done)

    @rules("HOST-2", "CAP-2")
    def test_an_order_that_the_host_does_not_offer_is_unsupported(self) -> None:
        self.requires(IHostPower)
        offered = self.hypervisor.describe().host_power_actions
        with self.harness.host_orders() as taken:
            for action in set(HostPowerAction) - set(offered):
                with self.refused(Unsupported) as caught:
                    self.hypervisor.host_power(HostPowerRequest(action=action))
                self.assertEqual("action", caught.error.field)
            self.assertEqual([], taken)

    def _enter(self) -> None:
        self.requires(IHostMaintenance)
        self.addCleanup(self.hypervisor.leave_maintenance, LeaveMaintenanceRequest())
        self.hypervisor.enter_maintenance(EnterMaintenanceRequest())

    @rules("HOST-3", "REP-1")
    def test_an_empty_host_goes_into_maintenance_and_comes_back(self) -> None:
        self.requires(IHostMaintenance)
        self.assertEqual(MaintenanceState.ACTIVE, self.hypervisor.maintenance())
        for _ in range(2):
            self._enter()
            self.assertEqual(MaintenanceState.IN_MAINTENANCE, self.hypervisor.maintenance())
            self.assertFalse(self.harness.takes_vms())
        other = self.connect(SuiteServices())
        self.assertEqual(MaintenanceState.IN_MAINTENANCE, other.maintenance())
        for _ in range(2):
            self.hypervisor.leave_maintenance(LeaveMaintenanceRequest())
            self.assertEqual(MaintenanceState.ACTIVE, self.hypervisor.maintenance())
            self.assertTrue(self.harness.takes_vms())

    @rules("HOST-4", "ERR-4")
    def test_no_vm_starts_on_a_host_in_maintenance(self) -> None:
        self.requires(IHostMaintenance)
        vm_uuid = self.made()
        self._enter()
        hard = RebootRequest(kind=RebootKind.HARD)
        for method, request in (("start_vm", StartRequest()), ("reboot_vm", hard)):
            with self.refused(InsufficientResources, Resource.HOST) as caught:
                getattr(self.hypervisor, method)(vm_uuid, request)
            self.assertFalse(caught.error.may_have_been_done)
            self.assert_state(vm_uuid, PowerState.STOPPED)
        self.hypervisor.leave_maintenance(LeaveMaintenanceRequest())
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.assert_state(vm_uuid, PowerState.RUNNING)

    @rules("HOST-3", "HOST-4")
    def test_a_host_with_running_vms_is_entering_until_they_are_gone(self) -> None:
        self.requires(IHostMaintenance)
        vm_uuid = self.running()
        self._enter()
        self.assertEqual(MaintenanceState.ENTERING, self.hypervisor.maintenance())
        self.assert_state(vm_uuid, PowerState.RUNNING)
        with self.refused(InsufficientResources, Resource.HOST):
            self.hypervisor.reboot_vm(vm_uuid, RebootRequest(kind=RebootKind.HARD))
        self.assert_state(vm_uuid, PowerState.RUNNING)
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.wait_until(
            lambda: self.hypervisor.maintenance() is MaintenanceState.IN_MAINTENANCE,
            "the host to be in maintenance",
        )

    @rules("HOST-3")
    def test_a_host_that_cannot_move_its_vms_says_so_and_stays_active(self) -> None:
        self.requires(IHostMaintenance)
        vm_uuid = self.running()
        self.addCleanup(self.hypervisor.leave_maintenance, LeaveMaintenanceRequest())
        wanted = EnterMaintenanceRequest(evacuate=True, timeout_seconds=30.0)
        try:
            self.hypervisor.enter_maintenance(wanted)
        except (InsufficientResources, Unsupported) as error:
            self.assertFalse(error.may_have_been_done)
            self.assertEqual(MaintenanceState.ACTIVE, self.hypervisor.maintenance())
            self.assertTrue(self.harness.takes_vms())
            self.assert_state(vm_uuid, PowerState.RUNNING)
        else:
            self.assertEqual(MaintenanceState.IN_MAINTENANCE, self.hypervisor.maintenance())
