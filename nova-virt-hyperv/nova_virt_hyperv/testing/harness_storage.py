"""What the harness of the simulator answers about disks and volumes."""

from __future__ import annotations

import itertools
import subprocess
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from nova_virt_interface.testing.cannot_provoke import CannotProvoke
from nova_virt_interface.testing.harness import BackendUnavailable
from nova_virt_interface.testing.harness_storage import (
    SeenDisk,
    StorageQuestions,
    TestVolume,
    VolumeWish,
)
from nova_virt_interface.values.disks import DiskLimits
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.volumes import (
    ChapUser,
    FileVolume,
    IscsiVolume,
    SmbVolume,
    VolumeConnection,
    VolumeProtocol,
)

from nova_virt_hyperv.conf import Settings
from nova_virt_hyperv.testing.process import SimulatorProcess

__all__ = ["SimulatorStorage", "key_of", "make_disk", "raw_of"]

_VOLUMES = "volumes"
# The share of volumes is the second host's, as a scale-out file server's would be another host's.
_SHARE = rf"\\HYPERV-1-2\{_VOLUMES}"
_OFF = 3
_PORTAL, _AWAY = "192.0.2.1:3260", "192.0.2.9:3260"
_REQUEST_BYTES = 8192
_numbers = itertools.count(1)


