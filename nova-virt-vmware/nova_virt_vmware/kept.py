"""Pure functions: what a VM was before a resize, as marks and as the changes that bring it back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pyVmomi import vim

from nova_virt_vmware import devices, translate
from nova_virt_vmware.marks import KEPT, DiskMark, KeptDisk, disk_marks, kept_disks, kept_nics
from nova_virt_vmware.volume_marks import VOLUMES, volumes_of

__all__ = [
    "CONFIG_PATHS",
    "backing_fields",
    "backing_of",
    "config_fields",
    "described",
    "restoring",
]

CONFIG_PATHS = [
    "name",
    "config.hardware.numCPU",
    "config.hardware.memoryMB",
    "config.hardware.numCoresPerSocket",
    "config.firmware",
    "config.bootOptions",
    "config.memoryReservationLockedToMax",
    "config.extraConfig",
    "config.hardware.device",
]
_card = vim.vm.device.VirtualEthernetCard
_MARKS = (translate.DIGEST, translate.NAME)


def config_fields(
    *, vcpus: int, memory_mib: int, cores: int, locked: bool, firmware: str, secure_boot: bool
) -> dict[str, Any]:
    """The fields of a configuration, each said: what a VM had before must not stay by itself."""
    fields = {
        "numCPUs": vcpus,
        "memoryMB": memory_mib,
        "numCoresPerSocket": cores,
        "firmware": firmware,
        "bootOptions": vim.vm.BootOptions(efiSecureBootEnabled=secure_boot),
        "memoryReservationLockedToMax": locked,
    }
    if not locked:
        fields["memoryAllocation"] = vim.ResourceAllocationInfo(reservation=0)
    return fields


def described(facts: Mapping[str, Any]) -> dict[str, str]:
    """The marks that keep a VM as it is, from `CONFIG_PATHS`."""
    marks = translate.marks(facts["config.extraConfig"])
    hardware = facts["config.hardware.device"]
    boot = facts.get("config.bootOptions")
    vm = {
        "name": facts["name"],
        "marks": {key: marks[key] for key in _MARKS},
        "fields": {
            "vcpus": facts["config.hardware.numCPU"],
            "memory_mib": facts["config.hardware.memoryMB"],
            "cores": facts.get("config.hardware.numCoresPerSocket") or 1,
            "locked": bool(facts.get("config.memoryReservationLockedToMax")),
            "firmware": facts.get("config.firmware") or "bios",
            "secure_boot": bool(boot and boot.efiSecureBootEnabled),
        },
    }
    kept = {f"{KEPT}vm": json.dumps(vm)}
    for key, mark in _own_disks(marks).items():
        device = devices.at_slot(hardware, mark.slot)
        if device is not None:
            kept[f"{KEPT}disk.{key}"] = str(KeptDisk.of(mark, device))
    for key, text in _nic_marks(marks).items():
        card = devices.of_mac(hardware, text.partition(" ")[0])
        if card is not None:
            kept[f"{KEPT}nic.{key}"] = json.dumps(_nic(card, text))
    return kept


def _own_disks(marks: Mapping[str, str]) -> dict[str, DiskMark]:
    """Disks and media without volumes, which stay as they are whatever becomes of the VM."""
    volumes = volumes_of(marks.get(VOLUMES))
    return {key: mark for key, mark in disk_marks(marks).items() if key not in volumes}


def _nic_marks(marks: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(translate.NIC): text
        for name, text in marks.items()
        if name.startswith(translate.NIC)
    }


def _nic(card: Any, mark: str) -> dict[str, Any]:
    model = type(card).__name__.rpartition(".")[2]
    return {"mark": mark, "model": model, "backing": backing_fields(card.backing)}


def backing_fields(backing: Any) -> dict[str, str]:
    """What a NIC is plugged into, as `backing_of` takes it."""
    if isinstance(backing, _card.DistributedVirtualPortBackingInfo):
        return {"port": backing.port.portgroupKey, "switch": backing.port.switchUuid}
    if isinstance(backing, _card.OpaqueNetworkBackingInfo):
        return {"opaque": backing.opaqueNetworkId, "type": backing.opaqueNetworkType}
    return {"network": backing.deviceName}


def backing_of(fields: Mapping[str, str]) -> Any:
    """What a NIC is plugged into."""
    if "port" in fields:
        port = vim.dvs.PortConnection(portgroupKey=fields["port"], switchUuid=fields["switch"])
        return _card.DistributedVirtualPortBackingInfo(port=port)
    if "opaque" in fields:
        return _card.OpaqueNetworkBackingInfo(
            opaqueNetworkId=fields["opaque"], opaqueNetworkType=fields["type"]
        )
    return _card.NetworkBackingInfo(deviceName=fields["network"])


def restoring(
    marks: Mapping[str, str], hardware: Sequence[Any]
) -> tuple[dict[str, Any], list[Any], dict[str, str]]:
    """What makes a VM again what it was: fields, changes of devices, and marks."""
    vm = json.loads(marks[f"{KEPT}vm"])
    wanted = {f"{translate.DISK}{key}": str(disk.mark) for key, disk in kept_disks(marks).items()}
    wanted |= {f"{translate.NIC}{key}": nic["mark"] for key, nic in kept_nics(marks).items()}
    changes = _disks_back(marks, hardware) + _nics_back(marks, hardware)
    gone = {key: "" for key in marks if key.startswith((KEPT, translate.NIC))}
    gone |= {f"{translate.DISK}{key}": "" for key in _own_disks(marks)}
    fields = config_fields(**vm["fields"]) | {"name": vm["name"]}
    return fields, changes, gone | wanted | vm["marks"]


def _disks_back(marks: Mapping[str, str], hardware: Sequence[Any]) -> list[Any]:
    now, before = _own_disks(marks), kept_disks(marks)
    present = devices.controllers(hardware)
    files: dict[str, Any] = {
        key: getattr(devices.at_slot(hardware, mark.slot), "backing", None)
        for key, mark in now.items()
    }
    same = {
        key
        for key, disk in before.items()
        if files.get(key) is not None and files[key].fileName == disk.file
    }
    changes = [
        devices.removed(device, with_file=isinstance(device, vim.vm.device.VirtualDisk))
        for key, mark in now.items()
        if key not in same and (device := devices.at_slot(hardware, mark.slot)) is not None
    ]
    back = {key: disk for key, disk in before.items() if key not in same}
    changes += devices.added_controllers((disk.mark.slot.bus for disk in back.values()), present)
    return changes + [
        devices.plugged(
            disk.mark.slot, present[disk.mark.slot.bus], disk.file, disk.size_kib or None
        )
        for disk in back.values()
    ]


def _nics_back(marks: Mapping[str, str], hardware: Sequence[Any]) -> list[Any]:
    now, before = _nic_marks(marks), kept_nics(marks)
    changes = [
        devices.removed(card)
        for key, text in now.items()
        if before.get(key, {}).get("mark") != text
        and (card := devices.of_mac(hardware, text.partition(" ")[0])) is not None
    ]
    missing = [nic for key, nic in before.items() if now.get(key) != nic["mark"]]
    return changes + [
        devices.plugged_card(
            number, nic["model"], nic["mark"].partition(" ")[0], backing_of(nic["backing"])
        )
        for number, nic in enumerate(missing)
    ]
