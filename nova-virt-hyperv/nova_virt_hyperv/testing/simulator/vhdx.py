"""VHDX files: writes new ones without data, and reads what a file says of itself.

Format: MS-VHDX, https://learn.microsoft.com/openspecs/windows_protocols/ms-vhdx
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from uuid import UUID, uuid4

__all__ = ["NotVhdx", "Vhdx", "block_table_offset", "create", "read", "resize"]

_MIB = 1024 * 1024
_SIGNATURE = b"vhdxfile"
_HEADERS = (64 * 1024, 128 * 1024)
_REGION_TABLES = (192 * 1024, 256 * 1024)
_TABLE_BYTES = 64 * 1024
_LOG_AT, _METADATA_AT, _BAT_AT = _MIB, 2 * _MIB, 3 * _MIB
# The host writes larger disks in larger blocks, so that their table has room.
_BLOCK_BYTES, _LARGE_BLOCK_BYTES = _MIB, 32 * _MIB
_LARGE_BYTES = 64 * 1024 * _MIB
_SECTOR_BYTES = 512

_BAT = UUID("2DC27766-F623-4200-9D64-115E9BFD4A08")
_METADATA = UUID("8B7CA206-4790-4B9A-B8FE-575F050F886E")
_FILE_PARAMETERS = UUID("CAA16737-FA36-4D43-B3B6-33F0AA44E76B")
_DISK_SIZE = UUID("2FA54224-CD1B-4876-B211-5DBED83BF4B8")
_DISK_ID = UUID("BECA12AB-B2E6-4523-93EF-C309E000C746")
_LOGICAL_SECTOR = UUID("8141BF1D-A96F-4709-BA47-F233A8FAAB5F")
_PHYSICAL_SECTOR = UUID("CDA348C7-445D-4471-9CC9-E9885251C556")
_PARENT_LOCATOR = UUID("A8D35F2D-B30B-454D-ABF7-D3D84834AB0C")
_VHDX_PARENT = UUID("B04AEFB7-D19E-4A81-B789-25B8E9445913")
_HAS_PARENT = 2


class NotVhdx(Exception):
    """The file is no virtual disk of this format, or it is damaged."""


@dataclass(frozen=True)
class Vhdx:
    """What a file says of itself."""

    size_bytes: int
    disk_id: UUID
    block_bytes: int
    logical_sector_bytes: int
    physical_sector_bytes: int
    parent_path: str = ""


def create(path: Path, size_bytes: int, parent_path: str = "") -> None:
    """Write a file whose disk is all zeros, or all its parent's; fails if it exists."""
    block = _BLOCK_BYTES if size_bytes <= _LARGE_BYTES else _LARGE_BLOCK_BYTES
    items = [
        (_FILE_PARAMETERS, struct.pack("<II", block, _HAS_PARENT if parent_path else 0)),
        (_DISK_SIZE, struct.pack("<Q", size_bytes)),
        (_DISK_ID, uuid4().bytes_le),
        (_LOGICAL_SECTOR, struct.pack("<I", _SECTOR_BYTES)),
        (_PHYSICAL_SECTOR, struct.pack("<I", 4096)),
    ]
    if parent_path:
        items.append((_PARENT_LOCATOR, _locator(parent_path)))
    with path.open("xb") as file:
        for offset, content in (
            (0, _SIGNATURE + "nova-virt simulator".encode("utf-16-le")),
            (_HEADERS[0], _header(0)),
            (_HEADERS[1], _header(1)),
            *((place, _region_table()) for place in _REGION_TABLES),
            (_METADATA_AT, _metadata(items)),
        ):
            file.seek(offset)
            file.write(content)
        file.truncate(_BAT_AT + _MIB)


def read(path: Path) -> Vhdx:
    """Read a file's metadata. Raises NotVhdx."""
    items = _items(_metadata_of(path)[1])
    try:
        block, flags = struct.unpack("<II", items[_FILE_PARAMETERS][:8])
        locator = items[_PARENT_LOCATOR] if flags & _HAS_PARENT else b""
        return Vhdx(
            size_bytes=struct.unpack("<Q", items[_DISK_SIZE])[0],
            disk_id=UUID(bytes_le=items[_DISK_ID]),
            block_bytes=block,
            logical_sector_bytes=struct.unpack("<I", items[_LOGICAL_SECTOR])[0],
            physical_sector_bytes=struct.unpack("<I", items[_PHYSICAL_SECTOR])[0],
            parent_path=_parent(locator) if locator else "",
        )
    except (KeyError, ValueError, struct.error) as error:
        raise NotVhdx("the metadata are incomplete") from error


