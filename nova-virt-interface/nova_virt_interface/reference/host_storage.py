"""What a host in memory does with disks, beside making them: secrets, growth, copies, volumes and
mounted directories.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING
from uuid import UUID

from nova_virt_interface.reference.disk import Disk
from nova_virt_interface.reference.host_error import HostError
from nova_virt_interface.reference.storage_server import STORAGE

if TYPE_CHECKING:
    from nova_virt_interface.reference.host import Vm

__all__ = ["HostStorage", "Passphrases", "unlock"]

Passphrases = Mapping[tuple[str, str], bytes]
"""Key of a disk and what the secret is for → the secret."""


class HostStorage:
    """This part of the host."""

    _vms: dict[UUID, Vm]
    _mounts: dict[str, tuple[str, str]]

    if TYPE_CHECKING:

        def _question(self) -> AbstractContextManager[None]: ...
        def _existing(self, uuid: UUID) -> Vm: ...
        def _reserve(self, size_bytes: int) -> None: ...

    def give_secrets(self, uuid: UUID, passphrases: Passphrases) -> None:
        """Keep secrets in memory while the VM runs; those that it has are kept."""
        with self._question():
            for key, disk in self._existing(uuid).disks.items():
                unlock(disk, key, passphrases)

    def take_secrets(self, uuid: UUID) -> None:
        """Forget the secrets of a VM that is off."""
        with self._question():
            vm = self._existing(uuid)
            if vm.state == "stopped":
                self._close_disks(vm)

    def grow_disk(self, uuid: UUID, key: str, size_bytes: int) -> None:
        """Enlarge a disk, or look how large its volume has become."""
        with self._question():
            disk = self._disk(uuid, key)
            if disk.volume is not None:
                _reachable(disk)
                self._fits(disk.volume, size_bytes)
            else:
                self._reserve(size_bytes - disk.size_bytes)
            disk.size_bytes = size_bytes

    def read_disk(self, uuid: UUID, key: str, offset: int, length: int) -> bytes:
        """A part of what the guest sees."""
        with self._question():
            disk = self._disk(uuid, key)
            seen = disk.seen()[: disk.size_bytes]
            length = min(length, disk.size_bytes - offset)
            return seen[offset : offset + length].ljust(length, b"\0")

    def write_disk(self, uuid: UUID, key: str, offset: int, content: bytes) -> None:
        """What a guest does."""
        with self._question():
            self._disk(uuid, key).write(offset, content)

    def move_disk(self, uuid: UUID, key: str, volume: Disk) -> None:
        """Copy a disk's content to a volume and go on with that."""
        with self._question():
            vm = self._existing(uuid)
            disk = vm.disks[key]
            self._open_disk(key, volume)
            self._fits(str(volume.volume), max(volume.size_bytes, disk.size_bytes))
            volume.fill(disk.seen())
            volume.boot_index, volume.digest = disk.boot_index, disk.digest
            volume.limits, volume.serial = disk.limits, disk.serial
            vm.disks[key] = volume

    def build_on(self, uuid: UUID, key: str, snapshot: str, overlay: str) -> None:
        """Let a disk's writes go into another volume from now on."""
        with self._question():
            disk = self._disk(uuid, key)
            if disk.volume is None or not STORAGE.has(overlay):
                raise HostError("NO_VOLUME", overlay)
            STORAGE.build(overlay, disk.volume)
            disk.snapshots[snapshot] = (disk.volume, overlay)
            disk.volume = overlay

    def merge_down(self, uuid: UUID, key: str, snapshot: str) -> None:
        """Let a snapshot's volume take in the one that is built on it."""
        with self._question():
            disk = self._disk(uuid, key)
            later = list(disk.snapshots)[list(disk.snapshots).index(snapshot) + 1 :]
            kept, _ = disk.snapshots.pop(snapshot)
            merged = disk.snapshots[later[0]][0] if later else str(disk.volume)
            STORAGE.write(kept, STORAGE.read(merged))
            if not later:
                disk.volume = kept
                return
            above = disk.snapshots[later[0]][1]
            disk.snapshots[later[0]] = (kept, above)
            if STORAGE.volume(above).backing == merged:
                STORAGE.build(above, kept)

    def mount(self, key: str, protocol: str, export: str) -> str:
        """Mount a directory and say where; one of this key stays as it is."""
        with self._question():
            if key not in self._mounts and not STORAGE.has_directory(export):
                raise HostError("NO_DIRECTORY", export)
            self._mounts.setdefault(key, (protocol, export))
            return f"/mounts/{key}"

    def unmount(self, key: str) -> None:
        """Unmount a directory that no running VM uses."""
        with self._question():
            path = f"/mounts/{key}"
            if any(path in vm.shares and vm.state != "stopped" for vm in self._vms.values()):
                raise HostError("SHARE_IN_USE", key)
            self._mounts.pop(key, None)

    def mounts(self) -> dict[str, tuple[str, str]]:
        """Protocol and export of each mounted directory, by key."""
        with self._question():
            return dict(self._mounts)

    def _open_disks(self, vm: Vm) -> None:
        for key, disk in vm.disks.items():
            self._open_disk(key, disk)

    def _open_disk(self, key: str, disk: Disk) -> None:
        _reachable(disk)
        if not disk.opens():
            raise HostError("WRONG_KEY", key)

    def _close_disks(self, vm: Vm) -> None:
        for disk in vm.disks.values():
            disk.key = disk.login = None

    def _disk(self, uuid: UUID, key: str) -> Disk:
        return self._existing(uuid).disks[key]

    def _fits(self, address: str, size_bytes: int) -> None:
        if STORAGE.volume(address).size_bytes < size_bytes:
            raise HostError("VOLUME_TOO_SMALL", address)


def unlock(disk: Disk, key: str, passphrases: Passphrases) -> None:
    """Give a disk the secrets that are its own."""
    disk.key = passphrases.get((key, "encryption"), disk.key)
    disk.login = passphrases.get((key, "authentication"), disk.login)


def _reachable(disk: Disk) -> None:
    if disk.volume is None:
        return
    if not STORAGE.has(disk.volume):
        raise HostError("NO_VOLUME", disk.volume)
    if STORAGE.volume(disk.volume).password not in (None, disk.login):
        raise HostError("WRONG_KEY", disk.volume)
