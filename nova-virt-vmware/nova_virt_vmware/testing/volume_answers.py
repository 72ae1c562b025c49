"""What the harness answers about volumes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nova_virt_interface.testing.harness_storage import StorageQuestions, TestVolume, VolumeWish
from nova_virt_interface.values.images import DiskFormat

from nova_virt_vmware.testing.server import Server
from nova_virt_vmware.testing.storage import Storage

__all__ = ["VolumeAnswers"]


class VolumeAnswers(StorageQuestions):
    """Asks the storage, and who uses it."""

    server: Server
    storage: Storage
    image_content: bytes

    @contextmanager
    def volume(self, wish: VolumeWish) -> Iterator[TestVolume]:
        """See `StorageQuestions`."""
        made = self.storage.made(wish)
        if wish.boots:
            self.storage.content(made).write_bytes(self.image_content)
        try:
            yield made
        finally:
            self.storage.remove(made)

    def as_raw(self, exported: bytes, format: DiskFormat) -> bytes:
        """See `StorageQuestions`: as qemu-img unpacks it."""
        if format is DiskFormat.RAW:
            return exported
        packed, raw = (self.server.folder / f"exported.{kind}" for kind in ("vmdk", "raw"))
        packed.write_bytes(exported)
        self.server.tool("qemu-img", "convert", "-O", "raw", packed.name, raw.name)
        return raw.read_bytes()

    def volume_content(self, volume: TestVolume) -> bytes:
        """See `StorageQuestions`."""
        return self.storage.content(volume).read_bytes()

    def volume_is_used(self, volume: TestVolume) -> bool:
        """See `StorageQuestions`."""
        return self.storage.is_used(volume)

    def grow_volume(self, volume: TestVolume, size_bytes: int) -> None:
        """See `StorageQuestions`."""
        self.storage.grow(volume, size_bytes)
