"""What a driver may ask of core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zope.interface import Attribute, Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.events import VmEvent

__all__ = [
    "IEventSink",
    "IImageReader",
    "IImageSink",
    "IImageSource",
    "IImageWriter",
    "IServices",
]


class IImageReader(Interface):
    """The bytes of one image, read once from start to end by one thread."""

    taggedValue("since", "1.0")

    def read(size_bytes: int) -> bytes:
        """Return the next bytes, at most ``size_bytes``; empty at the end.

        [SRC-1] Core checks the image's size and checksum while it is read: the read that would
        return the end raises `ImageCorrupt` instead when they do not match. An image is good only
        once the end was returned.

        Raises: ImageCorrupt; HostUnreachable (the image's store); Cancelled; DeadlineExceeded.
        """

    def close() -> None:
        """Let go of what the reader holds. Idempotent; callable at any time, before the end too."""


class IImageSource(Interface):
    """Where a driver gets an image's bytes."""

    taggedValue("since", "1.0")

    def open(key: str) -> IImageReader:
        """Begin to read the image of this key: `CacheImageRequest.key`, or `Image.cache_key`.

        The caller closes the reader. Each call begins anew. Thread-safe.

        Raises: NotFound (image); HostUnreachable (the image's store).
        """


class IImageWriter(Interface):
    """Takes the bytes of one image, from start to end, from one thread."""

    taggedValue("since", "1.0")

    def write(content: bytes) -> None:
        """Take the next bytes.

        Raises: HostUnreachable (the image's store); InsufficientResources (storage); Cancelled;
        DeadlineExceeded.
        """

    def commit() -> None:
        """Make the image what was written: only now anybody can see it.

        [SNK-1] Nothing may be written, and nothing is aborted, after it.

        Raises: as `write`.
        """

    def abort() -> None:
        """Forget what was written. Idempotent; after a commit it changes nothing."""


class IImageSink(Interface):
    """Where a driver puts an image's bytes."""

    taggedValue("since", "1.0")

    def create(key: str) -> IImageWriter:
        """Begin to write the image of this key: `ExportDiskRequest.sink_key`.

        [SNK-2] Each call begins anew; the driver ends each writer with `IImageWriter.commit` or
        `IImageWriter.abort`. Thread-safe.

        Raises: NotFound (image: core expects none of this key); HostUnreachable (the image's
        store).
        """


class IEventSink(Interface):
    """Where a driver reports events."""

    taggedValue("since", "1.0")

    def deliver(event: VmEvent) -> None:
        """Take one event; returns at once and raises nothing.

        [EVT-4] The driver calls it from a thread of its own, one call at a time, never from inside
        a call of core.
        """


class IServices(Interface):
    """What core offers to a driver: given on connecting, valid until the connection is closed."""

    taggedValue("since", "1.0")

    events: IEventSink = Attribute("Takes the events of this connection's VMs.")
    images: IImageSource = Attribute("Has the images that core asks to be cached or imported.")
    image_sink: IImageSink = Attribute("Takes the images that core asks to be exported.")
