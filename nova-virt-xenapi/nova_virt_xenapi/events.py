"""The one loop that asks the pool what happened: it tells core, and knows how tasks stand."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from nova_virt_interface.dispatch import EventDispatcher
from nova_virt_interface.errors import VirtError
from nova_virt_interface.services import IEventSink
from nova_virt_interface.values.events import EventKind

from nova_virt_xenapi.conf import Settings
from nova_virt_xenapi.marks import gone_vms
from nova_virt_xenapi.records import Records
from nova_virt_xenapi.session import Session
from nova_virt_xenapi.translate import NULL

__all__ = ["Events", "transition"]

_log = logging.getLogger(__name__)

# An answer may come so much later than the time that the question allows.
_MARGIN_SECONDS: Final = 15.0
_CLASSES: Final = ["vm", "task", "message", "host"]
# xapi tells of a crash by a message alone: the VM's state goes on to what its settings say.
_CRASH: Final = "VM_CRASHED"
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


@dataclass
class _Seen:
    vm_uuid: UUID | None
    """None: not ours, or not complete."""
    power_state: str
    pool_uuid: str = ""
    """What xapi calls it."""


class Events:
    """Follows ``event.from``."""

    def __init__(self, session: Session, settings: Settings, sink: IEventSink) -> None:
        self._session = session
        self._settings = settings
        self._dispatcher = EventDispatcher(sink)
        self._records: Records | None = None
        self._whenever_back: Callable[[], bool] = lambda: False
        self._stopped = threading.Event()
        self._changed = threading.Condition()
        self._token = ""
        self._vms: dict[str, _Seen] = {}
        self._gone: frozenset[UUID] = frozenset()
        self._tasks: dict[str, dict[str, Any]] = {}
        self._thread = threading.Thread(target=self._run, name="xenapi-events", daemon=True)

    def start(self, records: Records, whenever_back: Callable[[], bool]) -> None:
        """Learn how things are, then follow.

        Args:
            records: tell which VMs are ours.
            whenever_back: called after an outage; says whether the host has become another one.
        """
        self._records = records
        self._whenever_back = whenever_back
        self._apply(self._ask(), silent=True)
        self._thread.start()

    def stop(self) -> None:
        """Deliver nothing any more. Ends the loop, once its question is answered. Idempotent."""
        self._stopped.set()
        self._dispatcher.close()

    def join(self) -> None:
        """Wait for the loop's end; the session must be closed before, which ends its question."""
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_JOIN_SECONDS)

    def task(self, ref: str, seconds: float) -> dict[str, Any] | None:
        """The record of a task that is over; None if it is not within this time."""

        def over() -> dict[str, Any] | None:
            record = self._tasks.get(ref)
            return record if record and record["status"] not in ("pending", "cancelling") else None

        with self._changed:
            return self._changed.wait_for(over, seconds)

    def _ask(self) -> dict[str, Any]:
        timeout = self._settings.event_timeout_seconds
        batch: dict[str, Any] = self._session.call(
            "event.from", _CLASSES, self._token, timeout, seconds=timeout + _MARGIN_SECONDS
        )
        return batch

    def _run(self) -> None:
        lost = False
        while not self._stopped.is_set():
            try:
                batch = self._ask()
                if lost and self._whenever_back():
                    self._dispatcher.send(EventKind.RECONNECT)
            except VirtError as error:
                if not lost and not self._stopped.is_set():
                    _log.warning("lost the pool: %s", error)
                    self._dispatcher.send(EventKind.HOST_UNREACHABLE)
                lost, self._token = True, ""
                self._stopped.wait(self._settings.reconnect_interval_seconds)
                continue
            if lost:
                self._dispatcher.send(EventKind.EVENTS_LOST)
            self._apply(batch, silent=lost)
            lost = False

    def _apply(self, batch: dict[str, Any], *, silent: bool) -> None:
        is_whole = self._token == ""
        with self._changed:
            if is_whole:
                self._vms.clear()
                self._tasks.clear()
            for event in batch["events"]:
                if event["class"] == "task":
                    self._apply_task(event)
                    continue
                if event["class"] == "host":
                    self._apply_host(event)
                    continue
                is_vm = event["class"] == "vm"
                told = self._apply_vm(event) if is_vm else self._crash(event)
                if told is not None and not silent:
                    self._dispatcher.send(*told)
            self._token = batch["token"]
            self._changed.notify_all()
        counts = batch["valid_ref_counts"]
        known = (len(self._vms), len(self._tasks))
        # Asking for everything once more would tell no more than everything.
        if not is_whole and (counts["vm"], counts["task"]) != known:
            _log.warning("the pool has other VMs or tasks than it told of; asking anew")
            self._token = ""
            self._dispatcher.send(EventKind.EVENTS_LOST)

    def _apply_task(self, event: dict[str, Any]) -> None:
        if event["operation"] == "del":
            self._tasks.pop(event["ref"], None)
        else:
            self._tasks[event["ref"]] = event["snapshot"]

    def _apply_host(self, event: dict[str, Any]) -> None:
        if self._records is not None and event["ref"] == self._records.host:
            self._gone = gone_vms(event.get("snapshot", {"other_config": {}}))

    def _apply_vm(self, event: dict[str, Any]) -> tuple[EventKind, UUID] | None:
        before = self._vms.get(event["ref"], _Seen(None, "Halted"))
        if event["operation"] == "del":
            self._vms.pop(event["ref"], None)
            # xapi removes a VM that has gone to another pool.
            kind = EventKind.MIGRATED if before.vm_uuid in self._gone else EventKind.DELETED
            return (kind, before.vm_uuid) if before.vm_uuid else None
        record = event["snapshot"]
        mark = self._records.ours(record) if self._records else None
        is_vm = mark is not None and mark.spec is not None and not mark.kept
        vm_uuid = mark.vm_uuid if mark is not None and is_vm else None
        self._vms[event["ref"]] = _Seen(vm_uuid, record["power_state"], record["uuid"])
        if before.vm_uuid is not None and self._has_left(record):
            return EventKind.MIGRATED, before.vm_uuid
        changed = transition(before.power_state, record["power_state"])
        return (changed, vm_uuid) if vm_uuid is not None and changed is not None else None

    def _has_left(self, record: dict[str, Any]) -> bool:
        """Whether a VM that was ours runs on another host now."""
        return record["resident_on"] != NULL and (
            self._records is None or self._records.ours(record) is None
        )

    def progress(self, ref: str) -> float:
        """How far a task is, from 0 to 1, as far as the loop has seen."""
        with self._changed:
            record = self._tasks.get(ref)
        return float(record["progress"]) if record else 0.0

    def _crash(self, event: dict[str, Any]) -> tuple[EventKind, UUID] | None:
        message = event.get("snapshot", {})
        if message.get("name") != _CRASH:
            return None
        for seen in self._vms.values():
            if seen.pool_uuid == message["obj_uuid"] and seen.vm_uuid is not None:
                return EventKind.CRASHED, seen.vm_uuid
        return None