class SimulatorStorage(StorageQuestions):
    """Looks at the disks of the simulated hosts, and makes volumes around them."""

    root: Path
    _simulator: SimulatorProcess

    def control(self, do: str, **arguments: Any) -> Any:
        """See `SimulatorHarness.control`."""
        raise NotImplementedError

    def vm(self, vm_uuid: UUID, host: int = 0) -> dict[str, Any]:
        """See `SimulatorHarness.vm`."""
        raise NotImplementedError

    @contextmanager
    def volume(self, wish: VolumeWish) -> Iterator[TestVolume]:
        """See `StorageQuestions`."""
        if wish.protocol is VolumeProtocol.ISCSI:
            with self._logical_unit(wish) as made:
                yield made
            return
        name = f"volume-{next(_numbers)}.vhdx"
        file = self._folder(wish.protocol) / name
        make_disk(file, wish.size_bytes)
        connection: VolumeConnection = FileVolume(
            path=rf"C:\{_VOLUMES}\{name}", format=DiskFormat.VHDX
        )
        if wish.protocol is VolumeProtocol.SMB:
            connection = SmbVolume(share=_SHARE, path=name, format=DiskFormat.VHDX)
        try:
            yield TestVolume(connection=connection, size_bytes=wish.size_bytes)
        finally:
            file.unlink()

    @contextmanager
    def _logical_unit(self, wish: VolumeWish) -> Iterator[TestVolume]:
        iqn = f"iqn.2010-10.org.openstack:volume-{next(_numbers)}"
        folder = self.root / _VOLUMES
        folder.mkdir(exist_ok=True)
        file = folder / iqn.rpartition(":")[2]
        file.write_bytes(bytes(wish.size_bytes))
        lun = next(_numbers) % 8
        user = ChapUser(name="me") if wish.password else None
        asks = {"user": user.name, "password": wish.password} if user else {}
        self.control("add_target", iqn=iqn, portal=_PORTAL, lun=lun, file=str(file), **asks)
        connection = IscsiVolume(portals=(_AWAY, _PORTAL), target_iqn=iqn, lun=lun, user=user)
        try:
            yield TestVolume(connection=connection, size_bytes=wish.size_bytes)
        finally:
            for host in range(len(self._simulator.ports)):
                self.control("drop_target", host=host, iqn=iqn)
            file.unlink()

    def _unit_file(self, connection: IscsiVolume) -> Path:
        return self.root / _VOLUMES / connection.target_iqn.rpartition(":")[2]

    def _folder(self, protocol: VolumeProtocol) -> Path:
        drives = {VolumeProtocol.FILE: "c", VolumeProtocol.SMB: "d"}
        if protocol not in drives:
            raise CannotProvoke(f"this harness has no volumes of {protocol.value}")
        folder = self.root / drives[protocol] / _VOLUMES
        folder.mkdir(exist_ok=True)
        return folder

    def volume_content(self, volume: TestVolume) -> bytes:
        """See `StorageQuestions`. QEMU reads what the simulator has written."""
        connection = volume.connection
        if isinstance(connection, IscsiVolume):
            return self._unit_file(connection).read_bytes()
        if isinstance(connection, SmbVolume):
            return raw_of(self._folder(VolumeProtocol.SMB) / connection.path)
        name = _path_on_host(connection).rpartition("\\")[2]
        return raw_of(self._folder(VolumeProtocol.FILE) / name)

    def volume_is_used(self, volume: TestVolume) -> bool:
        """See `StorageQuestions`."""
        hosts = range(len(self._simulator.ports))
        if isinstance(volume.connection, IscsiVolume):
            iqn = volume.connection.target_iqn
            return any(self.control("uses_target", host=host, iqn=iqn) for host in hosts)
        path = _path_on_host(volume.connection)
        return any(
            path in row["host"]
            for host in hosts
            for vm in self.control("vms", host=host)
            if vm["state"] != _OFF
            for row in vm["resources"]
        )

    def grow_volume(self, volume: TestVolume, size_bytes: int) -> None:
        """See `StorageQuestions`."""
        if isinstance(volume.connection, IscsiVolume):
            with self._unit_file(volume.connection).open("r+b") as file:
                file.truncate(size_bytes)
            return
        self.control("enlarge_file", path=_path_on_host(volume.connection), size=size_bytes)

    def disk_of_vm(self, vm_uuid: UUID, key: str) -> SeenDisk:
        """See `StorageQuestions`. Hyper-V has one limit, of requests of 8 KiB."""
        found = self.control("disk", **self._drive(vm_uuid, key))
        requests = found["requests_per_second"]
        limits = DiskLimits()
        if requests is not None:
            limits = DiskLimits(
                bytes_per_second=requests * _REQUEST_BYTES, requests_per_second=requests
            )
        return SeenDisk(size_bytes=found["size"], limits=limits)

    def write_as_guest(self, vm_uuid: UUID, key: str, offset: int, content: bytes) -> None:
        """See `StorageQuestions`."""
        drive = self._drive(vm_uuid, key)
        encoded = b64encode(content).decode()
        self.control("write_drive", **drive, offset=offset, content=encoded)

    def read_as_guest(self, vm_uuid: UUID, key: str, offset: int, length: int) -> bytes:
        """See `StorageQuestions`."""
        drive = self._drive(vm_uuid, key)
        return b64decode(self.control("read_drive", **drive, offset=offset, size=length))

    def read_disk(self, settings: Settings, vm_uuid: UUID, key: str, size_bytes: int) -> bytes:
        """See `Harness`."""
        drive = self._drive(vm_uuid, key, self._simulator.ports.index(settings.port))
        return b64decode(self.control("read_drive", **drive, offset=0, size=size_bytes))

    def write_disk(self, settings: Settings, vm_uuid: UUID, key: str, content: bytes) -> None:
        """See `Harness`."""
        drive = self._drive(vm_uuid, key, self._simulator.ports.index(settings.port))
        encoded = b64encode(content).decode()
        self.control("write_drive", **drive, offset=0, content=encoded)

    def _drive(self, vm_uuid: UUID, key: str, host: int = 0) -> dict[str, Any]:
        vm = self.vm(vm_uuid, host)
        [drive] = [row["id"] for row in vm["resources"] if key_of(row["name"] or "") == key]
        return {"host": host, "guid": vm["guid"], "drive": drive}

    def storage_has(self, content: bytes) -> bool:
        """See `StorageQuestions`."""
        rows = repr([self.control("vms", host=n) for n in range(len(self._simulator.ports))])
        files = (file for file in self.root.rglob("*") if file.is_file())
        kept = (file.read_bytes() for file in files if file.parent.name != _VOLUMES)
        return any(content in part for part in (rows.encode(), *kept))

    def as_raw(self, exported: bytes, format: DiskFormat) -> bytes:
        """See `StorageQuestions`. QEMU reads what the simulator has written."""
        if format is not DiskFormat.VHDX:
            return super().as_raw(exported, format)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "exported.vhdx")
            file.write_bytes(exported)
            return raw_of(file)


def key_of(name: str) -> str:
    """The key of the device that the driver has given this name; empty: it is not one of its."""
    words = name.split(" ")
    return words[1] if words[0] == "nova-virt" else ""


def make_disk(path: Path, size_bytes: int) -> None:
    """Make a virtual disk of zeros, by other code than the simulator's."""
    _qemu_img("create", "-q", "-f", "vhdx", str(path), str(size_bytes))


def raw_of(path: Path) -> bytes:
    """What a virtual disk holds, as QEMU reads it."""
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder, "raw")
        # Unsafe, that is without the lock: a simulated guest may have the disk.
        _qemu_img("convert", "-U", "-f", "vhdx", "-O", "raw", str(path), str(raw))
        return raw.read_bytes()


def _qemu_img(*arguments: str) -> None:
    try:
        subprocess.run(["qemu-img", *arguments], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BackendUnavailable(f"qemu-img fails: {error}") from error


def _path_on_host(connection: VolumeConnection) -> str:
    if isinstance(connection, SmbVolume):
        return rf"{connection.share}\{connection.path}"
    if isinstance(connection, FileVolume):
        return connection.path
    raise CannotProvoke(f"{type(connection).__name__} is no file")
