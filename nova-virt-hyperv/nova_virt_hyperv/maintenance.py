"""Keeps a host free of VMs.

A Hyper-V host that stands alone has no maintenance mode of its own: that is the failover cluster's.
A file beside the folders of disks and images says that the host takes no VMs, so that every
connection of the deployment knows, also after a restart.
"""

from __future__ import annotations

from typing import NoReturn

from nova_virt_interface.errors import InsufficientResources, Resource, Unsupported
from nova_virt_interface.values.host import (
    EnterMaintenanceRequest,
    LeaveMaintenanceRequest,
    MaintenanceState,
)

from nova_virt_hyperv.files import ROOT, Files
from nova_virt_hyperv.machines import Machines

__all__ = ["Maintenance"]

_FILE = "maintenance"


class Maintenance:
    """Whether one host takes VMs."""

    def __init__(self, machines: Machines, files: Files) -> None:
        self._machines = machines
        self._files = files

    def maintenance(self) -> MaintenanceState:
        """See `IHostMaintenance.maintenance`."""
        executing = self._machines.executing()
        if not self.is_on():
            return MaintenanceState.ACTIVE
        return MaintenanceState.ENTERING if executing else MaintenanceState.IN_MAINTENANCE

    def enter_maintenance(self, request: EnterMaintenanceRequest) -> None:
        """See `IHostMaintenance.enter_maintenance`."""
        if request.evacuate:
            raise Unsupported(
                "a Hyper-V host does not know where its VMs could go",
                remedy="migrate them, then enter maintenance without evacuation",
                field="evacuate",
            )
        self._files.touch(ROOT, _FILE)

    def leave_maintenance(self, request: LeaveMaintenanceRequest) -> None:
        """See `IHostMaintenance.leave_maintenance`."""
        self._files.remove(ROOT, _FILE)

    def is_on(self) -> bool:
        """Whether the host takes no VMs."""
        return self._files.exists(ROOT, _FILE)

    def refuse(self) -> NoReturn:
        """Refuse to start a VM."""
        raise InsufficientResources(
            "the host is in maintenance and takes no VMs",
            remedy="use another host, or leave maintenance",
            resource=Resource.HOST,
        )
