"""The hosts of the compute node: one, or those of a cluster."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim, vmodl

from nova_virt_vmware.api import Api
from nova_virt_vmware.node import Node
from nova_virt_vmware.session import Session
from nova_virt_vmware.translate import MIB

__all__ = ["Hosts"]

_query = vmodl.query.PropertyCollector
_Found = list[tuple[Any, dict[str, Any]]]
_ENTERING = "HostSystem.enterMaintenanceMode"
_USED = "summary.quickStats.overallMemoryUsage"
_ROOM_PATHS = [
    "hardware.memorySize",
    _USED,
    "runtime.connectionState",
    "runtime.inMaintenanceMode",
]
_AT_WORK = ("queued", "running")


class Hosts:
    """Puts questions about all hosts of the compute node at once."""

    def __init__(self, session: Session, node: Node) -> None:
        self._session = session
        self._node = node

    def facts(self, paths: list[str]) -> _Found:
        """Each host with these properties."""

        def question(api: Api) -> _Found:
            return api.retrieve([self._start(api, [])], {vim.HostSystem: paths})

        return self._session.ask("the hosts", question)

    def maintenance(self) -> tuple[dict[Any, bool], dict[Any, Any]]:
        """Each host with whether it is in maintenance, and those that are on the way with the task
        that brings them there.
        """
        recent = _query.TraversalSpec(type=vim.HostSystem, path="recentTask", skip=False)

        def question(api: Api) -> _Found:
            wanted = {
                vim.HostSystem: ["runtime.inMaintenanceMode", "recentTask"],
                vim.Task: ["info.state", "info.descriptionId"],
            }
            return api.retrieve([self._start(api, [recent])], wanted)

        found = dict(self._session.ask("the hosts' maintenance", question))
        tasks = {task: facts for task, facts in found.items() if isinstance(task, vim.Task)}
        hosts = {host: facts for host, facts in found.items() if host not in tasks}
        entering = {
            host: task
            for host, facts in hosts.items()
            for task in facts.get("recentTask", ())
            if _is_entering(tasks.get(task, {}))
        }
        return {host: facts["runtime.inMaintenanceMode"] for host, facts in hosts.items()}, entering

    def roomiest(self) -> str | None:
        """The id of the host that takes VMs and has the most memory left; None if there is none."""
        free = {
            host._moId: facts["hardware.memorySize"] - facts[_USED] * MIB
            for host, facts in self.facts(_ROOM_PATHS)
            if str(facts.get("runtime.connectionState")) == "connected"
            and not facts["runtime.inMaintenanceMode"]
        }
        return max(free, key=lambda host: free[host], default=None)

    def running_vms(self) -> int:
        """How many VMs of anybody's run on the hosts."""
        vms = _query.TraversalSpec(type=vim.HostSystem, path="vm", skip=False)

        def question(api: Api) -> _Found:
            wanted = {vim.VirtualMachine: ["runtime.powerState"]}
            return api.retrieve([self._start(api, [vms])], wanted)

        found = self._session.ask("the VMs on the hosts", question)
        states = [str(facts.get("runtime.powerState")) for _, facts in found]
        return states.count("poweredOn")

    def _start(self, api: Api, further: list[Any]) -> Any:
        hosts = _query.TraversalSpec(
            type=vim.ComputeResource, path="host", skip=False, selectSet=further
        )
        return _query.ObjectSpec(obj=self._node.compute(api), skip=True, selectSet=[hosts])


def _is_entering(facts: dict[str, Any]) -> bool:
    is_at_work = str(facts.get("info.state")) in _AT_WORK
    return is_at_work and facts.get("info.descriptionId") == _ENTERING
