"""Disk content over HTTP: ``PUT /import_raw_vdi`` and ``GET /export_raw_vdi``."""

from __future__ import annotations

import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.world import Context

__all__ = ["Source", "chunks", "exported", "host_for", "receive", "vdi_of"]

_CHUNK_BYTES: Final = 256 * 1024
_SECTOR_BYTES: Final = 512
_VHD_BLOCK_BYTES: Final = 2 * 1024 * 1024


class Source(Protocol):
    """Where content comes from: read returns fewer bytes than asked for at the end only."""

    def read(self, size: int, /) -> bytes:
        """The next bytes."""


def vdi_of(ctx: Context, named: str) -> str:
    """The VDI of a reference or uuid."""
    if ctx.db.exists("VDI", named):
        return named
    for ref, _ in ctx.db.where("VDI", uuid=named):
        return ref
    raise XapiError("HANDLE_INVALID", "VDI", named)


def host_for(ctx: Context, vdi: str) -> str | None:
    """The address of a host that sees the VDI's storage repository; None: this one does."""
    sr = ctx.db.get("VDI", vdi)["SR"]
    seeing = [pbd["host"] for _, pbd in ctx.db.where("PBD", SR=sr, currently_attached=True)]
    if not seeing or ctx.host in seeing:
        return None
    return str(ctx.db.get("host", seeing[0])["address"])


def receive(source: Source, path: Path, length: int, format: str) -> None:
    """Write what comes into a disk; raises INTERNAL_ERROR for content that is none."""
    size = path.stat().st_size
    reader = _Exactly(source, length)
    with path.open("r+b") as file:
        if format == "vhd":
            _receive_vhd(reader, file, size)
            return
        if format == "qcow2":
            _receive_qcow2(reader, path)
            return
        if length > size:
            raise XapiError("INTERNAL_ERROR", "Caught exception: End_of_file")
        while chunk := reader.read(min(_CHUNK_BYTES, reader.left)):
            file.write(chunk)


class _Exactly:
    """The bytes that were announced, and an error when there are fewer."""

    def __init__(self, source: Source, length: int) -> None:
        self._source = source
        self.left = length

    def read(self, size: int) -> bytes:
        wanted = min(size, self.left)
        data = self._source.read(wanted) if wanted else b""
        if len(data) < wanted:
            raise XapiError("INTERNAL_ERROR", "Caught exception: unexpected end of stream")
        self.left -= wanted
        return data


def exported(path: Path, format: str) -> Iterator[bytes]:
    """A disk in a format."""
    return {"raw": chunks, "vhd": _as_vhd, "qcow2": _as_qcow2}[format](path)


def chunks(path: Path) -> Iterator[bytes]:
    """A disk as it is."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def _as_vhd(path: Path) -> Iterator[bytes]:
    """A disk as a dynamic VHD that stands alone; blocks of zeros are left out."""
    size = path.stat().st_size
    entries = -(-size // _VHD_BLOCK_BYTES)
    footer = _vhd_footer(size)
    header = struct.pack(
        ">8sQQIII", b"cxsparse", 2**64 - 1, 1536, 0x10000, entries, _VHD_BLOCK_BYTES
    )
    header = _with_checksum(header.ljust(1024, b"\0"), 36)
    table_bytes = -(-4 * entries // _SECTOR_BYTES) * _SECTOR_BYTES
    blocks, sector = [], (1536 + table_bytes) // _SECTOR_BYTES
    table = b""
    with path.open("rb") as file:
        for number in range(entries):
            is_used = any(file.read(_VHD_BLOCK_BYTES))
            table += struct.pack(">I", sector if is_used else 0xFFFFFFFF)
            if is_used:
                blocks.append(number)
                sector += 1 + _VHD_BLOCK_BYTES // _SECTOR_BYTES
        yield footer + header + table.ljust(table_bytes, b"\xff")
        for number in blocks:
            file.seek(number * _VHD_BLOCK_BYTES)
            yield b"\xff" * _SECTOR_BYTES
            yield file.read(_VHD_BLOCK_BYTES).ljust(_VHD_BLOCK_BYTES, b"\0")
    yield footer


def _as_qcow2(path: Path) -> Iterator[bytes]:
    """By QEMU's own converter; its length is not known before."""
    with tempfile.NamedTemporaryFile(dir=path.parent) as whole:
        command = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(path), whole.name]
        subprocess.run(command, capture_output=True, check=True)
        yield from chunks(Path(whole.name))


def _vhd_footer(size: int) -> bytes:
    geometry = _vhd_geometry(size // _SECTOR_BYTES)
    footer = struct.pack(
        ">8sIIQI4sI4sQQ4sI", b"conectix", 2, 0x10000, 512, 0, b"tap\0", 0x10003, b"\0" * 4,
        size, size, geometry, 3,
    )  # fmt: skip
    return _with_checksum(footer + bytes(4) + b"\x01" * 16 + bytes(428), 64)


def _vhd_geometry(sectors: int) -> bytes:
    """Cylinders, heads and sectors, roughly as the specification computes them."""
    heads, per_track = 16, 63
    return struct.pack(">HBB", min(65535, sectors // (heads * per_track)), heads, per_track)


def _with_checksum(block: bytes, at: int) -> bytes:
    """The block with the one's complement of the sum of its bytes in place."""
    summed = ~sum(block[:at] + block[at + 4 :]) & 0xFFFFFFFF
    return block[:at] + struct.pack(">I", summed) + block[at + 4 :]


def _receive_vhd(reader: _Exactly, file: BinaryIO, size: int) -> None:
    whole = bytearray()
    while chunk := reader.read(min(_CHUNK_BYTES, reader.left)):
        whole += chunk
    try:
        for offset, data in _vhd_blocks(bytes(whole), size):
            file.seek(offset)
            file.write(data[: size - offset])
    except (struct.error, ValueError) as error:
        raise XapiError("INTERNAL_ERROR", f"Caught exception: {error}") from error


def _receive_qcow2(reader: _Exactly, path: Path) -> None:
    """By QEMU's own converter: what does not fit is refused."""
    with tempfile.NamedTemporaryFile(dir=path.parent) as whole:
        while chunk := reader.read(min(_CHUNK_BYTES, reader.left)):
            whole.write(chunk)
        whole.flush()
        command = ["qemu-img", "convert", "-n", "-f", "qcow2", "-O", "raw", whole.name, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise XapiError("INTERNAL_ERROR", f"Caught exception: {done.stderr.strip()}")


def _vhd_blocks(vhd: bytes, size: int) -> Iterator[tuple[int, bytes]]:
    """Offset and data of the blocks of a dynamic VHD; the layout is Microsoft's, of 2006."""
    if vhd[:8] != b"conectix":
        raise ValueError("Failed to parse VHD footer")
    header_at, current_size = struct.unpack(">16xQ24xQ", vhd[:56])
    if current_size > size:
        raise ValueError(f"VHD of {current_size} bytes does not fit into {size}")
    header = vhd[header_at : header_at + 1024]
    if header[:8] != b"cxsparse":
        raise ValueError("Failed to parse VHD header")
    table_at, entries, block_size = struct.unpack(">16xQ4xII", header[:36])
    bitmap = -(-block_size // _SECTOR_BYTES // 8 // _SECTOR_BYTES) * _SECTOR_BYTES
    for index in range(entries):
        (sector,) = struct.unpack_from(">I", vhd, table_at + 4 * index)
        if sector != 0xFFFFFFFF:
            start = sector * _SECTOR_BYTES + bitmap
            yield index * block_size, vhd[start : start + block_size]
