"""Reads an image as the bytes of the disk: a raw one as it is, a sparse VMDK unpacked."""

from __future__ import annotations

from collections.abc import Iterator

from nova_virt_interface.values.images import DiskFormat

from nova_virt_vmware.source import CHUNK_BYTES, SECTOR, Read, Source, damaged
from nova_virt_vmware.sparse import Header, grains_of

__all__ = ["ImageStream"]


class ImageStream:
    """An image while it is read once from start to end.

    Args:
        read: returns the next bytes, at most so many, empty at the end.
        format: of the image.
        size_bytes: of the image, as it was announced.

    Raises: ImageCorrupt; Unsupported (a VMDK of another kind), from the start and while reading.
    """

    def __init__(self, read: Read, format: DiskFormat, size_bytes: int) -> None:
        self._source = Source(read)
        self._header = None if format is DiskFormat.RAW else Header.read(self._source)
        sectors = self._header.capacity if self._header else -(-size_bytes // SECTOR)
        self.virtual_size_bytes = sectors * SECTOR
        """Size of the disk, whole sectors."""

    @property
    def is_packed(self) -> bool:
        """Whether it is a stream-optimized VMDK, which a host takes as it is."""
        return self._header is not None and self._header.is_packed

    def chunks(self) -> Iterator[bytes]:
        """The bytes of the disk, `virtual_size_bytes` in all; ends after the source's end."""
        position = 0
        parts = grains_of(self._source, self._header) if self._header else self._raw()
        for start, content in parts:
            yield from _zeros(start - position)
            yield content
            position = start + len(content)
        # Only the read that returns the end says whether the image is good.
        while self._source.some():
            continue
        yield from _zeros(self.virtual_size_bytes - position)

    def _raw(self) -> Iterator[tuple[int, bytes]]:
        position = 0
        while chunk := self._source.some():
            if position + len(chunk) > self.virtual_size_bytes:
                raise damaged("it is longer than announced")
            yield position, chunk
            position += len(chunk)


def _zeros(count: int) -> Iterator[bytes]:
    while count > 0:
        part = bytes(min(count, CHUNK_BYTES))
        yield part
        count -= len(part)
