"""What the harness of a host of one's own answers about disks, and about volumes that are files on
that host.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import smbclient
from nova_virt_interface.testing.cannot_provoke import CannotProvoke
from nova_virt_interface.testing.harness_storage import (
    SeenDisk,
    StorageQuestions,
    TestVolume,
    VolumeWish,
)
from nova_virt_interface.values.disks import DiskLimits
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.volumes import FileVolume, VolumeProtocol

from nova_virt_hyperv.conf import Settings
from nova_virt_hyperv.testing.harness_storage import key_of, make_disk, raw_of
from nova_virt_hyperv.testing.host_client import HostClient, Row

__all__ = ["HostStorage"]

_VOLUMES = "volumes"
_IMAGES = "Msvm_ImageManagementService"
_SERVICE = (_IMAGES, {"CreationClassName": _IMAGES})
_REQUEST_BYTES = 8192


class HostStorage(StorageQuestions):
    """Looks at the disks of a host, and makes volumes beside them."""

    _settings: Settings
    _client: HostClient

    def devices_of(self, vm_uuid: UUID) -> list[Row]:
        """See `HostHarness.devices_of`."""
        raise NotImplementedError

    def paths_in_use(self) -> set[str]:
        """See `HostHarness.paths_in_use`."""
        raise NotImplementedError

    def folder_at(self, folder: str = "") -> str:
        """The driver's share, or a folder of it, once this process may use it."""
        settings = self._settings
        smbclient.register_session(settings.host, **self.access, encrypt=True)
        return rf"\\{settings.host}\{settings.share}{folder}"

    @property
    def access(self) -> dict[str, Any]:
        """Who comes to the share, and by which port."""
        settings = self._settings
        return {
            "username": settings.username,
            "password": settings.password,
            "port": settings.share_port,
        }

    @contextmanager
    def volume(self, wish: VolumeWish) -> Iterator[TestVolume]:
        """See `StorageQuestions`."""
        if wish.protocol is not VolumeProtocol.FILE or wish.password or wish.passphrase:
            raise CannotProvoke("it needs storage beside the host, which --url does not name")
        name = f"{uuid4()}.vhdx"
        folder = self.folder_at(f"\\{_VOLUMES}")
        smbclient.makedirs(folder, exist_ok=True, **self.access)
        place = rf"{folder}\{name}"
        with tempfile.TemporaryDirectory() as local:
            made = Path(local, name)
            make_disk(made, wish.size_bytes)
            with (
                made.open("rb") as source,
                smbclient.open_file(place, mode="xb", **self.access) as target,
            ):
                shutil.copyfileobj(source, target)
        path = rf"{self._settings.storage_path}\{_VOLUMES}\{name}"
        connection = FileVolume(path=path, format=DiskFormat.VHDX)
        try:
            yield TestVolume(connection=connection, size_bytes=wish.size_bytes)
        finally:
            smbclient.remove(place, **self.access)

    def volume_content(self, volume: TestVolume) -> bytes:
        """See `StorageQuestions`. QEMU reads what the host has written."""
        name = _path(volume).rpartition("\\")[2]
        place = self.folder_at(rf"\{_VOLUMES}\{name}")
        with tempfile.TemporaryDirectory() as local:
            copy = Path(local, name)
            with (
                copy.open("wb") as target,
                smbclient.open_file(place, mode="rb", share_access="rwd", **self.access) as source,
            ):
                shutil.copyfileobj(source, target)
            return raw_of(copy)

    def volume_is_used(self, volume: TestVolume) -> bool:
        """See `StorageQuestions`."""
        return _path(volume).lower() in self.paths_in_use()

    def grow_volume(self, volume: TestVolume, size_bytes: int) -> None:
        """See `StorageQuestions`."""
        self._client.call(
            _SERVICE, "ResizeVirtualHardDisk", Path=_path(volume), MaxInternalSize=str(size_bytes)
        )

    def disk_of_vm(self, vm_uuid: UUID, key: str) -> SeenDisk:
        """See `StorageQuestions`. Hyper-V has one limit, of requests of 8 KiB."""
        rows = self.devices_of(vm_uuid)
        [drive] = [row for row in rows if key_of(" ".join(row.get("ElementName", []))) == key]
        name = drive["InstanceID"][0].replace("\\", "\\\\").lower()
        [content] = [row for row in rows if name in " ".join(row.get("Parent", [])).lower()]
        path = content["HostResource"][0]
        output = self._client.call(_SERVICE, "GetVirtualHardDiskSettingData", Path=path)
        size = output["SettingData"][0].partition('"MaxInternalSize"')[2]
        size = size.partition("<VALUE>")[2].partition("<")[0]
        requests = int(content.get("IOPSLimit", ["0"])[0])
        limits = DiskLimits()
        if requests:
            limits = DiskLimits(
                bytes_per_second=requests * _REQUEST_BYTES, requests_per_second=requests
            )
        return SeenDisk(size_bytes=int(size), limits=limits)


def _path(volume: TestVolume) -> str:
    if not isinstance(volume.connection, FileVolume):
        raise CannotProvoke(f"{type(volume.connection).__name__} is no file")
    return volume.connection.path
