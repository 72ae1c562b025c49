"""Pure functions: contract values ↔ names, properties and marks as vSphere has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from nova_virt_interface.states import PLUGGABLE, require_state
from nova_virt_interface.values.images import CachedImage, DiskFormat
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.vm import VmState

__all__ = [
    "CAME",
    "COPIED",
    "DIGEST",
    "DISK",
    "IDENTITY_PATHS",
    "INCOMING",
    "MIB",
    "NAME",
    "NIC",
    "OWNER",
    "POWER_PATHS",
    "STATE_PATHS",
    "cached_images",
    "label",
    "mark_path",
    "marks",
    "owned_uuid",
    "owner_mark",
    "power_state",
    "require_pluggable",
    "vm_name",
    "vm_state",
    "with_devices",
]

# Keys of a VM's extra configuration, where the driver's marks are.
OWNER = "nova-virt.owner"
DIGEST = "nova-virt.digest"
NAME = "nova-virt.name"
DISK = "nova-virt.disk."
NIC = "nova-virt.nic."
INCOMING = "nova-virt.incoming."
"""Followed by the compute node that expects the VM: mode, digest and token of what it prepared."""
CAME = "nova-virt.came"
"""The mode and token of the migration by which the VM came."""
COPIED = "nova-virt.copied"
"""The token of the migration that copied the VM, and when that was."""

MIB = 1024 * 1024
_ESCAPED = re.compile(r"[%/\\]")


def mark_path(key: str) -> str:
    """The path of one entry of a VM's extra configuration."""
    return f'config.extraConfig["{key}"]'


# Not the instance uuid, which is unique in a vCenter: two compute nodes of it may each have a copy.
IDENTITY_PATHS = ["config.uuid", mark_path(OWNER)]
POWER_PATHS = ["runtime.powerState", "runtime.connectionState"]
STATE_PATHS = [*IDENTITY_PATHS, *POWER_PATHS, "name", mark_path(NAME)]
_POWER = {
    "poweredOn": PowerState.RUNNING,
    "poweredOff": PowerState.STOPPED,
    "suspended": PowerState.SUSPENDED,
}


def power_state(facts: Mapping[str, Any]) -> PowerState:
    """A VM's state; what vCenter says of a VM whose host it cannot reach is old, so unknown."""
    if str(facts.get("runtime.connectionState")) != "connected":
        return PowerState.UNKNOWN
    return _POWER.get(str(facts.get("runtime.powerState")), PowerState.UNKNOWN)


def require_pluggable(vm_uuid: UUID, facts: Mapping[str, Any]) -> None:
    """Raise InvalidState in a state in which no devices come and go."""
    require_state(vm_uuid, power_state(facts), *PLUGGABLE)


def owned_uuid(facts: Mapping[str, Any], owner: str) -> UUID | None:
    """The uuid of a VM that bears the owner's mark; None for a foreign one."""
    mark = facts.get(mark_path(OWNER))
    if mark is None:
        return None
    vm_uuid = UUID(facts["config.uuid"])
    return vm_uuid if mark.value == owner_mark(owner, vm_uuid) else None


def owner_mark(owner: str, vm_uuid: UUID) -> str:
    """The mark of a VM. `CloneVM_Task` copies it, but not the uuid: a clone is nobody's."""
    return f"{owner} {vm_uuid}"


def vm_name(name: str, vm_uuid: UUID, place: str = "") -> str:
    """A VM's name in vSphere for a label; that of a copy names its place as well.

    It must be unique within its folder, have at most 80 characters, and is escaped by the server
    where it holds ``%``, ``/`` or a backslash: the label itself is kept in a mark.
    """
    suffix = f"_{vm_uuid}" + (f"@{place}" if place else "")
    return _ESCAPED.sub("_", name)[: 80 - len(suffix)] + suffix


def label(facts: Mapping[str, Any], vm_uuid: UUID) -> str:
    """The label: as the VM was created, unless an operator gave it another name since."""
    current: str = facts["name"]
    mark = facts.get(mark_path(NAME))
    place = current.partition(f"_{vm_uuid}@")[2]
    if mark is not None and current == vm_name(mark.value, vm_uuid, place):
        return str(mark.value)
    return unquote(current)


def vm_state(facts: Mapping[str, Any], vm_uuid: UUID) -> VmState:
    """What a VM is, from `STATE_PATHS`."""
    return VmState(vm_uuid=vm_uuid, name=label(facts, vm_uuid), power_state=power_state(facts))


def with_devices(state: VmState, facts: Mapping[str, Any]) -> VmState:
    """The state with the keys of the VM's disks and NICs, from its extra configuration."""
    found = marks(facts["config.extraConfig"])

    def keys(prefix: str) -> tuple[str, ...]:
        return tuple(key.removeprefix(prefix) for key in found if key.startswith(prefix))

    return replace(state, disk_keys=keys(DISK), nic_keys=keys(NIC))


def marks(options: Any) -> dict[str, str]:
    """The driver's marks in a VM's whole extra configuration."""
    return {
        option.key: str(option.value)
        for option in options or ()
        if option.key.startswith("nova-virt.")
    }


def cached_images(folders: Mapping[str, Mapping[str, int]]) -> list[CachedImage]:
    """The complete images among the image folder's folders.

    Args:
        folders: name of folder → name of file → bytes.
    """
    found = []
    for key, files in folders.items():
        sizes = [name.removesuffix(".vmdk") for name in files if re.fullmatch(r"\d+\.vmdk", name)]
        if len(sizes) == 1 and not key.startswith("."):
            found.append(
                CachedImage(
                    key=key,
                    format=DiskFormat.VMDK,
                    virtual_size_bytes=int(sizes[0]),
                    stored_bytes=sum(files.values()),
                )
            )
    return found
