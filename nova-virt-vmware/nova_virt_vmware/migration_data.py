"""What two compute nodes of a vCenter tell each other through core, and pure functions about it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from nova_virt_interface import offers
from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.migration import DriverData
from pyVmomi import vim

from nova_virt_vmware import kept
from nova_virt_vmware.api import Api
from nova_virt_vmware.node import Node

__all__ = ["pack", "relocation", "unpack"]

_DRIVER: Final = "vmware"
_FORMAT: Final = 1
_EDIT = vim.vm.device.VirtualDeviceSpec.Operation.edit


def pack(node: Node, **more: Any) -> DriverData:
    """Data of this compute node's."""
    facts = {"vcenter": node.vcenter_id, "node": node.compute_id, **more}
    content = json.dumps(facts, sort_keys=True).encode()
    return DriverData(driver=_DRIVER, format=_FORMAT, content=content)


def unpack(data: DriverData, node: Node) -> dict[str, Any]:
    """Data of another compute node of the same vCenter; raises Unsupported."""
    offers.check_driver_data(data, _DRIVER, (_FORMAT,))
    try:
        facts: dict[str, Any] = json.loads(data.content)
        vcenter = facts["vcenter"]
    except (ValueError, KeyError, TypeError) as error:
        raise Unsupported("the data are not to be understood", field="data") from error
    if vcenter != node.vcenter_id:
        raise Unsupported(
            "the other compute node belongs to another vCenter",
            remedy="use a compute node of this vCenter",
            field="data",
        )
    return facts


def relocation(
    api: Api, facts: Mapping[str, Any], hardware: Sequence[Any], copied: Collection[int]
) -> vim.vm.RelocateSpec:
    """Where a VM goes.

    Args:
        api: the login whose objects it names.
        facts: what the destination has said.
        hardware: the VM's devices.
        copied: device keys of the disks whose content goes as well.
    """
    stub = api.stub
    spec = vim.vm.RelocateSpec(
        pool=vim.ResourcePool(facts["pool"], stub), host=vim.HostSystem(facts["host"], stub)
    )
    if copied:
        spec.datastore = vim.Datastore(facts["datastore_id"], stub)
        spec.disk = [
            vim.vm.RelocateSpec.DiskLocator(diskId=disk.key, datastore=disk.backing.datastore)
            for disk in hardware
            if isinstance(disk, vim.vm.device.VirtualDisk) and disk.key not in copied
        ]
    spec.deviceChange = list(_plugged_anew(hardware, facts.get("nics", {})))
    return spec


def _plugged_anew(hardware: Sequence[Any], nics: Mapping[str, Mapping[str, str]]) -> Any:
    for card in hardware:
        if isinstance(card, vim.vm.device.VirtualEthernetCard):
            fields = nics.get(str(card.macAddress).lower())
            if fields is not None and fields != kept.backing_fields(card.backing):
                card.backing = kept.backing_of(fields)
                yield vim.vm.device.VirtualDeviceSpec(operation=_EDIT, device=card)
