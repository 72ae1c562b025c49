"""Images, and their copies in a hypervisor's cache."""

from __future__ import annotations

import enum

from nova_virt_interface.marks import enumeration, value
from nova_virt_interface.values._checks import at_least, image_key

__all__ = ["CacheImageRequest", "CachedImage", "DeleteImageRequest", "DiskFormat"]


@enumeration(since="1.0", open=True)
class DiskFormat(enum.Enum):
    """Format of an image or of a virtual disk."""

    RAW = "raw"
    QCOW2 = "qcow2"
    VHD = "vhd"
    VHDX = "vhdx"
    VMDK = "vmdk"
    VDI = "vdi"


@value(since="1.0")
class CacheImageRequest:
    """The image to bring into the cache.

    [IMG-1] Core chooses the name under which an image is cached, and never gives one name to two
    contents.
    """

    key: str
    """Core's name for this content."""
    format: DiskFormat
    """Format of the bytes that the image source delivers."""
    size_bytes: int
    """How many bytes the image source delivers."""

    def __post_init__(self) -> None:
        image_key(self.key, "key")
        at_least(1, self.size_bytes, "size_bytes")


@value(since="1.0")
class DeleteImageRequest:
    """The image to remove from the cache."""

    key: str

    def __post_init__(self) -> None:
        image_key(self.key, "key")


@value(since="1.0")
class CachedImage:
    """An image in the cache, complete and ready to be booted from."""

    key: str
    format: DiskFormat
    """As it is stored; a driver may have converted it."""
    virtual_size_bytes: int
    """Size of the disk that a guest sees."""
    stored_bytes: int
    """What it takes of the host's storage."""
