"""Steps that the suites of volumes share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

from nova_virt_interface.hypervisor.console import IConsoleLog
from nova_virt_interface.hypervisor.images import IImageCache
from nova_virt_interface.hypervisor.volumes import IVolumeConnector
from nova_virt_interface.secret import Secret
from nova_virt_interface.testing.harness_storage import TestVolume, VolumeWish
from nova_virt_interface.testing.suite._mixins import HypervisorMixin, blank_disk
from nova_virt_interface.values.disks import AttachDiskRequest, DetachDiskRequest, DiskSpec
from nova_virt_interface.values.secrets import DeviceSecret, SecretPurpose
from nova_virt_interface.values.volumes import (
    Encryption,
    EncryptionFormat,
    Volume,
    VolumeProtocol,
)

__all__ = [
    "KEY",
    "LUKS",
    "MARK",
    "PASSPHRASE",
    "PASSWORD",
    "PLAIN",
    "VOLUME_BYTES",
    "VolumeMixin",
    "secret",
    "volume_disk",
]

KEY = "volume"
VOLUME_BYTES = 4 * 1024 * 1024
MARK = b"written by a conformance test".ljust(512, b".")
PASSPHRASE = "correct-horse-battery-staple"  # noqa: S105 - looked for where it must not be
PASSWORD = "staple-horse-12"  # noqa: S105 - likewise
_FILES = (VolumeProtocol.FILE, VolumeProtocol.NFS, VolumeProtocol.SMB)


class VolumeMixin(HypervisorMixin):
    """Makes volumes, and attaches them."""

    def protocols(self) -> tuple[VolumeProtocol, ...]:
        """Those that the host takes; skips a host without."""
        offered: tuple[VolumeProtocol, ...] = (
            self.requires(IVolumeConnector).describe().volume_protocols
        )
        self.assertTrue(offered, "it has a connector, and connects to nothing")
        return offered

    def protocol_of_files(self) -> VolumeProtocol:
        """One whose volumes are files; skips nothing, for what needs it is provided for files."""
        return next(protocol for protocol in self.protocols() if protocol in _FILES)

    @contextmanager
    def volume(self, protocol: VolumeProtocol | None = None, **wishes: Any) -> Iterator[TestVolume]:
        """A volume, of the host's first protocol unless told otherwise."""
        wish: dict[str, Any] = {
            "protocol": protocol or self.protocols()[0],
            "size_bytes": VOLUME_BYTES,
        } | wishes
        with self.harness.volume(VolumeWish(**wish)) as made:
            yield made

    def listening(self, *more: DiskSpec) -> UUID:
        """A VM that runs; where guests boot, its guest has come up, so that it lets go of disks."""
        tracked = self.hypervisor
        guests = IImageCache.providedBy(tracked) and IConsoleLog.providedBy(tracked)
        if guests and self.harness.image().boots:
            return self.booted(more)
        return self.running(disks=(blank_disk(self.harness), *more))

    def attached(self, vm_uuid: UUID, disk: DiskSpec, *secrets: DeviceSecret) -> None:
        """Attach a disk."""
        self.hypervisor.attach_disk(vm_uuid, AttachDiskRequest(disk=disk, secrets=secrets))

    def detached(self, vm_uuid: UUID, key: str = KEY) -> None:
        """Detach a disk of a guest that has none to ask."""
        self.hypervisor.detach_disk(vm_uuid, DetachDiskRequest(key=key))


def volume_disk(made: TestVolume, *, boot_index: int | None = None, **fields: Any) -> DiskSpec:
    """The disk of a volume."""
    source = Volume(volume_id=uuid4(), connection=made.connection, **fields)
    return DiskSpec(key=KEY, source=source, size_bytes=made.size_bytes, boot_index=boot_index)


LUKS = Encryption(format=EncryptionFormat.LUKS)
PLAIN = Encryption(format=EncryptionFormat.PLAIN)
"""What most hypervisors do not take: nobody could tell a wrong passphrase from the right one."""


def secret(
    content: str = PASSPHRASE, key: str = KEY, purpose: SecretPurpose = SecretPurpose.ENCRYPTION
) -> DeviceSecret:
    """A secret of a disk."""
    return DeviceSecret(key=key, purpose=purpose, secret=Secret(content))
