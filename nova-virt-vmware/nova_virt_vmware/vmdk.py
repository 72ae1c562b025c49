"""Reads an image as the bytes of the disk: a raw one as it is, a stream-optimized VMDK unpacked.

The format: VMware Virtual Disks, Virtual Disk Format 5.0, "Stream-Optimized Compressed Sparse
Extents". Grains come in the order of their addresses, so that it is read in one go.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

from nova_virt_interface.errors import ImageCorrupt, Unsupported
from nova_virt_interface.values.images import DiskFormat

__all__ = ["ImageStream"]

_SECTOR = 512
_CHUNK_BYTES = 1024 * 1024
_HEADER = struct.Struct("<4sIIQQQQIQQQB4sH")
_MARKER = struct.Struct("<QI")
_COMPRESSED_WITH_MARKERS = 0x30000
_DEFLATE = 1
# A grain is at most 64 KiB by the specification; the limit keeps a damaged one from eating memory.
_LARGEST_GRAIN_SECTORS = 2048
_END_OF_STREAM = 0

Read = Callable[[int], bytes]


class ImageStream:
    """An image while it is read once from start to end.

    Args:
        read: returns the next bytes, at most so many, empty at the end.
        format: of the image.
        size_bytes: of the image, as it was announced.

    Raises: ImageCorrupt; Unsupported (a VMDK of another kind), from the start and while reading.
    """

    def __init__(self, read: Read, format: DiskFormat, size_bytes: int) -> None:
        self._read = read
        self._buffer = b""
        self.virtual_size_bytes = -(-size_bytes // _SECTOR) * _SECTOR
        """Size of the disk, whole sectors."""
        self._is_raw = format is DiskFormat.RAW
        if not self._is_raw:
            self._read_header()

    def _read_header(self) -> None:
        fields = _HEADER.unpack(self._exactly(_SECTOR)[: _HEADER.size])
        magic, _, flags, capacity, grain, *_, overhead, _, newlines, compression = fields
        if magic != b"KDMV" or newlines != b"\n \r\n":
            raise ImageCorrupt("it is no VMDK", remedy="upload the image again")
        if flags & _COMPRESSED_WITH_MARKERS != _COMPRESSED_WITH_MARKERS or compression != _DEFLATE:
            raise Unsupported(
                "it is a VMDK, but not a stream-optimized one",
                remedy="convert it: qemu-img convert -O vmdk -o subformat=streamOptimized",
                field="format",
            )
        if not (0 < grain <= _LARGEST_GRAIN_SECTORS and overhead > 0):
            raise ImageCorrupt("its VMDK header makes no sense", remedy="upload the image again")
        self._grain_bytes = grain * _SECTOR
        self.virtual_size_bytes = capacity * _SECTOR
        self._skip((overhead - 1) * _SECTOR)

    def chunks(self) -> Iterator[bytes]:
        """The bytes of the disk, `virtual_size_bytes` in all; ends after the source's end."""
        position = 0
        for start, content in self._raw() if self._is_raw else self._grains():
            yield from _zeros(start - position)
            yield content
            position = start + len(content)
        # Only the read that returns the end says whether the image is good.
        while self._read(_CHUNK_BYTES):
            continue
        yield from _zeros(self.virtual_size_bytes - position)

    def _raw(self) -> Iterator[tuple[int, bytes]]:
        position = 0
        while chunk := self._read(_CHUNK_BYTES):
            if position + len(chunk) > self.virtual_size_bytes:
                raise ImageCorrupt("it is longer than announced", remedy="upload the image again")
            yield position, chunk
            position += len(chunk)

    def _grains(self) -> Iterator[tuple[int, bytes]]:
        position = 0
        # qemu-img leaves out the marker of the end.
        while self._buffer or self._fill():
            marker = self._exactly(_SECTOR)
            value, size = _MARKER.unpack_from(marker)
            if size == 0:
                if marker[_MARKER.size] == _END_OF_STREAM:
                    return
                # Tables and the footer say again what the grains themselves say.
                self._skip(value * _SECTOR)
                continue
            start, content = value * _SECTOR, self._grain(marker, size)
            # The last grain is a whole one, also where the disk ends within it.
            content = content[: max(0, self.virtual_size_bytes - start)]
            if start < position or not content:
                raise ImageCorrupt("a part is out of place", remedy="upload the image again")
            position = start + len(content)
            yield start, content

    def _grain(self, marker: bytes, size: int) -> bytes:
        if size > 2 * self._grain_bytes:
            raise ImageCorrupt("a part is too long", remedy="upload the image again")
        missing = max(0, -(-(_MARKER.size + size) // _SECTOR) * _SECTOR - _SECTOR)
        packed = (marker + self._exactly(missing))[_MARKER.size : _MARKER.size + size]
        unpacker = zlib.decompressobj()
        try:
            content = unpacker.decompress(packed, self._grain_bytes)
        except zlib.error as error:
            raise ImageCorrupt(
                "a part is damaged", detail=str(error), remedy="upload the image again"
            ) from error
        if not unpacker.eof or len(content) % _SECTOR:
            raise ImageCorrupt("a part has a wrong length", remedy="upload the image again")
        return content

    def _fill(self) -> bool:
        self._buffer = self._read(_CHUNK_BYTES)
        return bool(self._buffer)

    def _exactly(self, size: int) -> bytes:
        parts = [self._buffer]
        have = len(self._buffer)
        while have < size:
            chunk = self._read(_CHUNK_BYTES)
            if not chunk:
                raise ImageCorrupt("it ends too early", remedy="upload the image again")
            parts.append(chunk)
            have += len(chunk)
        whole = b"".join(parts)
        self._buffer = whole[size:]
        return whole[:size]

    def _skip(self, size: int) -> None:
        while size > 0:
            size -= len(self._exactly(min(size, _CHUNK_BYTES)))


def _zeros(count: int) -> Iterator[bytes]:
    while count > 0:
        part = bytes(min(count, _CHUNK_BYTES))
        yield part
        count -= len(part)
