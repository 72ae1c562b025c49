"""Networks of the compute node: what a NIC can be plugged into, by name."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from nova_virt_interface.errors import Conflict, NotFound, Resource
from pyVmomi import vim, vmodl

from nova_virt_vmware.api import Api
from nova_virt_vmware.node import Node
from nova_virt_vmware.session import Session

__all__ = ["Networks"]

_query = vmodl.query.PropertyCollector
_card = vim.vm.device.VirtualEthernetCard


class Networks:
    """Standard port groups, distributed port groups and opaque networks."""

    def __init__(self, session: Session, node: Node) -> None:
        self._session = session
        self._node = node

    def backings(self, names: Collection[str]) -> dict[str, Any]:
        """Name → backing for a NIC; one question for all of them, none for none.

        Raises: NotFound, Conflict (two networks have the name).
        """
        if not names:
            return {}
        found = self._session.ask("the networks", self._question)
        return {name: self._backing(name, found) for name in names}

    def _question(self, api: Api) -> list[tuple[Any, dict[str, Any]]]:
        switch = _query.TraversalSpec(
            type=vim.dvs.DistributedVirtualPortgroup,
            path="config.distributedVirtualSwitch",
            skip=False,
        )
        networks = _query.TraversalSpec(
            type=vim.ComputeResource, path="network", skip=False, selectSet=[switch]
        )
        start = _query.ObjectSpec(obj=self._node.compute(api), skip=True, selectSet=[networks])
        return api.retrieve(
            [start],
            {
                vim.Network: ["name", "summary"],
                vim.dvs.DistributedVirtualPortgroup: ["key", "config.distributedVirtualSwitch"],
                vim.DistributedVirtualSwitch: ["uuid"],
            },
        )

    def _backing(self, name: str, found: list[tuple[Any, dict[str, Any]]]) -> Any:
        named = [
            (network, facts)
            for network, facts in found
            if isinstance(network, vim.Network) and facts["name"] == name
        ]
        if not named:
            raise NotFound(f"there is no network {name}", resource=Resource.NETWORK, name=name)
        if len(named) > 1:
            raise Conflict(
                f"{len(named)} networks have the name {name}",
                remedy="rename all but one",
                resource=Resource.NETWORK,
                name=name,
            )
        return _made(*named[0], dict(found))


def _made(network: Any, facts: dict[str, Any], found: dict[Any, dict[str, Any]]) -> Any:
    if isinstance(network, vim.dvs.DistributedVirtualPortgroup):
        switch = facts["config.distributedVirtualSwitch"]
        port = vim.dvs.PortConnection(portgroupKey=facts["key"], switchUuid=found[switch]["uuid"])
        return _card.DistributedVirtualPortBackingInfo(port=port)
    if isinstance(network, vim.OpaqueNetwork):
        return _card.OpaqueNetworkBackingInfo(
            opaqueNetworkId=facts["summary"].opaqueNetworkId,
            opaqueNetworkType=facts["summary"].opaqueNetworkType,
        )
    return _card.NetworkBackingInfo(deviceName=facts["name"])
