"""The reference driver's upper part of power, consoles, guests, diagnostics and the host."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.values.console import Console, OpenConsoleRequest
from nova_virt_interface.values.devices import DeviceMetadata
from nova_virt_interface.values.guest import (
    GuestPasswordRequest,
    QuiesceRequest,
    SyncTimeRequest,
    UnquiesceRequest,
)
from nova_virt_interface.values.host import (
    EnterMaintenanceRequest,
    HostPowerRequest,
    HostStatus,
    LeaveMaintenanceRequest,
    MaintenanceState,
)
from nova_virt_interface.values.power import CrashDumpRequest, PauseRequest, SuspendRequest
from nova_virt_interface.values.vm import VmStatistics

__all__ = ["ReferenceVirtGuests", "ReferenceVirtHost", "ReferenceVirtPower"]


class ReferenceVirtPower:
    """More power states of instances."""

    _vms: ReferenceHypervisor

    def pause(self, instance_uuid: UUID, request: PauseRequest) -> None:
        """See `IInstancePause`."""
        self._vms.pause_vm(instance_uuid, request)

    def suspend(self, instance_uuid: UUID, request: SuspendRequest) -> None:
        """See `IInstanceSuspend`."""
        self._vms.suspend_vm(instance_uuid, request)

    def trigger_crash_dump(self, instance_uuid: UUID, request: CrashDumpRequest) -> None:
        """See `IInstanceCrashDump`."""
        self._vms.trigger_crash_dump(instance_uuid, request)


class ReferenceVirtGuests:
    """What is inside instances, and what there is to know of one."""

    _vms: ReferenceHypervisor

    def get_console(self, instance_uuid: UUID, request: OpenConsoleRequest) -> Console:
        """See `IInstanceConsole`."""
        return self._vms.open_console(instance_uuid, request)

    def set_admin_password(self, instance_uuid: UUID, request: GuestPasswordRequest) -> None:
        """See `IAdminPassword`."""
        self._vms.set_guest_password(instance_uuid, request)

    def quiesce(self, instance_uuid: UUID, request: QuiesceRequest) -> None:
        """See `IInstanceQuiesce`."""
        self._vms.quiesce_guest(instance_uuid, request)

    def unquiesce(self, instance_uuid: UUID, request: UnquiesceRequest) -> None:
        """See `IInstanceQuiesce`."""
        self._vms.unquiesce_guest(instance_uuid, request)

    def sync_time(self, instance_uuid: UUID, request: SyncTimeRequest) -> None:
        """See `IInstanceTime`."""
        self._vms.sync_guest_time(instance_uuid, request)

    def get_instance_diagnostics(self, instance_uuid: UUID) -> VmStatistics:
        """See `IInstanceDiagnostics`."""
        return self._vms.vm_statistics(instance_uuid)

    def get_device_metadata(self, instance_uuid: UUID) -> tuple[DeviceMetadata, ...]:
        """See `IInstanceDeviceMetadata`."""
        return self._vms.device_metadata(instance_uuid)


class ReferenceVirtHost:
    """The node's host."""

    _vms: ReferenceHypervisor

    def host_status(self) -> HostStatus:
        """See `IHostStatus`."""
        return self._vms.host_status()

    def host_power(self, request: HostPowerRequest) -> None:
        """See `IHostPower`."""
        self._vms.host_power(request)

    def maintenance(self) -> MaintenanceState:
        """See `IHostMaintenance`."""
        return self._vms.maintenance()

    def enter_maintenance(self, request: EnterMaintenanceRequest) -> None:
        """See `IHostMaintenance`."""
        self._vms.enter_maintenance(request)

    def leave_maintenance(self, request: LeaveMaintenanceRequest) -> None:
        """See `IHostMaintenance`."""
        self._vms.leave_maintenance(request)
