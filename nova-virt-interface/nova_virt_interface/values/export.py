"""Disks that leave a hypervisor as images."""

from __future__ import annotations

import enum

from nova_virt_interface.marks import enumeration, value
from nova_virt_interface.values._checks import device_key, fits, image_key
from nova_virt_interface.values.images import DiskFormat

__all__ = ["Consistency", "ExportDiskRequest", "ExportedDisk"]


@enumeration(since="1.0", open=False)
class Consistency(enum.Enum):
    """What a guest's file systems are like in a copy that was made while it ran."""

    CRASH = "crash"
    """As after a loss of power."""
    QUIESCED = "quiesced"
    """The guest was brought to rest for a moment; one that does not answer fails the export."""


@value(since="1.0")
class ExportDiskRequest:
    """The disk to export, and where to."""

    disk_key: str
    sink_key: str
    """Core's name of the image in `IImageSink`."""
    format: DiskFormat
    consistency: Consistency = Consistency.CRASH
    guest_timeout_seconds: float = 60.0
    """How long a guest may take to come to rest."""

    def __post_init__(self) -> None:
        device_key(self.disk_key, "disk_key")
        image_key(self.sink_key, "sink_key")
        fits(self.guest_timeout_seconds >= 0, "guest_timeout_seconds", "is negative")


@value(since="1.0")
class ExportedDisk:
    """What was exported."""

    format: DiskFormat
    size_bytes: int
    """How many bytes the sink took."""
    virtual_size_bytes: int
    """Size of the disk that a guest sees."""
