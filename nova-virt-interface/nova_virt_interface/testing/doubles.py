"""Core's services as the suite offers them: images from files, and a sink that remembers events."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from uuid import UUID

from zope.interface import implementer

from nova_virt_interface.errors import (
    HostUnreachable,
    ImageCorrupt,
    InsufficientResources,
    NotFound,
    Resource,
)
from nova_virt_interface.services import (
    IEventSink,
    IImageReader,
    IImageSink,
    IImageSource,
    IImageWriter,
    IServices,
)
from nova_virt_interface.values.events import EventKind, VmEvent
from nova_virt_interface.values.instances import Checksum

__all__ = ["FileImages", "MemorySink", "RecordingSink", "SuiteServices", "checksum_of"]


@implementer(IImageReader)
class _FileReader:
    def __init__(self, path: Path, intact: bool) -> None:
        self._file = path.open("rb")
        self._intact = intact

    def read(self, size_bytes: int) -> bytes:
        chunk = self._file.read(size_bytes)
        if not chunk and not self._intact:
            raise ImageCorrupt(
                "the image's checksum is not as promised", remedy="upload the image again"
            )
        return chunk

    def close(self) -> None:
        self._file.close()


@implementer(IImageSource)
class FileImages:
    """Images in files, by key; counts how often each was opened."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[Path, bool]] = {}
        self.opened: dict[str, int] = {}

    def add(self, key: str, path: Path, *, intact: bool = True) -> None:
        """Offer the file's content as image ``key``; if not ``intact``, its checksum turns out to
        be wrong.
        """
        self._files[key] = (path, intact)

    def open(self, key: str) -> IImageReader:
        """See `IImageSource`."""
        if key not in self._files:
            raise NotFound(
                f"the image source has no image {key}", resource=Resource.IMAGE, name=key
            )
        self.opened[key] = self.opened.get(key, 0) + 1
        path, intact = self._files[key]
        return _FileReader(path, intact)


@implementer(IEventSink)
class RecordingSink:
    """Remembers events, and the threads that brought them."""

    def __init__(self) -> None:
        self._events: list[VmEvent] = []
        self.threads: set[int] = set()
        self.raises = False
        self._arrived = threading.Condition()

    def deliver(self, event: VmEvent) -> None:
        """See `IEventSink`."""
        with self._arrived:
            self._events.append(event)
            self.threads.add(threading.get_ident())
            self._arrived.notify_all()
        if self.raises:
            raise RuntimeError("this sink fails on purpose")

    def kinds(self, vm_uuid: UUID | None = None) -> list[EventKind]:
        """The kinds of the events of one VM, or of the connection, in order."""
        with self._arrived:
            return [event.kind for event in self._events if event.vm_uuid == vm_uuid]

    def wait_for(
        self, kind: EventKind, vm_uuid: UUID | None, seconds: float, count: int = 1
    ) -> bool:
        """Wait until ``count`` such events have come; says whether they did."""
        with self._arrived:
            return self._arrived.wait_for(
                lambda: [(e.kind, e.vm_uuid) for e in self._events].count((kind, vm_uuid)) >= count,
                seconds,
            )


@implementer(IImageWriter)
class _MemoryWriter:
    """Keeps what is written; shows it only after the commit."""

    def __init__(self, sink: MemorySink, key: str) -> None:
        self._sink = sink
        self._key = key
        self._content = bytearray()
        self._ended = False

    def write(self, content: bytes) -> None:
        """See `IImageWriter`."""
        self._sink.require_good()
        self._content += content
        room = self._sink.room_bytes
        if room is not None and len(self._content) > room:
            raise InsufficientResources("the image store is full", resource=Resource.STORAGE)

    def commit(self) -> None:
        """See `IImageWriter`."""
        self._sink.require_good()
        self._sink.committed.setdefault(self._key, []).append(bytes(self._content))
        self.abort()

    def abort(self) -> None:
        """See `IImageWriter`."""
        if not self._ended:
            self._ended = True
            self._sink.open -= 1


@implementer(IImageSink)
class MemorySink:
    """Takes images into memory."""

    def __init__(self) -> None:
        self.committed: dict[str, list[bytes]] = {}
        """Key to what was committed, each time."""
        self.open = 0
        """Writers that were neither committed nor aborted."""
        self.fails = False
        """Whether the store is away."""
        self.room_bytes: int | None = None
        """What it takes of an image; None: all."""

    def create(self, key: str) -> _MemoryWriter:
        """See `IImageSink`."""
        self.require_good()
        self.open += 1
        return _MemoryWriter(self, key)

    def require_good(self) -> None:
        """Raise HostUnreachable while the store is away."""
        if self.fails:
            raise HostUnreachable("the image store does not answer", remedy="repeat it later")


@implementer(IServices)
class SuiteServices:
    """What the suite gives a driver on connecting."""

    def __init__(self) -> None:
        self.events = RecordingSink()
        self.images = FileImages()
        self.image_sink = MemorySink()


def checksum_of(path: Path) -> Checksum:
    """The sha256 of a file."""
    with path.open("rb") as file:
        return Checksum(
            algorithm="sha256", hex_digest=hashlib.file_digest(file, "sha256").hexdigest()
        )
