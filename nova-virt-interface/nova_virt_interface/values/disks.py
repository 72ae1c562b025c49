"""Virtual disks of a VM."""

from __future__ import annotations

import enum
from dataclasses import field

from nova_virt_interface.marks import enumeration, value
from nova_virt_interface.values._checks import at_least, device_key, fits, image_key
from nova_virt_interface.values.images import DiskFormat

__all__ = [
    "AttachDiskRequest",
    "Blank",
    "DetachDiskRequest",
    "DiskBus",
    "DiskSource",
    "DiskSpec",
    "FromImage",
    "Media",
    "MediaFormat",
]


@enumeration(since="1.0", open=True)
class DiskBus(enum.Enum):
    """The controller type by which a guest sees a disk."""

    VIRTIO = "virtio"
    SCSI = "scsi"
    IDE = "ide"
    SATA = "sata"
    NVME = "nvme"
    PARAVIRTUAL_SCSI = "paravirtual-scsi"
    XEN = "xen"


@enumeration(since="1.0", open=True)
class MediaFormat(enum.Enum):
    """Format of a small read-only medium, such as a config drive."""

    ISO9660 = "iso9660"
    VFAT = "vfat"


@value(since="1.0")
class Blank:
    """A disk of zeros. Whoever wants a file system on it makes it in the guest."""


@value(since="1.0")
class FromImage:
    """A writable disk that begins as a cached image and does not change it."""

    image_key: str

    def __post_init__(self) -> None:
        image_key(self.image_key, "image_key")


@value(since="1.0")
class Media:
    """A read-only medium whose whole content comes with the request.

    [MEDIA-1] The content may hold passwords: a driver stores it nowhere but on the medium itself,
    with access for nobody who has none to the VM's disks, and removes it with the VM.
    """

    format: MediaFormat
    content: bytes = field(metadata={"digest": False})

    def __post_init__(self) -> None:
        fits(len(self.content) > 0, "content", "is empty")

    def __repr__(self) -> str:
        return f"Media(format={self.format}, content=<{len(self.content)} bytes>)"


DiskSource = Blank | FromImage | Media


@value(since="1.0")
class DiskSpec:
    """One disk.

    [DISK-1] Core names a disk by a key that is unique within its VM and stays the same for the
    disk's life. A bus address or device name never leaves the driver.
    """

    key: str
    source: DiskSource
    size_bytes: int | None = None
    """Size that the guest sees; None only for `Media`, whose content has its size."""
    format: DiskFormat | None = None
    """How the host stores it; None: as the driver likes best."""
    bus: DiskBus | None = None
    """None: as the driver likes best."""
    boot_index: int | None = None
    """The guest's firmware tries disks in this order, lowest first; None: never."""

    def __post_init__(self) -> None:
        device_key(self.key, "key")
        at_least(1, self.size_bytes, "size_bytes")
        at_least(0, self.boot_index, "boot_index")
        is_media = isinstance(self.source, Media)
        fits(
            is_media == (self.size_bytes is None), "size_bytes", "is given for all disks but media"
        )


@value(since="1.0")
class AttachDiskRequest:
    """The disk to add to a VM."""

    disk: DiskSpec


@value(since="1.0")
class DetachDiskRequest:
    """Which disk to remove from a VM; its content is deleted."""

    key: str
    guest_timeout_seconds: float = 30.0
    """How long a running guest may take to let go of the disk."""

    def __post_init__(self) -> None:
        device_key(self.key, "key")
        fits(self.guest_timeout_seconds >= 0, "guest_timeout_seconds", "is negative")
