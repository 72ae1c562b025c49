"""Keeping the compute node free of VMs: all its hosts go into maintenance."""

from __future__ import annotations

from typing import Any

from nova_virt_interface.errors import InsufficientResources, Resource, Unsupported, VirtError
from nova_virt_interface.values.host import (
    EnterMaintenanceRequest,
    LeaveMaintenanceRequest,
    MaintenanceState,
)
from pyVmomi import vim

from nova_virt_vmware.api import Api
from nova_virt_vmware.hosts import Hosts
from nova_virt_vmware.session import Session

__all__ = ["Maintenance"]

_NO_LIMIT = 0


class Maintenance:
    """The maintenance of one compute node. A cluster of which one host takes VMs is active."""

    def __init__(self, session: Session, hosts: Hosts) -> None:
        self._session = session
        self._hosts = hosts

    def maintenance(self) -> MaintenanceState:
        """See `IHostMaintenance.maintenance`. One question."""
        hosts, entering = self._hosts.maintenance()
        if all(hosts.values()):
            return MaintenanceState.IN_MAINTENANCE
        if all(is_in or host in entering for host, is_in in hosts.items()):
            return MaintenanceState.ENTERING
        return MaintenanceState.ACTIVE

    def enter_maintenance(self, request: EnterMaintenanceRequest) -> None:
        """See `IHostMaintenance.enter_maintenance`. Each host has a task that lasts as long as VMs
        run on it.
        """
        if request.evacuate and self._hosts.running_vms():
            raise Unsupported(
                "the whole compute node goes into maintenance, so that nothing is left to move "
                "VMs to",
                remedy="migrate the VMs to another compute node first",
                field="evacuate",
            )
        hosts, entering = self._hosts.maintenance()
        for host, is_in in hosts.items():
            if not is_in and host not in entering:
                self._enter(host)

    def _enter(self, host: Any) -> None:
        about = f"host {host._moId} into maintenance"

        def start(api: Api) -> Any:
            return vim.HostSystem(host._moId, api.stub).EnterMaintenanceMode_Task(_NO_LIMIT, False)

        if self._hosts.running_vms():
            # It ends when they are gone, which is nobody's to wait for.
            self._session.change(about, start)
        else:
            self._session.run(about, start)

    def leave_maintenance(self, request: LeaveMaintenanceRequest) -> None:
        """See `IHostMaintenance.leave_maintenance`."""
        hosts, entering = self._hosts.maintenance()
        for task in entering.values():
            self._cancel(task)
        hosts, _ = self._hosts.maintenance()
        for host, is_in in hosts.items():
            if is_in:
                self._exit(host)

    def _cancel(self, task: Any) -> None:
        def cancel(api: Api) -> None:
            vim.Task(task._moId, api.stub).CancelTask()

        try:
            self._session.change("giving maintenance up", cancel)
        except VirtError as error:
            # It has ended in the meantime: the host is in maintenance.
            if not isinstance(error.__cause__, vim.fault.InvalidState):
                raise

    def _exit(self, host: Any) -> None:
        def start(api: Api) -> Any:
            return vim.HostSystem(host._moId, api.stub).ExitMaintenanceMode_Task(_NO_LIMIT)

        self._session.run(f"host {host._moId} out of maintenance", start)

    def require_active(self) -> None:
        """Raise InsufficientResources unless the compute node takes VMs. One question."""
        if self.maintenance() is not MaintenanceState.ACTIVE:
            raise InsufficientResources(
                "the compute node is in maintenance, or on the way",
                remedy="bring it back, or use another one",
                resource=Resource.HOST,
            )
