"""What is on virtual disks: reads and writes blocks of VHDX files, through chains of differencing
ones.

Format: MS-VHDX, https://learn.microsoft.com/openspecs/windows_protocols/ms-vhdx (BAT, 2.5). Blocks
of differencing disks are written whole, so that no sector bitmap is needed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from nova_virt_hyperv.testing.simulator import vhdx

__all__ = ["copy", "merge", "read", "write"]

_MIB = 1024 * 1024
_PRESENT = 6
_SECTORS_PER_BITMAP_BYTES = 2**23 * 512
_STATE_MASK = 7

Find = Callable[[str], Path]


class _Disk:
    """One file of a chain."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.meta = vhdx.read(path)
        self._table_at = vhdx.block_table_offset(path)
        self._ratio = _SECTORS_PER_BITMAP_BYTES // self.meta.block_bytes

    def blocks(self) -> range:
        return range(-(-self.meta.size_bytes // self.meta.block_bytes))

    def load(self, block: int) -> bytes | None:
        """A block's content; None if the file does not have it."""
        with self.path.open("rb") as file:
            file.seek(self._entry_at(block))
            (entry,) = struct.unpack("<Q", file.read(8).ljust(8, b"\0"))
            if entry & _STATE_MASK != _PRESENT:
                return None
            file.seek(entry >> 20 << 20)
            return file.read(self.meta.block_bytes).ljust(self.meta.block_bytes, b"\0")

    def store(self, block: int, content: bytes) -> None:
        """Write a whole block."""
        with self.path.open("r+b") as file:
            at = self._entry_at(block)
            file.seek(at)
            (entry,) = struct.unpack("<Q", file.read(8).ljust(8, b"\0"))
            place = entry >> 20 << 20
            if entry & _STATE_MASK != _PRESENT:
                place = -(-file.seek(0, 2) // _MIB) * _MIB
            file.seek(place)
            file.write(content.ljust(self.meta.block_bytes, b"\0"))
            file.seek(at)
            file.write(struct.pack("<Q", place | _PRESENT))

    def _entry_at(self, block: int) -> int:
        return self._table_at + 8 * (block + block // self._ratio)


def read(path: Path, offset: int, size: int, find: Find) -> bytes:
    """Bytes of a disk as its guest sees them; ``find`` tells where a parent's path is here."""
    disk, found = _Disk(path), b""
    while len(found) < size and offset + len(found) < disk.meta.size_bytes:
        block, inside = divmod(offset + len(found), disk.meta.block_bytes)
        found += _block(disk, block, find)[inside : inside + size - len(found)]
    return found[:size]


def write(path: Path, offset: int, content: bytes, find: Find) -> None:
    """Write bytes to a disk as its guest would."""
    disk = _Disk(path)
    while content:
        block, inside = divmod(offset, disk.meta.block_bytes)
        part = content[: disk.meta.block_bytes - inside]
        before = _block(disk, block, find)
        disk.store(block, before[:inside] + part + before[inside + len(part) :])
        offset, content = offset + len(part), content[len(part) :]


def copy(source: Path, target: Path, find: Find) -> None:
    """Make a disk that stands alone of the same content."""
    disk = _Disk(source)
    vhdx.create(target, disk.meta.size_bytes)
    for offset, content in _written(disk, find):
        write(target, offset, content, find)


def merge(child: Path, parent: Path, find: Find) -> None:
    """Write into a parent what its child has, and give it the child's size."""
    disk = _Disk(child)
    vhdx.resize(parent, disk.meta.size_bytes)
    for block in disk.blocks():
        content = disk.load(block)
        if content is not None:
            write(parent, block * disk.meta.block_bytes, content, find)


def _written(disk: _Disk, find: Find) -> Iterator[tuple[int, bytes]]:
    for block in disk.blocks():
        content = _block(disk, block, find)
        if content.strip(b"\0"):
            at = block * disk.meta.block_bytes
            yield at, content[: disk.meta.size_bytes - at]


def _block(disk: _Disk, block: int, find: Find) -> bytes:
    found = disk.load(block)
    if found is not None:
        return found
    size = disk.meta.block_bytes
    if not disk.meta.parent_path:
        return bytes(size)
    return read(find(disk.meta.parent_path), block * size, size, find).ljust(size, b"\0")
