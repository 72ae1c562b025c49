"""Reads an image in parts of a wanted length; what comes may be cut anywhere."""

from __future__ import annotations

from collections.abc import Callable

from nova_virt_interface.errors import ImageCorrupt

__all__ = ["CHUNK_BYTES", "SECTOR", "Read", "Source", "damaged"]

SECTOR = 512
CHUNK_BYTES = 1024 * 1024

Read = Callable[[int], bytes]


def damaged(problem: str, detail: str = "") -> ImageCorrupt:
    """The error for an image that is not what it should be."""
    return ImageCorrupt(problem, detail=detail, remedy="upload the image again")


class Source:
    """The bytes of an image, read once from start to end.

    Args:
        read: returns the next bytes, at most so many, empty at the end.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._buffer = b""

    def is_at_end(self) -> bool:
        """Whether nothing more comes."""
        if not self._buffer:
            self._buffer = self._read(CHUNK_BYTES)
        return not self._buffer

    def some(self) -> bytes:
        """The next bytes, as many as come; empty at the end."""
        part, self._buffer = self._buffer or self._read(CHUNK_BYTES), b""
        return part

    def exactly(self, size: int) -> bytes:
        """The next bytes, so many. Raises ImageCorrupt."""
        parts = [self._buffer]
        have = len(self._buffer)
        while have < size:
            chunk = self._read(CHUNK_BYTES)
            if not chunk:
                raise damaged("it ends too early")
            parts.append(chunk)
            have += len(chunk)
        whole = b"".join(parts)
        self._buffer = whole[size:]
        return whole[:size]

    def skip(self, size: int) -> None:
        """Pass over so many bytes. Raises ImageCorrupt."""
        while size > 0:
            size -= len(self.exactly(min(size, CHUNK_BYTES)))
