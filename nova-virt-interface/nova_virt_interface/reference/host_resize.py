"""Resizing VMs of a host in memory."""

from __future__ import annotations

from copy import deepcopy
from uuid import UUID

from nova_virt_interface.reference.host import Host, HostError, Vm

__all__ = ["confirm", "is_pending", "resize", "revert"]


def is_pending(host: Host, uuid: UUID) -> bool:
    """Whether the host keeps what the VM was."""
    with host._question():
        return uuid in host.moves.before_resize


def resize(host: Host, vm: Vm) -> None:
    """Put ``vm`` in the place of the VM of its uuid, and keep that."""
    with host._question():
        old = host._existing(vm.uuid)
        if old.state != "stopped":
            raise HostError("BAD_STATE", f"VM {vm.uuid} is {old.state}")
        new = deepcopy(vm)
        host._reserve(sum(disk.size_bytes for disk in new.disks.values()))
        host.moves.before_resize[vm.uuid] = old
        host._vms[vm.uuid] = new


def confirm(host: Host, uuid: UUID) -> None:
    """Forget what the VM was."""
    with host._question():
        host._existing(uuid)
        host.moves.before_resize.pop(uuid, None)


def revert(host: Host, uuid: UUID) -> None:
    """Make the VM again what it was."""
    with host._question():
        state = host._existing(uuid).state
        if state != "stopped":
            raise HostError("BAD_STATE", f"VM {uuid} is {state}")
        old = host.moves.before_resize.pop(uuid, None)
        if old is not None:
            host._vms[uuid] = old
