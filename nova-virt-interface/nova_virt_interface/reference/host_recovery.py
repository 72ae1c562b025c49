"""VMs in the storage that hosts in memory share."""

from __future__ import annotations

from copy import deepcopy
from uuid import UUID

from nova_virt_interface.reference.host import Disk, Host, HostError, Vm, hosts

__all__ = ["adopt", "disks_of", "release"]


def disks_of(host: Host, uuid: UUID, owner: str) -> dict[str, Disk]:
    """The writable disks of a VM that the host can reach, though another host keeps the VM."""
    with host._question():
        return _reachable(host, uuid, owner)


def adopt(host: Host, vm: Vm) -> None:
    """Store a VM whose disks are there already, but for its media and volumes."""
    with host._question():
        if vm.uuid in host._vms or vm.uuid in host.moves.incoming:
            raise HostError("EXISTS", f"VM {vm.uuid}")
        found = _reachable(host, vm.uuid, vm.owner)
        adopted = deepcopy(vm)
        for key, wanted in vm.disks.items():
            if not (wanted.read_only or wanted.is_volume):
                if key not in found:
                    raise HostError("NO_DISK", key)
                adopted.disks[key] = found[key]
        host._vms[vm.uuid] = adopted


def release(host: Host, uuid: UUID) -> None:
    """Forget a VM; disks that other hosts can reach live on there."""
    with host._question():
        vm = host._vms.pop(uuid, None)
        if vm is not None:
            host.moves.forget(uuid)
            host._tell("deleted", vm)


def _reachable(host: Host, uuid: UUID, owner: str) -> dict[str, Disk]:
    storage = host.moves.storage_id
    reached = [
        other
        for other in hosts()
        if other is host or (storage is not None and other.moves.storage_id == storage)
    ]
    # The storage answers, whether the host that keeps the VM does or not.
    kept = [other._vms[uuid] for other in reached if uuid in other._vms]
    return {
        key: disk
        for vm in kept
        if vm.owner == owner
        for key, disk in vm.disks.items()
        if not (disk.read_only or disk.is_volume)
    }
