"""Events: from libvirt's event loop, through a thread of the driver, to core's sink.

libvirt's callbacks only take note. The thread decides what is core's business, delivers in order,
and connects again while nobody calls.
"""

from __future__ import annotations

import enum
import logging
import queue
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import libvirt
from nova_virt_interface.errors import VirtError
from nova_virt_interface.services import IEventSink
from nova_virt_interface.values.events import EventKind, VmEvent

from nova_virt_libvirt.census import Census
from nova_virt_libvirt.conf import Settings
from nova_virt_libvirt.session import Session
from nova_virt_libvirt.translate import event_kind

__all__ = ["Events"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Lifecycle:
    domain: Any
    event: int
    detail: int
    at: datetime


class _Order(enum.Enum):
    STOP = "stop"


class Events:
    """The events of one connection.

    Args:
        sink: core's.
        census: is told what has changed.
        settings: of the backend.
    """

    def __init__(self, sink: IEventSink, census: Census, settings: Settings) -> None:
        self._sink = sink
        self._census = census
        self._interval = settings.reconnect_interval_seconds
        self._notes: queue.SimpleQueue[_Lifecycle | VmEvent | _Order] = queue.SimpleQueue()
        self._stop_lock = threading.Lock()
        self._stopped = False
        self._is_first = True
        self._gone: set[UUID] = set()
        self._thread: threading.Thread | None = None

    def start(self, session: Session) -> None:
        """Begin to deliver."""
        self._thread = threading.Thread(
            target=self._run, args=(session,), name="nova-virt-libvirt-events", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Deliver nothing more after return. Idempotent."""
        self._take(_Order.STOP)
        # A sink may close the connection from inside an event.
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def subscribe(self, connection: Any) -> None:
        """Ask a connection for its events; after the first one, tell core that some were lost."""
        kinds = {
            libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE: self._on_lifecycle,
            libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE: self._on_metadata,
        }
        for kind, callback in kinds.items():
            connection.domainEventRegisterAny(None, kind, callback, None)
        if not self._is_first:
            self.note(EventKind.EVENTS_LOST)
        self._is_first = False

    def note(self, kind: EventKind) -> None:
        """Report something about the connection; safe from any thread."""
        self._take(VmEvent(kind=kind, at=datetime.now(UTC)))

    def _take(self, note: _Lifecycle | VmEvent | _Order) -> None:
        """Have a note dealt with, unless it comes after the order to stop: libvirt keeps a
        connection open for as long as somebody holds a domain of it.
        """
        with self._stop_lock:
            if not self._stopped:
                self._stopped = note is _Order.STOP
                self._notes.put(note)

    def _on_lifecycle(
        self, connection: Any, domain: Any, event: int, detail: int, opaque: Any
    ) -> None:
        vm_uuid = UUID(domain.UUIDString())
        if (
            event == libvirt.VIR_DOMAIN_EVENT_DEFINED
            and detail != libvirt.VIR_DOMAIN_EVENT_DEFINED_ADDED
        ):
            self._census.forget(vm_uuid)
        elif event == libvirt.VIR_DOMAIN_EVENT_STARTED:
            self._census.note_saved(vm_uuid, None)
        elif (event, detail) == (
            libvirt.VIR_DOMAIN_EVENT_STOPPED,
            libvirt.VIR_DOMAIN_EVENT_STOPPED_SAVED,
        ):
            self._census.note_saved(vm_uuid, True)
        self._take(_Lifecycle(domain, event, detail, datetime.now(UTC)))

    def _on_metadata(
        self, connection: Any, domain: Any, kind: int, namespace: str | None, opaque: Any
    ) -> None:
        self._census.forget(UUID(domain.UUIDString()))

    def _run(self, session: Session) -> None:
        while self._deal_with_next(session):
            # Nothing of a note is held while the next one is waited for.
            pass

    def _deal_with_next(self, session: Session) -> bool:
        """Wait for a note and deal with it; return whether to go on."""
        try:
            note = self._notes.get(timeout=self._interval if session.is_broken() else None)
        except queue.Empty:
            _reconnect(session)
            return True
        if isinstance(note, _Order):
            return False
        event = note if isinstance(note, VmEvent) else self._event(note)
        if event is not None:
            self._deliver(event)
        return True

    def _event(self, note: _Lifecycle) -> VmEvent | None:
        # Asked also of events that core does not care about: once a domain is gone, it is too late.
        is_ours = self._is_ours(note.domain)
        kind = event_kind(note.event, note.detail)
        if kind is EventKind.DELETED:
            self._census.forget(UUID(note.domain.UUIDString()))
        if kind is None or not is_ours:
            return None
        vm_uuid = UUID(note.domain.UUIDString())
        if kind is EventKind.MIGRATED:
            self._gone.add(vm_uuid)
        elif kind is EventKind.DELETED and vm_uuid in self._gone:
            # The definition goes with the VM: nobody has deleted it.
            self._gone.discard(vm_uuid)
            return None
        was_paused = self._census.note_paused(vm_uuid, kind is EventKind.PAUSED)
        is_release = note.event == libvirt.VIR_DOMAIN_EVENT_RESUMED
        if is_release and kind is EventKind.RESUMED and not was_paused:
            # QEMU's processors are held until a start is complete; libvirt reports their release.
            return None
        return VmEvent(kind=kind, at=note.at, vm_uuid=vm_uuid)

    def _is_ours(self, domain: Any) -> bool:
        try:
            entry = self._census.entry(domain)
        except libvirt.libvirtError as error:
            _log.debug("cannot ask about a domain: %s", error)
            return False
        return entry is not None and entry.is_ours

    def _deliver(self, event: VmEvent) -> None:
        try:
            self._sink.deliver(event)
        except Exception:  # noqa: BLE001 - whatever a sink raises
            # A sink raises nothing by contract; one that does must not end the delivery.
            _log.exception("the event sink failed at %s", event)


def _reconnect(session: Session) -> None:
    try:
        with session.use(about="the reconnection"):
            pass
    except VirtError as error:
        _log.debug("libvirt is still away: %s", error)
