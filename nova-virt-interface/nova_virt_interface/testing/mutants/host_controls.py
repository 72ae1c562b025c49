"""Bugs in what the host is asked about itself, and in core's words for all of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from nova_virt_interface.errors import InsufficientResources, PeerUnreachable, Unsupported
from nova_virt_interface.reference.errors import translated
from nova_virt_interface.reference.host_power import HostPower
from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.reference.virt_driver import ReferenceVirtDriver
from nova_virt_interface.testing.mutants._running import caught_by
from nova_virt_interface.values.console import Console, ConsoleKind, OpenConsoleRequest
from nova_virt_interface.values.devices import DeviceMetadata
from nova_virt_interface.values.guest import GuestPasswordRequest, QuiesceRequest
from nova_virt_interface.values.host import (
    EnterMaintenanceRequest,
    HostPowerAction,
    HostPowerRequest,
    HostStatus,
    MaintenanceState,
)
from nova_virt_interface.values.power import PauseRequest, StartRequest, SuspendRequest
from nova_virt_interface.values.vm import VmStatistics

__all__: list[str] = []


@caught_by("HostControlSuite.test_what_the_host_tells_of_itself_is_true")
class UptimeInMilliseconds(ReferenceHypervisor):
    """The host's uptime is told in its own unit."""

    def host_status(self) -> HostStatus:
        with translated():
            seconds = HostPower(self._host).uptime_seconds()
        return HostStatus(uptime_seconds=int(1000 * (seconds + 60)))


@caught_by("HostControlSuite.test_what_the_host_does_not_measure_is_none")
class UnmeasuredIsZero(ReferenceHypervisor):
    """What the host does not measure is told as 0."""

    def host_status(self) -> HostStatus:
        return replace(super().host_status(), cpu_kernel_ns=0, cpu_user_ns=0)


@caught_by("HostControlSuite.test_the_host_takes_every_order_that_it_offers")
class RebootShutsDown(ReferenceHypervisor):
    """A host that is to be restarted is turned off."""

    def host_power(self, request: HostPowerRequest) -> None:
        super().host_power(replace(request, action=HostPowerAction.SHUT_DOWN))


@caught_by("HostControlSuite.test_a_host_that_has_running_vms_refuses")
class OnlyOurVmsKeepTheHostUp(ReferenceHypervisor):
    """The host is turned off under VMs of somebody else."""

    def host_power(self, request: HostPowerRequest) -> None:
        theirs = [vm for vm in self._host._vms.values() if vm.owner != self._mark(vm.uuid)]
        for vm in theirs:
            vm.state = "stopped"
        super().host_power(request)


@caught_by("HostControlSuite.test_an_order_that_the_host_does_not_offer_is_unsupported")
class UnknownOrderIsIgnored(ReferenceHypervisor):
    """An order that the host does not know succeeds."""

    def host_power(self, request: HostPowerRequest) -> None:
        with suppress(Unsupported):
            super().host_power(request)


@caught_by("HostControlSuite.test_an_empty_host_goes_into_maintenance_and_comes_back")
class MaintenanceIsOfTheConnection(ReferenceHypervisor):
    """That the host takes no VMs is known to one connection alone."""

    _said = MaintenanceState.ACTIVE

    def maintenance(self) -> MaintenanceState:
        return self._said

    def enter_maintenance(self, request: EnterMaintenanceRequest) -> None:
        self._said = MaintenanceState.IN_MAINTENANCE


@caught_by("HostControlSuite.test_no_vm_starts_on_a_host_in_maintenance")
class StartsInMaintenance(ReferenceHypervisor):
    """A VM starts on a host that takes none."""

    def start_vm(self, vm_uuid: UUID, request: StartRequest) -> None:
        self._host.in_maintenance = False
        super().start_vm(vm_uuid, request)


@caught_by("HostControlSuite.test_a_host_with_running_vms_is_entering_until_they_are_gone")
class MaintenanceIsSaidTooEarly(ReferenceHypervisor):
    """A host that has running VMs is said to be in maintenance."""

    def maintenance(self) -> MaintenanceState:
        found = super().maintenance()
        entering = found is MaintenanceState.ENTERING
        return MaintenanceState.IN_MAINTENANCE if entering else found


@caught_by("HostControlSuite.test_a_host_that_cannot_move_its_vms_says_so_and_stays_active")
class EvacuateIsIgnored(ReferenceHypervisor):
    """VMs that are to be moved stay where they are."""

    def enter_maintenance(self, request: EnterMaintenanceRequest) -> None:
        super().enter_maintenance(replace(request, evacuate=False))


@caught_by("InstancePowerSuite.test_an_instance_is_paused_and_goes_on")
class InstanceIsSuspendedInsteadOfPaused(ReferenceVirtDriver):
    """An instance that is to be paused is suspended."""

    def pause(self, instance_uuid: UUID, request: PauseRequest) -> None:
        self.suspend(instance_uuid, SuspendRequest())


@caught_by("InstancePowerSuite.test_an_instance_has_consoles_of_every_kind")
class InstanceHasOneKindOfConsole(ReferenceVirtDriver):
    """Every kind of console is taken for VNC."""

    def get_console(self, instance_uuid: UUID, request: OpenConsoleRequest) -> Console:
        return super().get_console(instance_uuid, replace(request, kind=ConsoleKind.VNC))


@caught_by("InstancePowerSuite.test_an_administrator_gets_a_password")
class PasswordGoesToAnotherInstance(ReferenceVirtDriver):
    """The password is taken, and reaches no guest."""

    def set_admin_password(self, instance_uuid: UUID, request: GuestPasswordRequest) -> None:
        self.get_info(instance_uuid)


@caught_by("InstancePowerSuite.test_an_instance_without_an_agent_cannot_be_reached")
class InstanceWithoutAgentIsAtRest(ReferenceVirtDriver):
    """That no agent answers is ignored."""

    def quiesce(self, instance_uuid: UUID, request: QuiesceRequest) -> None:
        with suppress(PeerUnreachable):
            super().quiesce(instance_uuid, request)


@caught_by("InstancePowerSuite.test_one_instance_is_measured")
class DiagnosticsOfTheFirstInstance(ReferenceVirtDriver):
    """Whatever instance is asked about, the first one is measured."""

    def get_instance_diagnostics(self, instance_uuid: UUID) -> VmStatistics:
        first = self.list_instances()[0]
        return super().get_instance_diagnostics(first.instance_uuid)


@caught_by("InstancePowerSuite.test_an_instances_devices_are_found")
class DevicesByAnotherName(ReferenceVirtDriver):
    """The root disk has the hypervisor's name."""

    def get_device_metadata(self, instance_uuid: UUID) -> tuple[DeviceMetadata, ...]:
        found = super().get_device_metadata(instance_uuid)
        return tuple(replace(device, key=f"vd-{device.key}") for device in found)


@caught_by("InstancePowerSuite.test_a_node_in_maintenance_takes_no_instance")
class NodeForgetsMaintenance(ReferenceVirtDriver):
    """A node in maintenance tells its host to take VMs again when one is spawned."""

    def power_on(self, instance_uuid: UUID, request: object) -> None:
        with suppress(InsufficientResources):
            self._vms.start_vm(instance_uuid, StartRequest())
