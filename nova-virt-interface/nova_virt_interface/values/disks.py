"""Virtual disks of a VM."""

from __future__ import annotations

import enum
from dataclasses import field

from nova_virt_interface.marks import enumeration, value
from nova_virt_interface.values._checks import at_least, device_key, fits, image_key
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.secrets import DeviceSecret
from nova_virt_interface.values.volumes import Encryption, Volume

__all__ = [
    "AttachDiskRequest",
    "Blank",
    "DetachDiskRequest",
    "DiskBus",
    "DiskLimits",
    "DiskSource",
    "DiskSpec",
    "FromImage",
    "Imported",
    "Media",
    "MediaFormat",
    "ResizeDiskRequest",
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


@value(since="1.0")
class Imported:
    """A writable disk whose whole content is read from `IImageSource`, into no cache: what another
    host exported.
    """

    key: str
    """Core's name for this content in the source."""
    format: DiskFormat
    """Of the bytes that the source delivers."""
    size_bytes: int
    """How many bytes the source delivers."""

    def __post_init__(self) -> None:
        image_key(self.key, "key")
        at_least(1, self.size_bytes, "size_bytes")


DiskSource = Blank | FromImage | Imported | Media | Volume


@value(since="1.0")
class DiskLimits:
    """What a disk may do at most, together in both directions; None: no limit."""

    bytes_per_second: int | None = None
    requests_per_second: int | None = None

    def __post_init__(self) -> None:
        at_least(1, self.bytes_per_second, "bytes_per_second")
        at_least(1, self.requests_per_second, "requests_per_second")


@value(since="1.0")
class DiskSpec:
    """One disk.

    [DISK-1] Core names a disk by a key that is unique within its VM and stays the same for the
    disk's life. No bus address or device name is an identity.
    [DISK-8] The guest sees at least ``size_bytes``, and less than one step of
    `HostDescription.disk_step_bytes` more. A volume has its own size.
    [DISK-9] Of a stopped VM's disks the one with the lowest boot index is booted, whenever it was
    attached. Where a hypervisor boots only what is in the first place, the driver brings that disk
    there: core leaves lower indexes free for disks that come later.
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
    """The guest's firmware tries disks in this order, lowest first; None: never. A firmware that
    tries one disk alone tries the lowest.
    """
    encryption: Encryption | None = None
    """Of a disk that the host keeps; a `Volume` has its own."""
    limits: DiskLimits | None = None
    serial: str | None = None
    """What the guest reads as the disk's serial number; None: as the driver likes best."""

    def __post_init__(self) -> None:
        device_key(self.key, "key")
        at_least(1, self.size_bytes, "size_bytes")
        at_least(0, self.boot_index, "boot_index")
        is_media = isinstance(self.source, Media)
        fits(
            is_media == (self.size_bytes is None), "size_bytes", "is given for all disks but media"
        )
        fits(
            self.encryption is None or not isinstance(self.source, Media | Volume),
            "encryption",
            "is for disks that the host keeps",
        )


@value(since="1.0")
class AttachDiskRequest:
    """The disk to add to a VM."""

    disk: DiskSpec
    secrets: tuple[DeviceSecret, ...] = ()
    """Of this disk."""


@value(since="1.0")
class DetachDiskRequest:
    """Which disk to remove from a VM; its content is deleted, but that of a volume."""

    key: str
    guest_timeout_seconds: float = 30.0
    """How long a running guest may take to let go of the disk."""

    def __post_init__(self) -> None:
        device_key(self.key, "key")
        fits(self.guest_timeout_seconds >= 0, "guest_timeout_seconds", "is negative")


@value(since="1.0")
class ResizeDiskRequest:
    """The size to which a disk has grown, or is to grow."""

    key: str
    size_bytes: int

    def __post_init__(self) -> None:
        device_key(self.key, "key")
        at_least(1, self.size_bytes, "size_bytes")
