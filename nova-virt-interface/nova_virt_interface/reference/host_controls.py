"""The reference driver's part of `IHostStatus`, `IHostPower` and `IHostMaintenance`."""

from __future__ import annotations

from nova_virt_interface.errors import Unsupported
from nova_virt_interface.offers import check_offered
from nova_virt_interface.reference._part import Part
from nova_virt_interface.reference.errors import translated
from nova_virt_interface.reference.host_power import HostPower
from nova_virt_interface.values.host import (
    EnterMaintenanceRequest,
    HostPowerRequest,
    HostStatus,
    LeaveMaintenanceRequest,
    MaintenanceState,
)

__all__ = ["ReferenceHostControls"]


class ReferenceHostControls(Part):
    """The host in memory itself."""

    def host_status(self) -> HostStatus:
        """See `IHostStatus`. Nothing executes, so that only time is measured."""
        with translated():
            uptime = int(HostPower(self._host).uptime_seconds())
        return HostStatus(uptime_seconds=uptime)

    def host_power(self, request: HostPowerRequest) -> None:
        """See `IHostPower`."""
        check_offered(request.action, self._description.host_power_actions, "action")
        with translated():
            HostPower(self._host).order(request.action.value)

    def maintenance(self) -> MaintenanceState:
        """See `IHostMaintenance`."""
        with translated():
            takes_none, running = HostPower(self._host).maintenance()
        if not takes_none:
            return MaintenanceState.ACTIVE
        return MaintenanceState.ENTERING if running else MaintenanceState.IN_MAINTENANCE

    def enter_maintenance(self, request: EnterMaintenanceRequest) -> None:
        """See `IHostMaintenance`."""
        if request.evacuate:
            raise Unsupported(
                "a host in memory is alone: its VMs cannot be moved",
                remedy="migrate or stop them, and enter without evacuate",
                field="evacuate",
            )
        with translated():
            HostPower(self._host).set_maintenance(True)

    def leave_maintenance(self, request: LeaveMaintenanceRequest) -> None:
        """See `IHostMaintenance`."""
        with translated():
            HostPower(self._host).set_maintenance(False)
