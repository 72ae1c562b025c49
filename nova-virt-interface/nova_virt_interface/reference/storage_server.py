"""The storage servers around the hosts in memory: volumes and directories by address, for all
hosts of this process.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

__all__ = ["STORAGE", "StorageServer", "StoredVolume"]


@dataclass
class StoredVolume:
    """A volume. ``content`` lacks the zeros at its end."""

    size_bytes: int
    content: bytes = b""
    backing: str | None = None
    """The volume that it is built on; None: it stands alone, or nothing was written yet."""
    password: bytes | None = None


class StorageServer:
    """All of them. What is not there cannot be reached: `KeyError`."""

    def __init__(self) -> None:
        self._volumes: dict[str, StoredVolume] = {}
        self._directories: set[str] = set()
        self._lock = threading.RLock()

    def add(self, address: str, volume: StoredVolume) -> None:
        """Offer a volume."""
        with self._lock:
            self._volumes[address] = volume

    def remove(self, address: str) -> None:
        """Take a volume away."""
        with self._lock:
            self._volumes.pop(address, None)

    def volume(self, address: str) -> StoredVolume:
        """One volume."""
        with self._lock:
            return self._volumes[address]

    def has(self, address: str) -> bool:
        """Whether there is such a volume."""
        with self._lock:
            return address in self._volumes

    def read(self, address: str) -> bytes:
        """A volume's content; what it does not have itself is its backing's.

        A guest's write copies the whole backing: that a byte of it is enough is not the point here.
        """
        with self._lock:
            found = self._volumes[address]
            return found.content if found.backing is None else self.read(found.backing)

    def write(self, address: str, content: bytes) -> None:
        """Replace a volume's whole content."""
        with self._lock:
            found = self._volumes[address]
            found.content, found.backing = content, None

    def build(self, address: str, backing: str) -> None:
        """Let a volume have what another one has, until something is written."""
        with self._lock:
            found = self._volumes[address]
            found.content, found.backing = b"", backing
            found.size_bytes = self._volumes[backing].size_bytes

    def add_directory(self, export: str) -> None:
        """Offer a directory."""
        with self._lock:
            self._directories.add(export)

    def remove_directory(self, export: str) -> None:
        """Take a directory away."""
        with self._lock:
            self._directories.discard(export)

    def has_directory(self, export: str) -> bool:
        """Whether there is such a directory."""
        with self._lock:
            return export in self._directories


STORAGE = StorageServer()
