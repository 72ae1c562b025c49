"""Delivers a driver's events to core: in order, from one thread, never from inside a call of core
(rule EVT-4).
"""

from __future__ import annotations

import logging
import queue
import threading
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from nova_virt_interface.services import IEventSink
from nova_virt_interface.values.events import EventKind, VmEvent

__all__ = ["EventDispatcher"]

_log = logging.getLogger(__name__)


class EventDispatcher:
    """A queue and a thread between a backend's callbacks and core's event sink."""

    def __init__(self, sink: IEventSink) -> None:
        self._sink = sink
        self._queue: queue.SimpleQueue[VmEvent | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="nova-virt-events", daemon=True)
        self._thread.start()

    def send(self, kind: EventKind, vm_uuid: UUID | None = None) -> None:
        """Queue an event that the driver has just learned of; returns at once, safe from any
        thread.
        """
        self._queue.put(VmEvent(kind=kind, at=datetime.now(UTC), vm_uuid=vm_uuid))

    def close(self) -> None:
        """Drop what is queued and wait until no delivery is under way. Idempotent."""
        with suppress(queue.Empty):
            while True:
                self._queue.get_nowait()
        self._queue.put(None)
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while (event := self._queue.get()) is not None:
            try:
                self._sink.deliver(event)
            except Exception:  # noqa: BLE001 - logged below
                # A sink must not raise; one that does must not cost the events after this one.
                _log.exception("the event sink failed on %s", event)
