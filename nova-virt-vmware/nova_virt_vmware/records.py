"""Pure functions: what a VM of the vCenter uses, from its properties."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from nova_virt_interface.values.volumes import VolumeConnection
from pyVmomi import vim

from nova_virt_vmware import clones, devices, translate, volume_marks
from nova_virt_vmware.marks import disk_marks
from nova_virt_vmware.vms import Found

__all__ = [
    "PATHS",
    "clones_of",
    "device_files",
    "devices_by_key",
    "files_of",
    "home_of",
    "marks_of",
    "uses",
    "volumes_of",
]

PATHS = [
    *translate.POWER_PATHS,
    "config.extraConfig",
    "config.files.vmPathName",
    "config.hardware.device",
]
"""The properties that these functions are about."""


def marks_of(found: Found) -> dict[str, str]:
    """The driver's marks."""
    return translate.marks(found.facts.get("config.extraConfig"))


def volumes_of(found: Found) -> dict[str, VolumeConnection]:
    """Key → connection of each disk that is a volume."""
    return volume_marks.volumes_of(marks_of(found).get(volume_marks.VOLUMES))


def clones_of(found: Found) -> dict[str, str]:
    """Key → image key of each disk that is a linked clone."""
    return clones.clones_of(marks_of(found).get(clones.CLONES))


def home_of(found: Found) -> str:
    """The folder of the VM's own files, as vSphere names it."""
    path: str = found.facts["config.files.vmPathName"]
    return path.rpartition("/")[0]


def devices_by_key(found: Found) -> dict[str, Any]:
    """Key → device, of disks and media."""
    hardware = found.facts.get("config.hardware.device") or ()
    at = {
        key: devices.at_slot(hardware, mark.slot)
        for key, mark in disk_marks(marks_of(found)).items()
    }
    return {key: device for key, device in at.items() if device is not None}


def device_files(found: Found, kind: Any = vim.vm.device.VirtualDevice) -> dict[int, str]:
    """Device key → file of each disk and medium of this kind."""
    kinds = (vim.vm.device.VirtualDisk, vim.vm.device.VirtualCdrom)
    hardware: Sequence[Any] = found.facts.get("config.hardware.device") or ()
    return {
        device.key: device.backing.fileName
        for device in hardware
        if isinstance(device, kinds)
        and isinstance(device, kind)
        and getattr(device.backing, "fileName", None)
    }


def files_of(others: Iterable[Found]) -> set[str]:
    """The files of all disks and media of these VMs."""
    return {file for found in others for file in device_files(found).values()}


def uses(others: Iterable[Found], folder: str) -> bool:
    """Whether any of these VMs has something in a folder, or below it."""
    return any(
        file.startswith(f"{folder}/")
        for found in others
        for file in (*device_files(found).values(), f"{home_of(found)}/")
    )
