"""A disk of a VM in memory: what is stored of it, and what its guest sees."""

from __future__ import annotations

from dataclasses import dataclass, field

from nova_virt_interface.reference import luks
from nova_virt_interface.reference.storage_server import STORAGE

__all__ = ["Disk"]


@dataclass
class Disk:
    """A disk. ``content`` is what is stored of it, without the zeros at its end; ``key`` opens it
    and is known while its VM runs alone.
    """

    size_bytes: int
    content: bytes = b""
    image_key: str | None = None
    read_only: bool = False
    boot_index: int | None = None
    digest: str = ""
    volume: str | None = None
    """Where a storage server has the content; the disk's own is empty then."""
    encrypted: bool = False
    write_protected: bool = False
    login: bytes | None = field(default=None, repr=False)
    """What opens the storage server; as ``key``."""
    key: bytes | None = field(default=None, repr=False)
    limits: tuple[int | None, int | None] = (None, None)
    serial: str | None = None
    origin: str = ""
    """Digest of what may not change in the disk's life."""
    secrets: frozenset[str] = frozenset()
    """Which secrets it needs."""
    snapshots: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Snapshot of a volume → its file, and the overlay that was made with it."""

    @property
    def is_volume(self) -> bool:
        """Whether a storage server has it."""
        return self.volume is not None

    @property
    def stored_bytes(self) -> int:
        """What it takes of the host's own storage."""
        return 0 if self.volume is not None else self.size_bytes

    def seen(self) -> bytes:
        """What the guest reads, without the zeros at the end."""
        stored = self.content if self.volume is None else STORAGE.read(self.volume)
        return luks.opened(stored, self.key or b"") if self.encrypted else stored

    def write(self, offset: int, content: bytes) -> None:
        """What the guest does."""
        if self.read_only or self.write_protected:
            raise PermissionError("the disk is write-protected")
        before = self.seen().ljust(offset, b"\0")
        after = before[:offset] + content + before[offset + len(content) :]
        self.fill(after)

    def fill(self, content: bytes) -> None:
        """Let the guest read this."""
        stored = luks.sealed(content, self.key or b"") if self.encrypted else content
        if self.volume is None:
            self.content = stored
        else:
            STORAGE.write(self.volume, stored)

    def opens(self) -> bool:
        """Whether the key is the right one."""
        if not self.encrypted:
            return True
        stored = self.content if self.volume is None else STORAGE.read(self.volume)
        return luks.is_key(stored, self.key or b"")
