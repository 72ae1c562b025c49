"""The image service of the simulated host: virtual disks as files on its drive.

https://learn.microsoft.com/windows/win32/hyperv_v2/msvm-imagemanagementservice and the pages of its
methods; HRESULTs from https://learn.microsoft.com/windows/win32/debug/system-error-codes
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nova_virt_hyperv.testing.simulator import embedded, vhdx, vhdx_data
from nova_virt_hyperv.testing.simulator.host import VIRTUALIZATION, Host
from nova_virt_hyperv.testing.simulator.machines import OFF, Machines
from nova_virt_hyperv.testing.simulator.model import JobFailed, Outcome, Refused, Row
from nova_virt_hyperv.testing.simulator.resources import ancestor

__all__ = ["DiskImages"]

_DYNAMIC, _DIFFERENCING = 3, 4
_VHDX = 3
_NEW_FILE_BYTES = 4 * 1024 * 1024
_SMALLEST_BYTES, _LARGEST_BYTES = 3 * 1024**2, 64 * 1024**4
_SETTINGS = "Msvm_VirtualHardDiskSettingData"
# On it a disk may grow while its VM runs.
_SCSI = "Microsoft:Hyper-V:Synthetic SCSI Controller"


class DiskImages:
    """CreateVirtualHardDisk, ConvertVirtualHardDisk, ResizeVirtualHardDisk,
    GetVirtualHardDiskSettingData.
    """

    def __init__(self, host: Host, machines: Machines) -> None:
        self._machines = machines
        service = "Msvm_ImageManagementService"
        host.keep(host.make(service, SystemName=host.configuration.name))
        host.handlers[(service, "CreateVirtualHardDisk")] = self._create
        host.handlers[(service, "ConvertVirtualHardDisk")] = self._convert
        host.handlers[(service, "ResizeVirtualHardDisk")] = self._resize
        host.handlers[(service, "GetVirtualHardDiskSettingData")] = self._examine

    def _create(self, host: Host, service: Row, given: dict[str, Any]) -> Outcome:
        text = given.get("VirtualDiskSettingData") or ""
        wanted = embedded.read(text, host.schema, VIRTUALIZATION, _SETTINGS)
        kind, path = wanted["Type"], wanted["Path"] or ""
        if kind not in (_DYNAMIC, _DIFFERENCING) or wanted["Format"] != _VHDX:
            raise Refused(32770, f"not simulated: type {kind}, format {wanted['Format']}")
        if not path.lower().endswith(".vhdx"):
            raise Refused(32773, f"{path} is no name of a VHDX file")
        file, parent = host.file(path), wanted["ParentPath"] or ""
        size = self._size(host, wanted, parent)

        def effect() -> None:
            _require_room(host, path)
            try:
                vhdx.create(file, size, parent)
            except FileExistsError as error:
                raise JobFailed(
                    f"Failed to create '{path}': The file exists. (0x80070050)."
                ) from error
            except FileNotFoundError as error:
                raise JobFailed(
                    f"Failed to create '{path}': The system cannot find the path. (0x80070003)."
                ) from error

        return host.run("Creating Virtual Hard Disk", effect, kind="Msvm_StorageJob")

    def _size(self, host: Host, wanted: Row, parent: str) -> int:
        size = wanted["MaxInternalSize"]
        if wanted["Type"] == _DYNAMIC:
            if (
                parent
                or size is None
                or not _SMALLEST_BYTES <= size <= _LARGEST_BYTES
                or size % 512
            ):
                raise Refused(32773, f"MaxInternalSize {size}, parent {parent}")
            return int(size)
        if size is not None:
            raise Refused(32773, "a differencing disk has the size of its parent")
        try:
            return vhdx.read(host.file(parent)).size_bytes
        except FileNotFoundError as error:
            raise Refused(32779, f"no parent {parent}") from error
        except vhdx.NotVhdx as error:
            raise Refused(32773, f"{parent}: {error}") from error

    def _resize(self, host: Host, service: Row, given: dict[str, Any]) -> Outcome:
        path, size = given.get("Path") or "", given.get("MaxInternalSize") or 0
        file = host.file(path)
        if not file.is_file():
            raise Refused(32779, f"no file {path}")
        if size % 512 or size > _LARGEST_BYTES:
            raise Refused(32773, f"MaxInternalSize {size}")
        if self._in_use(path, {_SCSI}):
            raise Refused(32774, f"{path} is in use")

        def effect() -> None:
            before = _read(file, path).size_bytes
            if size < before:
                raise JobFailed(f"Failed to resize '{path}': it cannot shrink. (0x80070057).")
            if size > before:
                # A larger disk has a larger table of blocks, which is written beside the old one.
                _require_room(host, path, "resize")
            vhdx.resize(file, size)

        return host.run("Resizing Virtual Hard Disk", effect, kind="Msvm_StorageJob")

    def _in_use(self, path: str, but_on: set[str]) -> bool:
        """Whether a VM that is on uses the file, other than on these kinds of controllers."""
        for machine in self._machines.by_guid.values():
            for row in machine.resources:
                if machine.state != OFF and path.lower() in str(row["HostResource"]).lower():
                    controller = ancestor(machine, row, 2)
                    if controller["ResourceSubType"] not in but_on:
                        return True
        return False

    def _convert(self, host: Host, service: Row, given: dict[str, Any]) -> Outcome:
        text = given.get("VirtualDiskSettingData") or ""
        wanted = embedded.read(text, host.schema, VIRTUALIZATION, _SETTINGS)
        source, path = given.get("SourcePath") or "", wanted["Path"] or ""
        if wanted["Type"] != _DYNAMIC or wanted["Format"] != _VHDX or wanted["MaxInternalSize"]:
            raise Refused(32773, f"not simulated: type {wanted['Type']}")
        if not host.file(source).is_file():
            raise Refused(32779, f"no file {source}")
        if self._in_use(source, set()):
            raise Refused(32774, f"{source} is in use")

        def effect() -> None:
            _require_room(host, path)
            try:
                vhdx_data.copy(host.file(source), host.file(path), host.file)
            except FileExistsError as error:
                raise JobFailed(f"'{path}': The file exists. (0x80070050).") from error

        return host.run("Converting Virtual Hard Disk", effect, kind="Msvm_StorageJob")

    def _examine(self, host: Host, service: Row, given: dict[str, Any]) -> Outcome:
        path = given.get("Path") or ""
        file = host.file(path)
        if not file.is_file():
            raise Refused(32779, f"no file {path}")
        try:
            found = _read(file, path)
        except JobFailed:
            # A damaged file is found in a job, so that the caller learns why.
            return host.run("Examining", lambda: _raise(file, path), kind="Msvm_StorageJob")
        row = host.make(
            _SETTINGS,
            InstanceID=f"Microsoft:{found.disk_id}",
            ElementName=file.name,
            Type=_DIFFERENCING if found.parent_path else _DYNAMIC,
            Format=_VHDX,
            Path=path,
            ParentPath=found.parent_path or None,
            MaxInternalSize=found.size_bytes,
            BlockSize=found.block_bytes,
            LogicalSectorSize=found.logical_sector_bytes,
            PhysicalSectorSize=found.physical_sector_bytes,
            VirtualDiskId=str(found.disk_id).upper(),
        )
        return Outcome(0, {"SettingData": embedded.write(row)})


def _raise(file: Path, path: str) -> None:
    _read(file, path)


def _read(file: Path, path: str) -> vhdx.Vhdx:
    try:
        return vhdx.read(file)
    except (vhdx.NotVhdx, FileNotFoundError) as error:
        raise JobFailed(
            f"The system failed to read '{path}': The file or directory is corrupted and "
            "unreadable. (0x80070570)."
        ) from error


def _require_room(host: Host, path: str, what: str = "create") -> None:
    if host.free_storage_bytes() < _NEW_FILE_BYTES:
        raise JobFailed(
            f"Failed to {what} '{path}': There is not enough space on the disk. (0x80070070)."
        )
