"""Instances: more power states, consoles, guests, diagnostics, and the node's host."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from fixtures import FakeLogger

from nova_virt_interface.errors import (
    InsufficientResources,
    InvalidState,
    NotFound,
    PeerUnreachable,
    Resource,
    Unsupported,
)
from nova_virt_interface.hypervisor.host import IHostMaintenance, IHostPower, IHostStatus
from nova_virt_interface.secret import Secret
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.suite._instances import InstanceMixin
from nova_virt_interface.values.console import ConsoleKind, OpenConsoleRequest
from nova_virt_interface.values.guest import (
    GuestPasswordRequest,
    QuiesceRequest,
    SyncTimeRequest,
    UnquiesceRequest,
)
from nova_virt_interface.values.guest_settings import GuestSettings, VmFeature
from nova_virt_interface.values.host import (
    EnterMaintenanceRequest,
    HostPowerRequest,
    LeaveMaintenanceRequest,
    MaintenanceState,
)
from nova_virt_interface.values.instances import PowerOffRequest, PowerOnRequest
from nova_virt_interface.values.power import (
    CrashDumpRequest,
    PauseRequest,
    PowerState,
    SuspendRequest,
)
from nova_virt_interface.virt_driver.console import IInstanceConsole
from nova_virt_interface.virt_driver.diagnostics import (
    IInstanceDeviceMetadata,
    IInstanceDiagnostics,
)
from nova_virt_interface.virt_driver.guest import IAdminPassword, IInstanceQuiesce, IInstanceTime
from nova_virt_interface.virt_driver.power import (
    IInstanceCrashDump,
    IInstancePause,
    IInstanceSuspend,
)

__all__ = ["InstancePowerSuite"]

_PASSWORD = "battery-staple-horse"  # noqa: S105 - a test looks for it where it must not be
_ADMIN = GuestPasswordRequest(user="root", password=Secret(_PASSWORD))
_OFF = PowerOffRequest(graceful_timeout_seconds=0.0)
_CALLS: dict[Any, tuple[tuple[str, Any], ...]] = {
    IInstancePause: (("pause", PauseRequest()),),
    IInstanceSuspend: (("suspend", SuspendRequest()),),
    IInstanceCrashDump: (("trigger_crash_dump", CrashDumpRequest()),),
    IAdminPassword: (("set_admin_password", _ADMIN),),
    IInstanceQuiesce: (("quiesce", QuiesceRequest()), ("unquiesce", UnquiesceRequest())),
    IInstanceTime: (("sync_time", SyncTimeRequest()),),
}


class InstancePowerSuite(InstanceMixin):
    """pause, suspend, trigger_crash_dump, get_console, what asks the guest, and diagnostics."""

    def _assert_really(self, instance_uuid: UUID, expected: PowerState) -> None:
        self.assertEqual(expected, self.harness.power_state_of(instance_uuid))
        self.assert_state(instance_uuid, expected)

    def _with_agent(self) -> UUID:
        self.harness.require_agent()
        wanted = VmFeature.GUEST_AGENT in self.virt_driver.describe().features
        instance_uuid, _ = self.spawned(settings=GuestSettings(guest_agent=wanted))
        self.wait_ready(instance_uuid)
        return instance_uuid

    @rules("PWR-3", "PWR-10", "REP-1")
    def test_an_instance_is_paused_and_goes_on(self) -> None:
        self.requires(IInstancePause)
        instance_uuid, _ = self.spawned()
        for _ in range(2):
            self.virt_driver.pause(instance_uuid, PauseRequest())
            self._assert_really(instance_uuid, PowerState.PAUSED)
        self.virt_driver.power_on(instance_uuid, PowerOnRequest())
        self._assert_really(instance_uuid, PowerState.RUNNING)

    @rules("PWR-3", "PWR-11", "REP-1")
    def test_an_instance_is_suspended_and_goes_on(self) -> None:
        self.requires(IInstanceSuspend)
        instance_uuid, _ = self.spawned()
        for _ in range(2):
            self.virt_driver.suspend(instance_uuid, SuspendRequest())
            self._assert_really(instance_uuid, PowerState.SUSPENDED)
        self.virt_driver.power_on(instance_uuid, PowerOnRequest())
        self._assert_really(instance_uuid, PowerState.RUNNING)

    @rules("PWR-12")
    def test_an_instance_gets_an_interrupt(self) -> None:
        self.requires(IInstanceCrashDump)
        instance_uuid, _ = self.spawned()
        self.wait_ready(instance_uuid)
        self.virt_driver.trigger_crash_dump(instance_uuid, CrashDumpRequest())
        self.wait_until(
            lambda: self.harness.interrupts_of(instance_uuid) == 1, "the interrupt to arrive"
        )

    @rules("PWR-10", "PWR-11", "PWR-12", "GST-1")
    def test_an_instance_that_is_off_is_in_no_state_for_these(self) -> None:
        provided = self._provided()
        instance_uuid, _ = self.spawned()
        self.virt_driver.power_off(instance_uuid, _OFF)
        for method, request in provided:
            with self.refused(InvalidState) as caught:
                getattr(self.virt_driver, method)(instance_uuid, request)
            self.assertEqual(PowerState.STOPPED.value, caught.error.state)
        self.assert_state(instance_uuid, PowerState.STOPPED)

    def test_unknown_instances_are_not_found_by_these(self) -> None:
        for method, request in self._provided():
            with self.refused(NotFound, Resource.VM):
                getattr(self.virt_driver, method)(self.new_uuid(), request)

    def _provided(self) -> list[tuple[str, Any]]:
        provided = [
            call
            for interface, calls in _CALLS.items()
            if interface.providedBy(self.tracker.connection)
            for call in calls
        ]
        if not provided:
            self.requires(*_CALLS)
        return provided

    @rules("CON-2")
    def test_an_instance_has_consoles_of_every_kind(self) -> None:
        kinds = self.requires(IInstanceConsole).describe().console_kinds
        instance_uuid, _ = self.spawned()
        for kind in kinds:
            console = self.virt_driver.get_console(instance_uuid, OpenConsoleRequest(kind=kind))
            self.assertEqual(kind, console.kind)
            self.assertTrue(self.harness.console_lets_in(instance_uuid, console), kind)

    @rules("CON-1", "ERR-4")
    def test_an_instance_has_no_console_where_there_is_none(self) -> None:
        kinds = self.requires(IInstanceConsole).describe().console_kinds
        instance_uuid, _ = self.spawned()
        for kind in set(ConsoleKind) - {*kinds}:
            with self.refused(Unsupported):
                self.virt_driver.get_console(instance_uuid, OpenConsoleRequest(kind=kind))
        request = OpenConsoleRequest(kind=kinds[0])
        with self.refused(NotFound, Resource.VM):
            self.virt_driver.get_console(self.new_uuid(), request)
        self.virt_driver.power_off(instance_uuid, _OFF)
        with self.refused(InvalidState) as caught:
            self.virt_driver.get_console(instance_uuid, request)
        self.assertEqual(PowerState.STOPPED.value, caught.error.state)

    @rules("SEC-1")
    def test_an_administrator_gets_a_password(self) -> None:
        self.requires(IAdminPassword)
        instance_uuid = self._with_agent()
        logger = self.useFixture(FakeLogger(level=logging.DEBUG))
        self.virt_driver.set_admin_password(instance_uuid, _ADMIN)
        password = self.harness.guest_password(instance_uuid, "root")
        self.assertEqual(_PASSWORD.encode(), password)
        nobody = GuestPasswordRequest(user="nobody-of-this-name", password=Secret(_PASSWORD))
        with self.refused(NotFound, Resource.GUEST_USER):
            self.virt_driver.set_admin_password(instance_uuid, nobody)
        self.assertNotIn(_PASSWORD, logger.output)

    @rules("GST-2")
    def test_an_instance_comes_to_rest_and_writes_again(self) -> None:
        self.requires(IInstanceQuiesce)
        instance_uuid = self._with_agent()
        self.virt_driver.quiesce(instance_uuid, QuiesceRequest())
        self.assertTrue(self.harness.is_at_rest(instance_uuid))
        self.virt_driver.unquiesce(instance_uuid, UnquiesceRequest())
        self.assertFalse(self.harness.is_at_rest(instance_uuid))

    def test_an_instances_clock_is_set(self) -> None:
        self.requires(IInstanceTime)
        instance_uuid = self._with_agent()
        self.harness.set_guest_clock_offset(instance_uuid, -86400.0)
        self.virt_driver.sync_time(instance_uuid, SyncTimeRequest())
        self.assertLess(abs(self.harness.guest_clock_offset_seconds(instance_uuid)), 60.0)

    @rules("GST-1")
    def test_an_instance_without_an_agent_cannot_be_reached(self) -> None:
        guest = ("set_admin_password", "quiesce", "unquiesce", "sync_time")
        provided = [call for call in self._provided() if call[0] in guest]
        instance_uuid, _ = self.spawned()
        for method, request in provided:
            with self.refused(PeerUnreachable, Resource.GUEST_AGENT):
                getattr(self.virt_driver, method)(instance_uuid, request)

    @rules("DIAG-1")
    def test_one_instance_is_measured(self) -> None:
        self.requires(IInstanceDiagnostics)
        (instance_uuid, request), (other, _) = self.spawned(), self.spawned()
        self.virt_driver.power_off(other, _OFF)
        found = self.virt_driver.get_instance_diagnostics(instance_uuid)
        self.assertEqual(instance_uuid, found.vm_uuid)
        self.assertEqual(PowerState.RUNNING, found.power_state)
        self.assertEqual(request.flavor.vcpus, found.vcpus)
        found = self.virt_driver.get_instance_diagnostics(other)
        self.assertEqual((other, PowerState.STOPPED), (found.vm_uuid, found.power_state))
        with self.refused(NotFound, Resource.VM):
            self.virt_driver.get_instance_diagnostics(self.new_uuid())

    @rules("DIAG-2")
    def test_an_instances_devices_are_found(self) -> None:
        self.requires(IInstanceDeviceMetadata)
        instance_uuid, _ = self.spawned()
        found = self.virt_driver.get_device_metadata(instance_uuid)
        self.assertIn("root", {device.key for device in found})
        expected = self.harness.device_addresses(instance_uuid)
        self.assertEqual(expected, {device.key: device.address for device in found})
        with self.refused(NotFound, Resource.VM):
            self.virt_driver.get_device_metadata(self.new_uuid())

    @rules("HOST-1")
    def test_a_node_tells_how_its_host_does(self) -> None:
        self.requires(IHostStatus)
        found = self.virt_driver.host_status()
        for field, measured in self.harness.host_measures().items():
            self.assertTrue(0 < getattr(found, field) + 1 <= 1.01 * measured + 3, field)

    @rules("HOST-2")
    def test_a_node_takes_orders_for_its_host(self) -> None:
        self.requires(IHostPower)
        for action in self.virt_driver.describe().host_power_actions:
            with self.harness.host_orders() as taken:
                self.virt_driver.host_power(HostPowerRequest(action=action))
                self.assertEqual([action.value], taken)

    @rules("HOST-3", "HOST-4", "SPAWN-2")
    def test_a_node_in_maintenance_takes_no_instance(self) -> None:
        self.requires(IHostMaintenance)
        instance_uuid, _ = self.spawned()
        self.virt_driver.power_off(instance_uuid, _OFF)
        before = self.harness.leftovers()
        self.addCleanup(self.virt_driver.leave_maintenance, LeaveMaintenanceRequest())
        self.virt_driver.enter_maintenance(EnterMaintenanceRequest())
        self.assertEqual(MaintenanceState.IN_MAINTENANCE, self.virt_driver.maintenance())
        self.assertFalse(self.harness.takes_vms())
        with self.refused(InsufficientResources, Resource.HOST):
            self.virt_driver.power_on(instance_uuid, PowerOnRequest())
        with self.refused(InsufficientResources, Resource.HOST):
            self.spawned()
        self.assertEqual(before, self.harness.leftovers())
        self.virt_driver.leave_maintenance(LeaveMaintenanceRequest())
        self.assertTrue(self.harness.takes_vms())
        self.virt_driver.power_on(instance_uuid, PowerOnRequest())
