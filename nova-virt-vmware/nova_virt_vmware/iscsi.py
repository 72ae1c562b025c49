"""iSCSI targets with volumes, which each host reaches by its software adapter; a logical unit is a
raw device of a VM, of one name on all hosts.

A host keeps its targets until they are removed, and has no place for a label: files on the
datastore tell which ones the driver has added.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from nova_virt_interface.errors import NotFound, Resource
from nova_virt_interface.values.volumes import IscsiVolume
from pyVmomi import vim, vmodl

from nova_virt_vmware.api import Api
from nova_virt_vmware.datastore import Datastore
from nova_virt_vmware.node import Node
from nova_virt_vmware.session import Session
from nova_virt_vmware.volume_marks import Backing

__all__ = ["Adapter", "Iscsi", "find_adapters"]

_query = vmodl.query.PropertyCollector
_Target = vim.host.InternetScsiHba.StaticTarget
_NOTE = "target"
_NOTE_BYTES = 64 * 1024


class Adapter(NamedTuple):
    """A host's software adapter, and what the host sees of the storage."""

    system_id: str
    device: str
    iqn: str
    storage: Any

    def has(self, target: Any) -> bool:
        """Whether it is told to log in to this target."""
        hba = next(hba for hba in self.storage.hostBusAdapter if hba.device == self.device)
        return any(_place(there) == _place(target) for there in hba.configuredStaticTarget or ())

    def unit(self, iqn: str, number: int) -> Backing | None:
        """A logical unit of a target; None if the host does not see it."""
        topology = self.storage.scsiTopology
        keys = {
            unit.scsiLun
            for adapter in (topology.adapter if topology else ())
            for target in adapter.target or ()
            if getattr(target.transport, "iScsiName", None) == iqn
            for unit in target.lun or ()
            if unit.lun == number
        }
        for disk in self.storage.scsiLun or ():
            if disk.key in keys and isinstance(disk, vim.host.ScsiDisk):
                size = disk.capacity.block * disk.capacity.blockSize
                return Backing(size, device=disk.deviceName)
        return None


def find_adapters(api: Api, node: Node) -> list[Adapter]:
    """The software adapters of the hosts that tell of their storage; none if one of these has none,
    for a VM may come to any of them.
    """
    system = _query.TraversalSpec(
        type=vim.HostSystem, path="configManager.storageSystem", skip=False
    )
    hosts = _query.TraversalSpec(
        type=vim.ComputeResource, path="host", skip=True, selectSet=[system]
    )
    start = _query.ObjectSpec(obj=node.compute(api), skip=True, selectSet=[hosts])
    told = api.retrieve([start], {vim.host.StorageSystem: ["storageDeviceInfo"]})
    found = [
        _adapter(managed._moId, facts["storageDeviceInfo"])
        for managed, facts in told
        if facts.get("storageDeviceInfo")
    ]
    adapters = [adapter for adapter in found if adapter]
    return adapters if len(adapters) == len(found) else []


def _adapter(system_id: str, storage: Any) -> Adapter | None:
    for hba in storage.hostBusAdapter:
        if isinstance(hba, vim.host.InternetScsiHba) and hba.isSoftwareBased:
            return Adapter(system_id, hba.device, hba.iScsiName, storage)
    return None


class Iscsi:
    """The targets of one compute node's volumes. What an operator has added is used, too, and
    stays.
    """

    def __init__(self, session: Session, node: Node, datastore: Datastore) -> None:
        self._session = session
        self._node = node
        self._datastore = datastore

    def adapters(self) -> list[Adapter]:
        """The adapters as they are now; raises NotFound."""
        found = self._session.ask("the iSCSI adapters", lambda api: find_adapters(api, self._node))
        if not found:
            raise NotFound(
                "a host has no software iSCSI adapter any more",
                remedy="bring it back, then connect again",
                resource=Resource.HOST,
                name=self._node.name,
            )
        return found

    def names(self) -> tuple[str, ...]:
        """By which the hosts log in, in order."""
        return tuple(sorted({adapter.iqn for adapter in self.adapters()}))

    def connect(self, volume: IscsiVolume) -> Backing:
        """Log in by all portals, and find the unit. Idempotent.

        Raises: NotFound (it is not there); VirtError.
        """
        for adapter in self.adapters():
            missing = [target for target in _targets(volume) if not adapter.has(target)]
            if missing:
                self._note(adapter, missing)
                self._tell("adding", adapter, missing)
            self._rescan(adapter)
        seen = [adapter.unit(volume.target_iqn, volume.lun) for adapter in self.adapters()]
        backing = seen[0]
        if backing is None or set(seen) != {backing}:
            raise NotFound(
                f"target {volume.target_iqn} shows no unit {volume.lun}, or not on all hosts",
                resource=Resource.VOLUME,
                name=volume.target_iqn,
            )
        return backing

    def _note(self, adapter: Adapter, targets: list[Any]) -> None:
        places = [_place(target) for target in targets]
        content = json.dumps([self._node.name, adapter.system_id, *places]).encode()
        name = hashlib.sha256(content).hexdigest()[:16]
        folder = self._datastore.volumes / name
        self._datastore.make_folder(folder)
        self._datastore.put(folder / _NOTE, len(content), iter((content,)))

    def _tell(self, doing: str, adapter: Adapter, targets: list[Any]) -> None:
        def tell(api: Api) -> None:
            system = vim.host.StorageSystem(adapter.system_id, api.stub)
            if doing == "adding":
                system.AddInternetScsiStaticTargets(adapter.device, targets)
            else:
                system.RemoveInternetScsiStaticTargets(adapter.device, targets)

        self._session.change(f"{doing} target {targets[0].iScsiName}", tell)

    def _rescan(self, adapter: Adapter) -> None:
        self._session.change(
            f"looking for disks behind {adapter.device}",
            lambda api: vim.host.StorageSystem(adapter.system_id, api.stub).RescanHba(
                adapter.device
            ),
        )

    def release(self, used: Iterable[IscsiVolume]) -> None:
        """Log out of the targets that the driver has added, but for those of these volumes.

        Raises: VirtError.
        """
        needed = {_place(target) for volume in used for target in _targets(volume)}
        for name in self._datastore.search(self._datastore.volumes):
            folder = self._datastore.volumes / name
            text = self._datastore.tail(folder / _NOTE, _NOTE_BYTES) or '["", ""]'
            node, system_id, *places = json.loads(text)
            noted = {tuple(place) for place in places}
            if node == self._node.name and not noted & needed:
                self._leave(system_id, noted)
            if (node == self._node.name and not noted & needed) or not noted:
                self._datastore.remove(folder)

    def _leave(self, system_id: str, places: set[Any]) -> None:
        targets = [
            _Target(iScsiName=iqn, address=address, port=port) for iqn, address, port in places
        ]
        for adapter in self.adapters():
            if adapter.system_id != system_id:
                continue
            there = [target for target in targets if adapter.has(target)]
            if there:
                self._tell("removing", adapter, there)
                self._rescan(adapter)


def _targets(volume: IscsiVolume) -> list[Any]:
    places = (portal.rpartition(":") for portal in volume.portals)
    return [
        _Target(iScsiName=volume.target_iqn, address=address.strip("[]"), port=int(port))
        for address, _, port in places
    ]


def _place(target: Any) -> tuple[str, str, int]:
    return target.iScsiName, target.address, target.port or 3260
