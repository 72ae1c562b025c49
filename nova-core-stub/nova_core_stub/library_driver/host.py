"""The node's host: passed through as it is."""

from __future__ import annotations

from typing import Any

from nova_virt_interface.values.host import (
    EnterMaintenanceRequest,
    HostPowerRequest,
    HostStatus,
    LeaveMaintenanceRequest,
    MaintenanceState,
)

__all__ = ["Host"]


class Host:
    """The part of `LibraryDriver` that is about the host."""

    _hypervisor: Any

    def host_status(self) -> HostStatus:
        """See `IHostStatus`."""
        return self._hypervisor.host_status()  # type: ignore[no-any-return]

    def host_power(self, request: HostPowerRequest) -> None:
        """See `IHostPower`."""
        self._hypervisor.host_power(request)

    def maintenance(self) -> MaintenanceState:
        """See `IHostMaintenance`."""
        return self._hypervisor.maintenance()  # type: ignore[no-any-return]

    def enter_maintenance(self, request: EnterMaintenanceRequest) -> None:
        """See `IHostMaintenance`."""
        self._hypervisor.enter_maintenance(request)

    def leave_maintenance(self, request: LeaveMaintenanceRequest) -> None:
        """See `IHostMaintenance`."""
        self._hypervisor.leave_maintenance(request)
