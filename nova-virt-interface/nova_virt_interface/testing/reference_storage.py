"""What the harnesses of the reference driver answer about disks, volumes and shares."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast
from uuid import UUID

from nova_virt_interface.reference import luks
from nova_virt_interface.reference.guest import GUEST_IMAGE
from nova_virt_interface.reference.host import Disk, Host
from nova_virt_interface.reference.storage_server import STORAGE, StoredVolume
from nova_virt_interface.reference.volume_address import address_of
from nova_virt_interface.testing.harness_storage import (
    SeenDisk,
    StorageQuestions,
    TestVolume,
    VolumeWish,
)
from nova_virt_interface.values.disks import DiskLimits
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.shares import ShareProtocol
from nova_virt_interface.values.volumes import (
    BlockDeviceVolume,
    ChapUser,
    FibreChannelVolume,
    FileVolume,
    HypervisorVolume,
    IscsiVolume,
    NbdVolume,
    NfsVolume,
    RbdVolume,
    SmbVolume,
    VolumeConnection,
    VolumeProtocol,
)

__all__ = ["ReferenceStorageAnswers"]

_numbers = itertools.count(1)


class ReferenceStorageAnswers(StorageQuestions):
    """Looks at the host in memory, and at the storage around it."""

    @property
    def host(self) -> Host:
        """The host in memory."""
        raise NotImplementedError

    @contextmanager
    def volume(self, wish: VolumeWish) -> Iterator[TestVolume]:
        """See `StorageQuestions`."""
        connection = _connection(wish, f"{self.host.name}-{next(_numbers)}")
        address, content, size = address_of(connection), b"", wish.size_bytes
        if wish.boots:
            content = GUEST_IMAGE
        if wish.encryption is not None:
            content = luks.sealed(content, wish.passphrase.encode())
            size += luks.HEADER_BYTES
        password = wish.password.encode() if wish.password else None
        STORAGE.add(address, StoredVolume(size_bytes=size, content=content, password=password))
        try:
            yield TestVolume(connection=connection, size_bytes=wish.size_bytes)
        finally:
            STORAGE.remove(address)

    def volume_content(self, volume: TestVolume) -> bytes:
        """See `StorageQuestions`."""
        return STORAGE.read(address_of(volume.connection))

    def volume_is_used(self, volume: TestVolume) -> bool:
        """See `StorageQuestions`."""
        address = address_of(volume.connection)
        disks = [disk for vm in self.host.vms() for disk in vm.disks.values()]
        return any(address in (disk.volume, *_files(disk)) for disk in disks)

    def grow_volume(self, volume: TestVolume, size_bytes: int) -> None:
        """See `StorageQuestions`."""
        STORAGE.volume(address_of(volume.connection)).size_bytes = size_bytes

    @contextmanager
    def overlay(self, volume: TestVolume) -> Iterator[FileVolume]:
        """See `StorageQuestions`."""
        wish = VolumeWish(protocol=VolumeProtocol.FILE, size_bytes=volume.size_bytes)
        with self.volume(wish) as made:
            yield cast("FileVolume", made.connection)

    def disk_of_vm(self, vm_uuid: UUID, key: str) -> SeenDisk:
        """See `StorageQuestions`."""
        disk = self.host.vm(vm_uuid).disks[key]
        bytes_per_second, requests_per_second = disk.limits
        return SeenDisk(
            size_bytes=disk.size_bytes,
            serial=disk.serial,
            limits=DiskLimits(
                bytes_per_second=bytes_per_second, requests_per_second=requests_per_second
            ),
            read_only=disk.read_only or disk.write_protected,
        )

    def write_as_guest(self, vm_uuid: UUID, key: str, offset: int, content: bytes) -> None:
        """See `StorageQuestions`."""
        self.host.write_disk(vm_uuid, key, offset, content)

    def read_as_guest(self, vm_uuid: UUID, key: str, offset: int, length: int) -> bytes:
        """See `StorageQuestions`."""
        return self.host.read_disk(vm_uuid, key, offset, length)

    def storage_has(self, content: bytes) -> bool:
        """See `StorageQuestions`."""
        vms = self.host.vms()
        stored = [disk.content for vm in vms for disk in vm.disks.values()]
        stored += [image.content for image in self.host.images().values()]
        return any(content in part for part in (*stored, repr(vms).encode()))

    @contextmanager
    def share(self) -> Iterator[tuple[ShareProtocol, str]]:
        """See `StorageQuestions`."""
        export = f"server:/export/{self.host.name}-{next(_numbers)}"
        STORAGE.add_directory(export)
        try:
            yield ShareProtocol.NFS, export
        finally:
            STORAGE.remove_directory(export)

    def share_is_mounted(self, path: str, export: str) -> bool:
        """See `StorageQuestions`."""
        return (path, export) in (
            (f"/mounts/{key}", mounted) for key, (_, mounted) in self.host.mounts().items()
        )


def _files(disk: Disk) -> Iterator[str]:
    for below, above in disk.snapshots.values():
        yield below
        yield above


def _connection(wish: VolumeWish, name: str) -> VolumeConnection:
    user = "tester" if wish.password else None
    raw = DiskFormat.RAW
    kinds: dict[VolumeProtocol, VolumeConnection] = {
        VolumeProtocol.ISCSI: IscsiVolume(
            portals=("192.0.2.1:3260",),
            target_iqn=f"iqn.2010-10.org.openstack:{name}",
            lun=1,
            user=None if user is None else ChapUser(name=user),
        ),
        VolumeProtocol.RBD: RbdVolume(
            monitors=("192.0.2.1:6789",), pool="volumes", image=name, user=user
        ),
        VolumeProtocol.NBD: NbdVolume(host="192.0.2.1", port=10809, export=name),
        VolumeProtocol.NFS: NfsVolume(export="192.0.2.1:/volumes", path=name, format=raw),
        VolumeProtocol.SMB: SmbVolume(
            share=r"\\192.0.2.1\volumes", path=name, format=raw, user=user
        ),
        VolumeProtocol.FIBRE_CHANNEL: FibreChannelVolume(
            target_wwpns=("50060e801049cfd1",), lun=next(_numbers)
        ),
        VolumeProtocol.FILE: FileVolume(path=f"/volumes/{name}", format=raw),
        VolumeProtocol.BLOCK_DEVICE: BlockDeviceVolume(path=f"/dev/volumes/{name}"),
        VolumeProtocol.HYPERVISOR: HypervisorVolume(identity=name),
    }
    return kinds[wish.protocol]
