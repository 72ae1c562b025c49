"""Pure functions: a VM's volumes, as a mark of the VM and as changes of its virtual hardware."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any, Final, NamedTuple

from nova_virt_interface.errors import InvalidRequest, Unsupported
from nova_virt_interface.values.disks import DiskSpec
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.volumes import (
    FileVolume,
    HypervisorVolume,
    IscsiVolume,
    NfsVolume,
    Volume,
    VolumeConnection,
)
from pyVmomi import vim

from nova_virt_vmware.devices import Slot, capacity_kib, plugged
from nova_virt_vmware.translate import mark_path

__all__ = [
    "VOLUMES",
    "Backing",
    "added_volume",
    "check_volume",
    "file_path",
    "is_mapping",
    "volume_marks",
    "volumes_in",
    "volumes_of",
    "volumes_text",
    "with_file",
]

VOLUMES: Final = "nova-virt.volumes"
"""The mark that has the connections of all volumes of a VM, so that one question about all VMs
tells which connections are in use.
"""
_disk = vim.vm.device.VirtualDisk
_FILES = vim.vm.device.VirtualDeviceSpec.FileOperation
_FIRST_CLASS = re.compile("[0-9a-fA-F-]+@[0-9a-zA-Z-]+")
_PATH = re.compile(r"\[[^\[\]/]+\] [^/\[\]*?][^\[\]*?]*\.vmdk")


class Backing(NamedTuple):
    """What a VM plugs in: a disk's file on a datastore, or a raw device."""

    size_bytes: int
    file: str = ""
    device: str = ""
    """As the hosts name it; it gets a mapping, a file in the VM's folder."""


def check_volume(spec: DiskSpec) -> None:
    """Refuse what vSphere has no place, or no way, for.

    Raises: InvalidRequest, Unsupported.
    """
    if not isinstance(spec.source, Volume):
        return
    place = f"disks[{spec.key}].source"
    connection = spec.source.connection
    if isinstance(connection, FileVolume):
        file_path(connection.path, f"{place}.connection.path")
    if isinstance(connection, HypervisorVolume) and not _FIRST_CLASS.fullmatch(connection.identity):
        raise InvalidRequest(
            f"{connection.identity!r} names no first class disk",
            remedy="use ID@DATASTORE, both as the vSphere API names them",
            field=f"{place}.connection.identity",
        )
    if isinstance(connection, NfsVolume) and not connection.path.endswith(".vmdk"):
        raise _no_path(connection.path, f"{place}.connection.path")
    if isinstance(connection, NfsVolume) and ":/" not in connection.export:
        raise InvalidRequest(
            f"{connection.export} is no export",
            remedy="use HOST:/PATH",
            field=f"{place}.connection.export",
        )
    if spec.source.shared and spec.source.read_only:
        raise Unsupported(
            f"{place}: a disk that VMs share is not for reading alone",
            remedy="ask for one of both",
            field=f"{place}.read_only",
        )


def file_path(path: str, field: str = "path") -> tuple[str, PurePosixPath]:
    """Datastore and path below it of a volume's file; raises InvalidRequest."""
    store, _, below = path.partition("] ")
    if not _PATH.fullmatch(path) or ".." in PurePosixPath(below).parts:
        raise _no_path(path, field)
    return store.removeprefix("["), PurePosixPath(below)


def _no_path(path: str, field: str) -> InvalidRequest:
    return InvalidRequest(
        f"{path!r} names no disk on a datastore",
        remedy="use [DATASTORE] FOLDER/NAME.vmdk, on NFS FOLDER/NAME.vmdk",
        field=field,
    )


def volumes_text(connections: Mapping[str, VolumeConnection]) -> str:
    """The mark; empty without volumes. None of the connections has a secret."""
    if not connections:
        return ""
    return json.dumps({key: _plain(connection) for key, connection in connections.items()})


def volume_marks(specs: Iterable[DiskSpec], marks: Mapping[str, str]) -> dict[str, str]:
    """The mark as it is to be when these disks are there as well; nothing if none is a volume."""
    added = {spec.key: spec.source.connection for spec in specs if isinstance(spec.source, Volume)}
    return {VOLUMES: volumes_text(volumes_of(marks.get(VOLUMES)) | added)} if added else {}


def _plain(connection: VolumeConnection) -> list[Any]:
    match connection:
        case FileVolume():
            return ["file", connection.path]
        case HypervisorVolume():
            return ["fcd", connection.identity]
        case NfsVolume():
            return ["nfs", connection.export, connection.path]
        case IscsiVolume():
            return ["iscsi", list(connection.portals), connection.target_iqn, connection.lun]
    raise TypeError(f"{type(connection).__name__} is not offered")


def volumes_of(text: str | None) -> dict[str, VolumeConnection]:
    """Disk key → connection, from the mark."""
    return {key: _connection(*plain) for key, plain in json.loads(text or "{}").items()}


def volumes_in(facts: Mapping[str, Any]) -> dict[str, VolumeConnection]:
    """As `volumes_of`, from the properties of a VM."""
    option = facts.get(mark_path(VOLUMES))
    return volumes_of(option and option.value)


def _connection(kind: str, *fields: Any) -> VolumeConnection:
    if kind == "file":
        return FileVolume(path=fields[0], format=DiskFormat.VMDK)
    if kind == "fcd":
        return HypervisorVolume(identity=fields[0])
    if kind == "nfs":
        return NfsVolume(export=fields[0], path=fields[1], format=DiskFormat.VMDK)
    portals, target, lun = fields
    return IscsiVolume(portals=tuple(portals), target_iqn=target, lun=lun)


def added_volume(
    spec: DiskSpec, slot: Slot, controller_key: int, backing: Backing, mapping: str
) -> vim.vm.device.VirtualDeviceSpec:
    """A volume as a disk of a VM, independent of the VM's snapshots: the volume has all that the
    guest writes.
    """
    volume = spec.source
    assert isinstance(volume, Volume)  # noqa: S101 - for mypy
    change = plugged(slot, controller_key, mapping, capacity_kib(spec.size_bytes))
    common = {
        # What a guest writes to the latter is kept elsewhere until the VM is off, then dropped.
        "diskMode": "independent_nonpersistent" if volume.read_only else "independent_persistent",
        "sharing": "sharingMultiWriter" if volume.shared else "sharingNone",
    }
    if not backing.device:
        change.device.backing = _disk.FlatVer2BackingInfo(fileName=backing.file, **common)
        return change
    change.device.backing = _disk.RawDiskMappingVer1BackingInfo(
        fileName=mapping,
        deviceName=backing.device,
        # Of a physical mapping the host keeps nothing to itself, so that nothing can be dropped.
        compatibilityMode="virtualMode" if volume.read_only else "physicalMode",
        **common,
    )
    change.fileOperation = _FILES.create
    return change


def is_mapping(device: Any) -> bool:
    """Whether a disk is a raw device, for which a file in the VM's folder stands."""
    return isinstance(getattr(device, "backing", None), _disk.RawDiskMappingVer1BackingInfo)


def with_file(device: Any, connection: VolumeConnection | None) -> bool:
    """Whether a disk's file goes with it: not that of a volume, but the mapping of a device."""
    return isinstance(device, _disk) and (connection is None or is_mapping(device))
