"""Content of core's images, as bodies of uploads."""

from __future__ import annotations

import struct
from typing import Final

from nova_virt_interface.call import current_call
from nova_virt_interface.errors import ImageCorrupt
from nova_virt_interface.services import IImageReader
from nova_virt_interface.values.disks import Imported
from nova_virt_interface.values.images import CacheImageRequest, DiskFormat

__all__ = ["FOOTER_BYTES", "VHD_MARK", "ImageBody", "virtual_size"]

FOOTER_BYTES: Final = 512
VHD_MARK: Final = b"conectix"
_QCOW2_MARK: Final = b"QFI\xfb"

ImageRequest = CacheImageRequest | Imported


class ImageBody:
    """What the image source delivers, as the body of a request; it is checked as it goes by."""

    def __init__(self, reader: IImageReader, request: ImageRequest) -> None:
        self._reader = reader
        self._request = request
        self._ahead = b""
        self._done = 0

    def __len__(self) -> int:
        return self._request.size_bytes

    def peek(self, size: int) -> bytes:
        """The first bytes; they are read again later."""
        while len(self._ahead) < size and (chunk := self._reader.read(size - len(self._ahead))):
            self._ahead += chunk
        return self._ahead

    def read(self, size: int = -1) -> bytes:
        """See `Body`; raises what the source raises, ImageCorrupt, and what `Call.check` does."""
        call = current_call()
        call.check()
        chunk, self._ahead = self._ahead or self._reader.read(size), b""
        self._done += len(chunk)
        total = self._request.size_bytes
        if self._done > total or (not chunk and self._done < total):
            raise ImageCorrupt(
                f"image {self._request.key} has {self._done} bytes or more instead of {total}"
            )
        if chunk:
            call.progress(self._done, total)
        return chunk


def virtual_size(request: ImageRequest, begin: bytes) -> int:
    """Size of the disk that a guest sees; a VHD says it in its footer, of which a dynamic one has a
    copy at its beginning.
    """
    if request.format is DiskFormat.RAW:
        return request.size_bytes
    if request.format is DiskFormat.QCOW2:
        return _size_of_qcow2(request, begin)
    if len(begin) < FOOTER_BYTES or begin[:8] != VHD_MARK:
        raise ImageCorrupt(
            f"image {request.key} is no dynamic VHD",
            remedy="convert it to a dynamic VHD, or to raw",
        )
    size: int = struct.unpack_from(">Q", begin, 48)[0]
    return size


def _size_of_qcow2(request: ImageRequest, begin: bytes) -> int:
    """As its header has it, which QEMU's ``docs/interop/qcow2.txt`` describes."""
    if len(begin) < FOOTER_BYTES or begin[:4] != _QCOW2_MARK:
        raise ImageCorrupt(f"image {request.key} is no QCOW2", remedy="name its true format")
    backing, size = struct.unpack_from(">8xQ8xQ", begin)
    if backing:
        raise ImageCorrupt(
            f"image {request.key} is the difference to another file",
            remedy="convert it to a QCOW2 that stands alone",
        )
    return int(size)
