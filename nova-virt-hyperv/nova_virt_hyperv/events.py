"""Tells core what happens to VMs.

WS-Management's eventing is not part of pypsrp: one thread looks at all VMs again and again, with
one request, and tells what has changed. What the driver does itself is told at once.
"""

from __future__ import annotations

import logging
import threading
from uuid import UUID

from nova_virt_interface.dispatch import EventDispatcher
from nova_virt_interface.errors import AccessDenied, VirtError
from nova_virt_interface.services import IEventSink
from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.power import PowerState

from nova_virt_hyperv.machines import Entry, Machines

__all__ = ["THREAD_NAME", "Events"]

_log = logging.getLogger(__name__)

THREAD_NAME = "nova-virt-hyperv-events"
# Asking on with a password that the host refuses would lock the account.
_DENIED_SECONDS = 600.0

_KINDS = {
    PowerState.RUNNING: EventKind.STARTED,
    PowerState.STOPPED: EventKind.STOPPED,
    PowerState.PAUSED: EventKind.PAUSED,
    PowerState.SUSPENDED: EventKind.SUSPENDED,
}
_RESULTS = {
    EventKind.STARTED: PowerState.RUNNING,
    EventKind.RESUMED: PowerState.RUNNING,
    EventKind.STOPPED: PowerState.STOPPED,
    EventKind.PAUSED: PowerState.PAUSED,
    EventKind.SUSPENDED: PowerState.SUSPENDED,
}
_HELD = (PowerState.PAUSED, PowerState.SUSPENDED)


class Events:
    """Watches the VMs of one host."""

    def __init__(self, sink: IEventSink, machines: Machines, interval_seconds: float) -> None:
        self._dispatcher = EventDispatcher(sink)
        self._machines = machines
        self._interval = interval_seconds
        self._lock = threading.Lock()
        self._known: dict[UUID, tuple[PowerState, int]] = {}
        self._noted: dict[UUID, int] = {}
        self._clock = 0
        self._lost = False
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Remember how all VMs are now, and watch them from now on."""
        for entry in self._machines.census():
            self._known[entry.uuid] = (entry.state, entry.uptime_ms)
        self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)
        self._thread.start()

    def note(self, kind: EventKind, vm_uuid: UUID) -> None:
        """Tell at once what the driver has just done to a VM."""
        with self._lock:
            self._clock += 1
            self._noted[vm_uuid] = self._clock
            if kind in (EventKind.DELETED, EventKind.MIGRATED):
                self._known.pop(vm_uuid, None)
            else:
                self._known[vm_uuid] = (_RESULTS[kind], 0)
            self._dispatcher.send(kind, vm_uuid)

    def note_running(self, vm_uuid: UUID) -> None:
        """Tell at once that a VM runs: it goes on, if it was held when it was last looked at.

        One that was seen running already was told of; if it was off in between, the next look finds
        that by its uptime.
        """
        with self._lock:
            before, _ = self._known.get(vm_uuid, (PowerState.STOPPED, 0))
        if before is not PowerState.RUNNING:
            self.note(EventKind.RESUMED if before in _HELD else EventKind.STARTED, vm_uuid)

    def close(self) -> None:
        """Tell nothing more. Idempotent."""
        self._ending.set()
        if self._thread not in (None, threading.current_thread()):
            self._thread.join()
        self._dispatcher.close()

    def _run(self) -> None:
        pause = self._interval
        while not self._ending.wait(pause):
            pause = self._interval
            with self._lock:
                asked_at = self._clock
            try:
                entries = self._machines.census()
            except VirtError as error:
                self._note_loss(error)
                if isinstance(error, AccessDenied):
                    pause = max(pause, _DENIED_SECONDS)
            else:
                self._compare({entry.uuid: entry for entry in entries}, asked_at)

    def _note_loss(self, error: VirtError) -> None:
        if not self._lost:
            _log.warning("cannot watch the VMs any more: %s", error)
            self._lost = True
            self._dispatcher.send(EventKind.HOST_UNREACHABLE)

    def _compare(self, entries: dict[UUID, Entry], asked_at: int) -> None:
        with self._lock:
            if self._lost:
                self._lost = False
                self._dispatcher.send(EventKind.EVENTS_LOST)
            for vm_uuid in entries.keys() | self._known.keys():
                # An answer may be older than what the driver did while it was under way.
                if self._noted.get(vm_uuid, 0) <= asked_at:
                    self._tell(vm_uuid, entries.get(vm_uuid))
            self._noted = {key: at for key, at in self._noted.items() if at > asked_at}

    def _tell(self, vm_uuid: UUID, entry: Entry | None) -> None:
        if entry is None:
            if self._known.pop(vm_uuid, None) is not None:
                self._dispatcher.send(EventKind.DELETED, vm_uuid)
            return
        if entry.is_changing:
            # The next look tells what has become of it.
            return
        before, uptime_ms = self._known.get(vm_uuid, (PowerState.STOPPED, 0))
        self._known[vm_uuid] = (entry.state, entry.uptime_ms)
        if before is not entry.state:
            kind = _KINDS.get(entry.state)
            if entry.state is PowerState.RUNNING and before in _HELD:
                kind = EventKind.RESUMED
            if kind is not None:
                self._dispatcher.send(kind, vm_uuid)
        elif entry.state is PowerState.RUNNING and entry.uptime_ms < uptime_ms:
            # It was turned off and on, or restarted, between two looks.
            self._dispatcher.send(EventKind.STOPPED, vm_uuid)
            self._dispatcher.send(EventKind.STARTED, vm_uuid)
