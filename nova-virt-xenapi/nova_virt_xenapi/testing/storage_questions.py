"""What the suite asks about disks and volumes, answered from the simulator's own files."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import UUID, uuid4

from nova_virt_interface.testing.cannot_provoke import CannotProvoke
from nova_virt_interface.testing.harness_storage import SeenDisk, TestVolume, VolumeWish
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.volumes import (
    HypervisorVolume,
    IscsiVolume,
    NfsVolume,
    VolumeProtocol,
)

from nova_virt_xenapi.testing.process import Simulator

__all__ = ["VOLUMES", "StorageAnswers", "unpacked"]

VOLUMES: Final = "volumes of the tests"
"""Label of the storage repositories that a volume service has made."""
_GIB: Final = 1024**3
_LUN: Final = 1
_EMPTY: Final = 0xFFFFFFFF
_SECTOR: Final = 512


class StorageAnswers:
    """For the harness."""

    simulator: Simulator

    @contextmanager
    def volume(self, wish: VolumeWish) -> Iterator[TestVolume]:
        """See `Harness`. No guest here executes: one that boots is like any other."""
        if wish.encryption is not None or wish.password:
            raise CannotProvoke("volumes here hold no encryption and no password")
        made = {
            VolumeProtocol.ISCSI: self._on_target,
            VolumeProtocol.NFS: self._in_folder,
            VolumeProtocol.HYPERVISOR: self._of_pool,
        }
        with made[wish.protocol](wish) as volume:
            yield volume

    @contextmanager
    def _in_folder(self, wish: VolumeWish) -> Iterator[TestVolume]:
        # A server of its own: one that is away takes nothing else along.
        name, server = f"{uuid4()}.vhd", f"{uuid4()}.example.org"
        files = {name: wish.size_bytes}
        self.simulator.ask("folder", server=server, path="/volumes/one", files=files)
        try:
            connection = NfsVolume(
                export=f"{server}:/volumes", path=f"one/{name}", format=DiskFormat.VHD
            )
            yield TestVolume(connection=connection, size_bytes=wish.size_bytes)
        finally:
            self.simulator.ask("folder", server=server, path="/volumes/one")

    @contextmanager
    def _on_target(self, wish: VolumeWish) -> Iterator[TestVolume]:
        iqn = f"iqn.2010-10.org.openstack:{uuid4()}"
        self.simulator.ask("target", iqn=iqn, units={_LUN: wish.size_bytes})
        try:
            portals = ("192.0.2.1:3260",)
            connection = IscsiVolume(portals=portals, target_iqn=iqn, lun=_LUN)
            yield TestVolume(connection=connection, size_bytes=wish.size_bytes)
        finally:
            self.simulator.ask("target", iqn=iqn)

    @contextmanager
    def _of_pool(self, wish: VolumeWish) -> Iterator[TestVolume]:
        call = self._ask
        sr = call("SR.introduce", str(uuid4()), VOLUMES, "", "nfs", "user", True, {})
        write = {"class_name": "SR", "ref": sr, "field": "physical_size"}
        self.simulator.ask("write", **write, value=_GIB)
        hosts = self.simulator.ask("records", class_name="host")
        host = next(ref for ref, row in hosts.items() if row["name_label"] == "xcp-0")
        record = {"host": host, "SR": sr, "device_config": {}, "other_config": {}}
        pbd = call("PBD.create", record)
        call("PBD.plug", pbd)
        vdi = call("VDI.create", {
            "name_label": VOLUMES, "name_description": "", "SR": sr,
            "virtual_size": str(wish.size_bytes), "type": "user", "sharable": False,
            "read_only": False, "other_config": {},
        })  # fmt: skip
        uuid = self.simulator.ask("records", class_name="VDI")[vdi]["uuid"]
        try:
            connection = HypervisorVolume(identity=uuid)
            yield TestVolume(connection=connection, size_bytes=wish.size_bytes)
        finally:
            write = {"class_name": "PBD", "ref": pbd, "field": "currently_attached"}
            self.simulator.ask("write", **write, value=False)

    def grow_volume(self, volume: TestVolume, size_bytes: int) -> None:
        """See `Harness`."""
        connection = volume.connection
        if isinstance(connection, IscsiVolume):
            units = {_LUN: size_bytes}
            self.simulator.ask("target", iqn=connection.target_iqn, units=units)
            return
        # Whoever else has the storage enlarges the file.
        with self._file(volume).open("r+b") as file:
            file.truncate(size_bytes)

    def volume_content(self, volume: TestVolume) -> bytes:
        """See `Harness`."""
        return self._file(volume).read_bytes()

    def _file(self, volume: TestVolume) -> Path:
        connection = volume.connection
        if isinstance(connection, IscsiVolume):
            return self._folder() / f"{connection.target_iqn.replace(':', '-')}-{connection.lun}"
        if isinstance(connection, NfsVolume):
            place = f"{connection.export.replace(':', '')}/{connection.path}"
            return self._folder() / place.replace("/", "-")
        assert isinstance(connection, HypervisorVolume)  # noqa: S101 - there are these three
        return self._folder() / connection.identity

    def volume_is_used(self, volume: TestVolume) -> bool:
        """See `Harness`."""
        connection = volume.connection
        if isinstance(connection, IscsiVolume):
            return self._is_introduced(connection.target_iqn)
        if isinstance(connection, NfsVolume):
            return self._is_introduced(connection.export.partition(":")[0])
        assert isinstance(connection, HypervisorVolume)  # noqa: S101 - there are these three
        vdis = self.simulator.ask("records", class_name="VDI").values()
        return any(row["VBDs"] for row in vdis if row["uuid"] == connection.identity)

    def _is_introduced(self, label: str) -> bool:
        repositories = self.simulator.ask("records", class_name="SR").values()
        return any(row["name_label"] == label for row in repositories)

    def disk_of_vm(self, vm_uuid: UUID, key: str) -> SeenDisk:
        """See `Harness`."""
        vbd, vdi = self._disk_records(vm_uuid, key)
        return SeenDisk(size_bytes=int(vdi["virtual_size"]), read_only=vbd["mode"] == "RO")

    def write_as_guest(self, vm_uuid: UUID, key: str, offset: int, content: bytes) -> None:
        """See `Harness`."""
        _, vdi = self._disk_records(vm_uuid, key)
        with self._folder().joinpath(vdi["uuid"]).open("r+b") as file:
            file.seek(offset)
            file.write(content)

    def read_as_guest(self, vm_uuid: UUID, key: str, offset: int, length: int) -> bytes:
        """See `Harness`."""
        _, vdi = self._disk_records(vm_uuid, key)
        content = self._folder().joinpath(vdi["uuid"]).read_bytes()
        return content[offset : offset + length]

    def as_raw(self, exported: bytes, format: DiskFormat) -> bytes:
        """See `Harness`."""
        if format is DiskFormat.QCOW2:
            return _converted(exported)
        return exported if format is DiskFormat.RAW else unpacked(exported)

    def _folder(self) -> Path:
        return Path(self.simulator.ca_file).parent

    def _ask(self, method: str, *parameters: Any) -> Any:
        return self.simulator.ask("call", method=method, parameters=list(parameters))

    def _disk_records(self, vm_uuid: UUID, key: str) -> tuple[dict[str, Any], dict[str, Any]]:
        vms = self.simulator.ask("records", class_name="VM")
        vdis = self.simulator.ask("records", class_name="VDI")
        for vbd in self.simulator.ask("records", class_name="VBD").values():
            config = vms[vbd["VM"]]["other_config"]
            is_vm = config.get("nova-virt-vm") == str(vm_uuid) and "nova-virt-kept" not in config
            if is_vm and vbd["other_config"].get("nova-virt-key") == key:
                return vbd, vdis[vbd["VDI"]]
        raise AssertionError(f"VM {vm_uuid} has no disk {key}")


def _converted(qcow2: bytes) -> bytes:
    """What a QCOW2 holds, by QEMU's own converter."""
    with TemporaryDirectory() as folder:
        source, raw = Path(folder, "qcow2"), Path(folder, "raw")
        source.write_bytes(qcow2)
        command = ["qemu-img", "convert", "-f", "qcow2", "-O", "raw", str(source), str(raw)]
        subprocess.run(command, check=True, capture_output=True)
        return raw.read_bytes()


def unpacked(vhd: bytes) -> bytes:
    """What a dynamic VHD without a parent holds; its layout is Microsoft's, of 2006."""
    header_at, size, kind = struct.unpack(">16xQ24xQ4xI", vhd[:64])
    if kind != 3:
        raise AssertionError(f"a VHD of kind {kind} does not stand alone")
    table_at, entries, block = struct.unpack(">16xQ4xII", vhd[header_at : header_at + 36])
    content = bytearray(size)
    for number in range(entries):
        (sector,) = struct.unpack_from(">I", vhd, table_at + 4 * number)
        if sector != _EMPTY:
            bitmap = -(-block // _SECTOR // 8 // _SECTOR) * _SECTOR
            start = sector * _SECTOR + bitmap
            place = number * block
            content[place : place + block] = vhd[start : start + block][: size - place]
    return bytes(content)
