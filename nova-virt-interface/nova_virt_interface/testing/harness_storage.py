"""What the suite asks a harness about disks, volumes and shares."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

from nova_virt_interface.testing.cannot_provoke import CannotProvoke
from nova_virt_interface.values.disks import DiskLimits
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.shares import ShareProtocol
from nova_virt_interface.values.volumes import (
    EncryptionFormat,
    FileVolume,
    NfsVolume,
    SmbVolume,
    VolumeConnection,
    VolumeProtocol,
)

__all__ = ["SeenDisk", "StorageQuestions", "TestVolume", "VolumeWish"]


@dataclass(frozen=True, kw_only=True)
class VolumeWish:
    """The volume that a test needs."""

    protocol: VolumeProtocol
    size_bytes: int
    """What a guest sees of it."""
    encryption: EncryptionFormat | None = None
    passphrase: str = ""
    """Of the encryption."""
    password: str = ""
    """Which the storage asks for; empty: it lets everybody in."""
    boots: bool = False
    """It holds the test image."""


@dataclass(frozen=True, kw_only=True)
class TestVolume:
    """A volume that a storage server offers for a test."""

    __test__ = False

    connection: VolumeConnection
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class SeenDisk:
    """A disk of a VM as the backend itself describes it."""

    size_bytes: int
    serial: str | None = None
    limits: DiskLimits = field(default_factory=DiskLimits)
    read_only: bool = False


class StorageQuestions:
    """A harness answers those of the interfaces and features that its backends provide."""

    fixed_size_protocols: ClassVar[frozenset[VolumeProtocol]] = frozenset({VolumeProtocol.NBD})
    """Those whose volumes the test's storage cannot enlarge while they are attached."""
    protocols_without_users: ClassVar[frozenset[VolumeProtocol]] = frozenset()
    """Those by which the hypervisor comes as itself alone, though it logs in by others."""

    def volume(self, wish: VolumeWish) -> AbstractContextManager[TestVolume]:
        """A volume of zeros inside the context; after it, its storage is away."""
        raise CannotProvoke("this harness has no volumes")

    def volume_content(self, volume: TestVolume) -> bytes:
        """What the storage has of a volume, from its start; zeros at the end may be missing."""
        raise CannotProvoke("this harness cannot look into volumes")

    def volume_is_used(self, volume: TestVolume) -> bool:
        """Whether a host uses the volume now."""
        raise CannotProvoke("this harness cannot see who uses a volume")

    def grow_volume(self, volume: TestVolume, size_bytes: int) -> None:
        """Enlarge a volume, as its service would."""
        raise CannotProvoke("this harness cannot enlarge volumes")

    def overlay(
        self, volume: TestVolume
    ) -> AbstractContextManager[FileVolume | NfsVolume | SmbVolume]:
        """A new file beside a volume that is a file, made by its service to be built on what the
        guest has now.
        """
        raise CannotProvoke("this harness has no volumes that are files")

    def disk_of_vm(self, vm_uuid: UUID, key: str) -> SeenDisk:
        """A disk of a VM, as the backend describes it."""
        raise CannotProvoke("this harness cannot look at disks of VMs")

    def write_as_guest(self, vm_uuid: UUID, key: str, offset: int, content: bytes) -> None:
        """Write to a disk of a VM that runs, as its guest would, until it is on the storage. Offset
        and length are multiples of 512.
        """
        raise CannotProvoke("no guest of this backend writes to a disk")

    def read_as_guest(self, vm_uuid: UUID, key: str, offset: int, length: int) -> bytes:
        """Read from a disk of a VM that runs, as its guest would."""
        raise CannotProvoke("no guest of this backend reads a disk")

    def storage_has(self, content: bytes) -> bool:
        """Whether the backend has these bytes, a whole number of times 512 or a word, in anything
        that outlives its processes: files, disks, descriptions and logs, but volumes.
        """
        raise CannotProvoke("this harness cannot search the storage of its backend")

    def as_raw(self, exported: bytes, format: DiskFormat) -> bytes:
        """What a guest would see of an exported disk that has nothing else but these bytes."""
        if format is DiskFormat.RAW:
            return exported
        raise CannotProvoke(f"this harness reads no {format.value}")

    def share(self) -> AbstractContextManager[tuple[ShareProtocol, str]]:
        """A directory that a file server offers inside the context; after it, the server is
        away.
        """
        raise CannotProvoke("this harness has no file server")

    def share_is_mounted(self, path: str, export: str) -> bool:
        """Whether this directory of a file server is what the host has at this path."""
        raise CannotProvoke("this harness cannot look at mounts")
