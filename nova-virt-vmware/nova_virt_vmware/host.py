"""The compute node itself: how it does, and its power."""

from __future__ import annotations

import logging
from typing import Any

from nova_virt_interface import offers
from nova_virt_interface.errors import Busy, HostUnreachable, NotFound
from nova_virt_interface.values.host import (
    HostDescription,
    HostPowerAction,
    HostPowerRequest,
    HostStatus,
)
from pyVmomi import vim

from nova_virt_vmware import measures
from nova_virt_vmware.api import Api
from nova_virt_vmware.hosts import Hosts
from nova_virt_vmware.session import Session
from nova_virt_vmware.waiting import result_of

__all__ = ["Host"]

_log = logging.getLogger(__name__)


class Host:
    """Asks and orders the hosts of one compute node."""

    def __init__(self, session: Session, hosts: Hosts, host: HostDescription) -> None:
        self._session = session
        self._hosts = hosts
        self._host = host

    def host_status(self) -> HostStatus:
        """See `IHostStatus.host_status`. One question."""
        facts = [facts for _, facts in self._hosts.facts(measures.HOST_STATUS_PATHS)]
        return measures.host_status(facts)

    def host_power(self, request: HostPowerRequest) -> None:
        """See `IHostPower.host_power`; of a compute node of one host alone."""
        offers.check_offered(request.action, self._host.host_power_actions, "action")
        running = self._hosts.running_vms()
        if running:
            raise Busy(
                f"{running} VMs run on the host", remedy="stop them, or move them to other hosts"
            )
        ((host, _),) = self._hosts.facts(["name"])

        def order(api: Api) -> Any:
            target = vim.HostSystem(host._moId, api.stub)
            # By force: without, it takes hosts in maintenance alone.
            if request.action is HostPowerAction.REBOOT:
                return target.RebootHost_Task(True)
            return target.ShutdownHost_Task(True)

        about = f"the order to {request.action.value}"
        task = self._session.change(about, order)
        try:
            self._session.ask(about, lambda api: result_of(api.collectors, _here(task, api)))
        except (HostUnreachable, NotFound) as error:
            # An ESXi that goes down takes its tasks and its service with it.
            _log.info("%s was taken: %s", about, error)


def _here(task: vim.Task, api: Api) -> vim.Task:
    return vim.Task(task._moId, api.stub)