def resize(path: Path, size_bytes: int) -> None:
    """Change the size that the metadata state."""
    at, region = _metadata_of(path)
    for index in range(struct.unpack_from("<H", region, 10)[0]):
        entry = 32 + 32 * index
        if UUID(bytes_le=region[entry : entry + 16]) == _DISK_SIZE:
            offset = struct.unpack_from("<I", region, entry + 16)[0]
            with path.open("r+b") as file:
                file.seek(at + offset)
                file.write(struct.pack("<Q", size_bytes))


def _metadata_of(path: Path) -> tuple[int, bytes]:
    """Where the metadata begin, and what they are."""
    with path.open("rb") as file:
        start = file.read(_LOG_AT)
        if not start.startswith(_SIGNATURE):
            raise NotVhdx("the signature is missing")
        at = _region_offset(start, _METADATA)
        file.seek(at)
        region = file.read(_MIB)
    if not region.startswith(b"metadata"):
        raise NotVhdx("the metadata are missing")
    return at, region


def block_table_offset(path: Path) -> int:
    """Where the table of blocks begins. Raises NotVhdx."""
    with path.open("rb") as file:
        return _region_offset(file.read(_LOG_AT), _BAT)


def _region_offset(content: bytes, name: UUID) -> int:
    for table in _REGION_TABLES:
        if content[table : table + 4] != b"regi":
            continue
        stored = struct.unpack_from("<I", content, table + 4)[0]
        body = bytearray(content[table : table + _TABLE_BYTES])
        body[4:8] = bytes(4)
        if _crc32c(bytes(body)) != stored:
            continue
        for index in range(struct.unpack_from("<I", content, table + 8)[0]):
            entry = table + 16 + 32 * index
            if UUID(bytes_le=content[entry : entry + 16]) == name:
                found: int = struct.unpack_from("<Q", content, entry + 16)[0]
                return found
    raise NotVhdx("no region table is intact")


def _items(region: bytes) -> dict[UUID, bytes]:
    found = {}
    for index in range(struct.unpack_from("<H", region, 10)[0]):
        entry = 32 + 32 * index
        offset, length = struct.unpack_from("<II", region, entry + 16)
        found[UUID(bytes_le=region[entry : entry + 16])] = region[offset : offset + length]
    return found


def _header(sequence: int) -> bytes:
    body = bytearray(4096)
    body[0:4] = b"head"
    struct.pack_into("<Q", body, 8, sequence)
    body[16:32] = uuid4().bytes_le
    body[32:48] = uuid4().bytes_le
    struct.pack_into("<HHIQ", body, 64, 0, 1, _MIB, _LOG_AT)
    return _summed(body)


def _region_table() -> bytes:
    body = bytearray(_TABLE_BYTES)
    body[0:4] = b"regi"
    struct.pack_into("<I", body, 8, 2)
    for index, (region, offset) in enumerate(((_BAT, _BAT_AT), (_METADATA, _METADATA_AT))):
        entry = 16 + 32 * index
        body[entry : entry + 16] = region.bytes_le
        struct.pack_into("<QII", body, entry + 16, offset, _MIB, 1)
    return _summed(body)


def _metadata(items: list[tuple[UUID, bytes]]) -> bytes:
    body = bytearray(_MIB)
    body[0:8] = b"metadata"
    struct.pack_into("<H", body, 10, len(items))
    place = _TABLE_BYTES
    for index, (name, content) in enumerate(items):
        entry = 32 + 32 * index
        # Flags: required; all but the file's own parameters and locator are about the disk.
        flags = 4 if name in (_FILE_PARAMETERS, _PARENT_LOCATOR) else 6
        body[entry : entry + 16] = name.bytes_le
        struct.pack_into("<III", body, entry + 16, place, len(content), flags)
        body[place : place + len(content)] = content
        place += len(content)
    return bytes(body)


def _locator(parent_path: str) -> bytes:
    key, text = "absolute_win32_path".encode("utf-16-le"), parent_path.encode("utf-16-le")
    start = 20 + 12
    head = _VHDX_PARENT.bytes_le + struct.pack("<HH", 0, 1)
    entry = struct.pack("<IIHH", start, start + len(key), len(key), len(text))
    return head + entry + key + text


def _parent(locator: bytes) -> str:
    for index in range(struct.unpack_from("<H", locator, 18)[0]):
        key_at, text_at, key_length, length = struct.unpack_from("<IIHH", locator, 20 + 12 * index)
        key = locator[key_at : key_at + key_length].decode("utf-16-le")
        if key == "absolute_win32_path":
            return locator[text_at : text_at + length].decode("utf-16-le")
    raise NotVhdx("the parent has no path")


def _summed(body: bytearray) -> bytes:
    struct.pack_into("<I", body, 4, _crc32c(bytes(body)))
    return bytes(body)


@cache
def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


# The same few tables are in nearly all files, and are read again with every block.
@lru_cache(maxsize=32)
def _crc32c(content: bytes) -> int:
    table, value = _crc_table(), 0xFFFFFFFF
    for byte in content:
        value = table[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF
