"""The grains of sparse VMDKs: of a stream-optimized one, where they are packed and each says where
it belongs, and of a hosted one, where tables at the beginning do.

The format: VMware Virtual Disks, Virtual Disk Format 5.0, "Hosted Sparse Extents" and
"Stream-Optimized Compressed Sparse Extents". Grains come in the order of their addresses, so that
it is read in one go.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple, Self

from nova_virt_interface.errors import Unsupported

from nova_virt_vmware.source import SECTOR, Source, damaged

__all__ = ["Header", "grains_of"]

_HEADER = struct.Struct("<4sIIQQQQIQQQB4sH")
_MARKER = struct.Struct("<QI")
_COMPRESSED_WITH_MARKERS = 0x30000
_DEFLATE = 1
# A grain is at most 64 KiB by the specification; the limit keeps a damaged one from eating memory.
_LARGEST_GRAIN_SECTORS = 2048
_LARGEST_TABLE = 4096
# Tables of a disk of 1 TiB, twice.
_LARGEST_OVERHEAD_SECTORS = 128 * 1024 * 2
_END_OF_STREAM = 0
# What a table has for a grain that is not there, or holds zeros.
_NO_GRAINS = (0, 1)


class Header(NamedTuple):
    """What the first sector says. Places and sizes are in sectors, but for `table_entries`."""

    is_packed: bool
    capacity: int
    grain: int
    descriptor: int
    table_entries: int
    directory: int
    overhead: int

    @classmethod
    def read(cls, source: Source) -> Self:
        """The header of a VMDK. Raises ImageCorrupt; Unsupported (another kind of VMDK)."""
        fields = _HEADER.unpack(source.exactly(SECTOR)[: _HEADER.size])
        magic, _, flags, capacity, grain, descriptor, _, entries, _, directory = fields[:10]
        overhead, _, newlines, compression = fields[10:]
        if magic != b"KDMV" or newlines != b"\n \r\n":
            raise damaged("it is no VMDK")
        packed = flags & _COMPRESSED_WITH_MARKERS, compression
        if packed not in ((_COMPRESSED_WITH_MARKERS, _DEFLATE), (0, 0)):
            raise _unsupported("its grains are packed in an unknown way")
        if not (0 < grain <= _LARGEST_GRAIN_SECTORS and overhead > 0):
            raise damaged("its VMDK header makes no sense")
        is_packed = compression == _DEFLATE
        return cls(is_packed, capacity, grain, descriptor, entries, directory, overhead)


def grains_of(source: Source, header: Header) -> Iterator[tuple[int, bytes]]:
    """Place and content of each grain, in bytes; what lies between them is zero.

    Raises: ImageCorrupt; Unsupported (grains are not in order).
    """
    position, size = 0, header.capacity * SECTOR
    for start, content in _packed(source, header) if header.is_packed else _plain(source, header):
        # The last grain is a whole one, also where the disk ends within it.
        part = content[: max(0, size - start)]
        if start < position or not part:
            raise damaged("a part is out of place")
        position = start + len(part)
        yield start, part


def _packed(source: Source, header: Header) -> Iterator[tuple[int, bytes]]:
    source.skip((header.overhead - 1) * SECTOR)
    # qemu-img leaves out the marker of the end.
    while not source.is_at_end():
        marker = source.exactly(SECTOR)
        value, size = _MARKER.unpack_from(marker)
        if size > 0:
            yield value * SECTOR, _unpacked(source, marker, size, header.grain * SECTOR)
        elif marker[_MARKER.size] == _END_OF_STREAM:
            return
        else:
            # Tables and the footer say again what the grains themselves say.
            source.skip(value * SECTOR)


def _unpacked(source: Source, marker: bytes, size: int, grain_bytes: int) -> bytes:
    if size > 2 * grain_bytes:
        raise damaged("a part is too long")
    missing = max(0, -(-(_MARKER.size + size) // SECTOR) * SECTOR - SECTOR)
    packed = (marker + source.exactly(missing))[_MARKER.size : _MARKER.size + size]
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(packed, grain_bytes)
    except zlib.error as error:
        raise damaged("a part is damaged", str(error)) from error
    if not unpacker.eof or len(content) % SECTOR:
        raise damaged("a part has a wrong length")
    return content


def _plain(source: Source, header: Header) -> Iterator[tuple[int, bytes]]:
    at = header.overhead
    for number, place in enumerate(_places(source, header)):
        if place in _NO_GRAINS:
            continue
        if place < at:
            raise _unsupported("its grains are not in the order of their addresses")
        source.skip((place - at) * SECTOR)
        yield number * header.grain * SECTOR, source.exactly(header.grain * SECTOR)
        at = place + header.grain


def _places(source: Source, header: Header) -> Iterator[int]:
    """Where each grain is in the file, by the tables that come before all grains."""
    if header.overhead > _LARGEST_OVERHEAD_SECTORS:
        raise _unsupported("its tables are too long")
    start = bytes(SECTOR) + source.exactly((header.overhead - 1) * SECTOR)
    _require_whole(start, header.descriptor)
    if not 0 < header.table_entries <= _LARGEST_TABLE:
        raise damaged("its tables make no sense")
    grains = -(-header.capacity // header.grain)
    tables = -(-grains // header.table_entries)
    try:
        for table in struct.unpack_from(f"<{tables}I", start, header.directory * SECTOR):
            count = min(grains, header.table_entries)
            yield from (
                struct.unpack_from(f"<{count}I", start, table * SECTOR) if table else ([0] * count)
            )
            grains -= count
    except (struct.error, OverflowError) as error:
        raise damaged("its tables are out of place", str(error)) from error


def _require_whole(start: bytes, descriptor: int) -> None:
    """The file is the whole disk: one extent, and no difference from another disk."""
    text = start[descriptor * SECTOR :].partition(b"\0")[0] if descriptor else b""
    lines = [line.strip() for line in text.split(b"\n")]
    extents = [line for line in lines if line.startswith((b"RW ", b"RDONLY ", b"NOACCESS "))]
    if len(extents) != 1 or b"parentCID=ffffffff" not in lines:
        raise _unsupported("it is a part of a disk")


def _unsupported(problem: str) -> Unsupported:
    return Unsupported(
        f"the VMDK cannot be read in one go: {problem}",
        remedy="convert it: qemu-img convert -O vmdk -o subformat=streamOptimized",
        field="format",
    )
