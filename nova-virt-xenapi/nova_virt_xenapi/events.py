"""The one loop that asks the pool what happened: it keeps the cache, and tells core."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final
from uuid import UUID

from nova_virt_interface.dispatch import EventDispatcher
from nova_virt_interface.errors import VirtError
from nova_virt_interface.services import IEventSink
from nova_virt_interface.values.events import EventKind

from nova_virt_xenapi.cache import Cache, Change, Heard, Row
from nova_virt_xenapi.conf import Settings
from nova_virt_xenapi.marks import gone_vms
from nova_virt_xenapi.records import Records
from nova_virt_xenapi.translate import NULL

__all__ = ["Events", "transition"]

_log = logging.getLogger(__name__)

# xapi tells of a crash by a message alone: the VM's state goes on to what its settings say.
_CRASH: Final = "VM_CRASHED"
# The pool answers, but not with what happened since: all has to be asked for anew.
_ASK_ANEW: Final = (
    "EVENTS_LOST",
    "EVENT_FROM_TOKEN_PARSE_FAILURE",
    "SESSION_INVALID",
    "HOST_IS_SLAVE",
)
_JOIN_SECONDS: Final = 5.0

_KINDS: Final = {
    "Halted": EventKind.STOPPED,
    "Paused": EventKind.PAUSED,
    "Suspended": EventKind.SUSPENDED,
}


def transition(before: str, after: str) -> EventKind | None:
    """The event of a VM that went from one of xapi's power states to another."""
    if after == "Running" and before != after:
        return EventKind.STARTED if before == "Halted" else EventKind.RESUMED
    return None if before == after else _KINDS.get(after)


class Events:
    """Follows ``event.from``.

    Args:
        cache: what the events keep.
        settings: how long to wait.
        sink: of core.
        records: tell which VMs are ours.
        whenever_back: called after an outage; says whether the host has become another one.
    """

    def __init__(
        self,
        cache: Cache,
        settings: Settings,
        sink: IEventSink,
        records: Records,
        whenever_back: Callable[[], bool],
    ) -> None:
        self._cache = cache
        self._settings = settings
        self._dispatcher = EventDispatcher(sink)
        self._records = records
        self._whenever_back = whenever_back
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="xenapi-events", daemon=True)

    def start(self) -> None:
        """Follow; the cache knows by now how things are."""
        self._thread.start()

    def stop(self) -> None:
        """Deliver nothing any more. Ends the loop, once its question is answered. Idempotent."""
        self._stopped.set()
        self._cache.wake()
        self._dispatcher.close()

    def join(self) -> None:
        """Wait for the loop's end; the session must be closed before, which ends its question."""
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        lost = asks_anew = False
        while not self._stopped.is_set():
            try:
                heard = self._cache.listen(self._settings.event_timeout_seconds)
            except VirtError as error:
                asks_anew = not asks_anew and error.detail.startswith(_ASK_ANEW)
                if not asks_anew:
                    self._pause(error, lost)
                    lost = True
                continue
            if lost and self._is_another():
                self._dispatcher.send(EventKind.RECONNECT)
            lost = asks_anew = False
            self._tell_all(heard)

    def _pause(self, error: VirtError, lost: bool) -> None:
        """The pool is lost; wait before it is asked again."""
        if not lost and not self._stopped.is_set():
            _log.warning("lost the pool: %s", error)
            self._dispatcher.send(EventKind.HOST_UNREACHABLE)
        self._cache.pause(self._settings.reconnect_interval_seconds)

    def _is_another(self) -> bool:
        try:
            return self._whenever_back()
        except VirtError as error:
            _log.warning("the pool is not what it was: %s", error)
            return True

    def _tell_all(self, heard: Heard) -> None:
        if heard.whole:
            self._dispatcher.send(EventKind.EVENTS_LOST)
        try:
            for change in heard.changes:
                self._tell(change)
            for message in heard.messages:
                self._tell_of_crash(message)
        except (LookupError, TypeError, ValueError):
            # A record that makes no sense must not cost the events after this one.
            _log.exception("could not tell of an event")
            self._dispatcher.send(EventKind.EVENTS_LOST)

    def _tell(self, change: Change) -> None:
        before, after = self._ours(change.before), self._ours(change.after)
        if after is not None and change.after is not None:
            was = "Halted" if change.before is None else change.before["power_state"]
            kind = transition(was, change.after["power_state"])
            if kind is not None:
                self._dispatcher.send(kind, after)
        elif before is not None and change.after is None:
            # xapi removes a VM that has gone to another pool.
            has_gone = before in gone_vms(self._cache.told("host")[self._records.host])
            self._dispatcher.send(EventKind.MIGRATED if has_gone else EventKind.DELETED, before)
        elif before is not None and change.after is not None and self._has_left(change.after):
            self._dispatcher.send(EventKind.MIGRATED, before)

    def _ours(self, row: Row | None) -> UUID | None:
        """The uuid of a VM of ours that is complete."""
        mark = None if row is None else self._records.ours(row)
        return (
            mark.vm_uuid if mark is not None and mark.spec is not None and not mark.kept else None
        )

    def _has_left(self, row: Row) -> bool:
        """Whether a VM that was ours runs on another host now."""
        return row["resident_on"] != NULL and self._records.ours(row) is None

    def _tell_of_crash(self, message: Row) -> None:
        if message["name"] != _CRASH:
            return
        for row in self._cache.told("VM").values():
            vm_uuid = self._ours(row)
            if row["uuid"] == message["obj_uuid"] and vm_uuid is not None:
                self._dispatcher.send(EventKind.CRASHED, vm_uuid)
