"""What core offers to the drivers that it connects to."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from nova_virt_interface.errors import NotFound, Resource
from nova_virt_interface.services import IEventSink, IImageReader, IImageSource, IServices
from nova_virt_interface.values.events import VmEvent
from nova_virt_interface.values.instances import Image
from zope.interface import implementer

from nova_core_stub.guard import Arguments
from nova_core_stub.image_sink import ImageSink
from nova_core_stub.image_store import ImageStore

__all__ = ["EventSink", "ImageSource", "Services"]

_LOG = logging.getLogger(__name__)
Subscriber = Callable[[VmEvent], None]


@implementer(IEventSink)
class EventSink:
    """Logs events and hands them to subscribers, on a thread of core's, in the order they came."""

    def __init__(self) -> None:
        self._subscribers: tuple[Subscriber, ...] = ()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="core-events")
        self._open = True
        self._lock = threading.Lock()

    def subscribe(self, subscriber: Subscriber) -> None:
        """Hand every later event to ``subscriber``."""
        self._subscribers += (subscriber,)

    def deliver(self, event: VmEvent) -> None:
        """See `IEventSink`."""
        _LOG.info("event %s of %s", event.kind.value, event.vm_uuid or "the connection")
        with self._lock:
            if self._open and self._subscribers:
                self._thread.submit(self._dispatch, event)

    def _dispatch(self, event: VmEvent) -> None:
        for subscriber in self._subscribers:
            try:
                subscriber(event)
            except Exception:  # noqa: BLE001 - one subscriber must not cost the others the event
                _LOG.exception("a subscriber failed on %r", event)

    def close(self) -> None:
        """Hand out what has come and end the thread; later events are only logged. Idempotent."""
        with self._lock:
            self._open = False
        self._thread.shutdown()


@implementer(IImageSource)
class ImageSource:
    """Opens images by the keys that core gave out."""

    def __init__(self, store: ImageStore) -> None:
        self._store = store
        self._announced: dict[str, Image] = {}

    def announce(self, image: Image) -> None:
        """From now on a driver may open the image by its cache key."""
        self._announced[image.cache_key] = image

    def announce_all(self, arguments: Arguments) -> None:
        """Announce the images that a call to a driver is about."""
        for content in arguments.values():
            described = getattr(content, "instance", content)
            image = getattr(described, "image", described)
            if isinstance(image, Image):
                self.announce(image)

    def open(self, key: str) -> IImageReader:
        """See `IImageSource`."""
        image = self._announced.get(key)
        if image is None:
            raise NotFound(
                f"core has named no image {key}",
                remedy="open images only by the key of a request to cache one",
                resource=Resource.IMAGE,
                name=key,
            )
        return self._store.open(image)


@implementer(IServices)
class Services:
    """The services of one connection."""

    def __init__(self, store: ImageStore) -> None:
        self.events = EventSink()
        self.images = ImageSource(store)
        self.image_sink = ImageSink(store.folder)

    def before(self, arguments: Arguments) -> None:
        """Get ready for a call with these arguments; see `guarded`."""
        self.images.announce_all(arguments)
        self.image_sink.expect_all(arguments)

    def close(self) -> None:
        """End what the services hold. Idempotent."""
        self.events.close()
