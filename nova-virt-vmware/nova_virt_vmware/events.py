"""What happens to VMs. One thread waits for what the server tells: of the VMs' states, which go to
the cache, of tasks, for those who wait for them, and of what core is to know.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

from nova_virt_interface.dispatch import EventDispatcher
from nova_virt_interface.errors import HostUnreachable, VirtError
from nova_virt_interface.services import IEventSink
from nova_virt_interface.values.events import EventKind
from pyVmomi import vim

from nova_virt_vmware.cache import StateCache
from nova_virt_vmware.node import Node
from nova_virt_vmware.session import Session
from nova_virt_vmware.subscription import Subscription
from nova_virt_vmware.translate import IDENTITY_PATHS
from nova_virt_vmware.vms import Vms

__all__ = ["THREAD_NAME", "Events"]

_log = logging.getLogger(__name__)
THREAD_NAME = "nova-virt-vmware-events"

_KINDS: dict[type, EventKind] = {
    vim.event.VmPoweredOnEvent: EventKind.STARTED,
    vim.event.VmPoweredOffEvent: EventKind.STOPPED,
    vim.event.VmSuspendedEvent: EventKind.SUSPENDED,
    vim.event.VmRemovedEvent: EventKind.DELETED,
}
# It tells that a VM which is powered on next goes on where it was.
_GOES_ON = vim.event.VmResumingEvent


class Events:
    """Reports what happens to the VMs of one compute node, until it is stopped."""

    def __init__(
        self, session: Session, node: Node, vms: Vms, cache: StateCache, sink: IEventSink
    ) -> None:
        self._session = session
        self._node = node
        self._vms = vms
        self._cache = cache
        self._dispatcher = EventDispatcher(sink)
        self._stopping = threading.Event()
        self._subscription: Subscription | None = None
        self._suspended: set[str] = set()
        self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)

    def start(self) -> None:
        """Subscribe, so that nothing is missed from now on, and begin to report."""
        self._subscribe()
        self._thread.start()

    def stop(self) -> None:
        """Report nothing any more. Idempotent."""
        self._stopping.set()
        while self._thread.is_alive():
            self._without_fail(Subscription.interrupt)
            self._thread.join(0.2)
        self._without_fail(Subscription.end)
        self._dispatcher.close()

    def _without_fail(self, action: Callable[[Subscription], None]) -> None:
        """Tell the server, which may be away: then it forgets the subscription with the login."""
        subscription = self._subscription
        try:
            if subscription is not None:
                self._session.listen("ending the events", lambda: action(subscription))
        except VirtError as error:
            _log.debug("%s", error)

    def _subscribe(self) -> None:
        self._without_fail(Subscription.end)
        self._subscription = self._session.ask(
            "subscribing to events",
            lambda api: Subscription(api, self._node, self._cache, [*_KINDS, _GOES_ON]),
        )
        self._vms.census(IDENTITY_PATHS)

    def _run(self) -> None:
        try:
            self._report_all()
        finally:
            # Whoever waits for tasks has to know that nobody listens any more.
            self._lose()

    def _lose(self) -> None:
        if self._subscription is not None:
            self._subscription.lose()

    def _report_all(self) -> None:
        connected = True
        while not self._stopping.is_set():
            try:
                if not connected:
                    self._subscribe()
                    connected = True
                    self._dispatcher.send(EventKind.EVENTS_LOST)
                self._turn()
            except VirtError as error:
                if self._stopping.is_set():
                    return
                connected = self._broken(error, connected)

    def _turn(self) -> None:
        subscription = self._subscription
        if subscription is None:
            return
        is_changing, changes = self._session.is_changing, self._session.changes
        events = self._session.listen(
            "waiting for events",
            lambda: subscription.next_events(changes, is_changing=is_changing),
        )
        for vm_id, vm_uuid in subscription.new.items():
            self._vms.learn(vm_id, vm_uuid)
        subscription.new.clear()
        owners = self._owners(events)
        for event in events:
            self._report(event, owners)
        while subscription.left:
            self._report_gone(subscription.left.pop())

    def _report_gone(self, vm_id: str) -> None:
        """Report a VM that has gone to another compute node; of one that was deleted, or put into
        another pool here, the history tells.
        """
        vm_uuid = self._vms.known().get(vm_id)
        if vm_uuid is None or not self._vms.is_elsewhere(vm_id):
            self._cache.keep(vm_id)
        else:
            self._cache.forget(vm_id)
            self._vms.forget(vm_id)
            self._dispatcher.send(EventKind.MIGRATED, vm_uuid)

    def _owners(self, events: list[Any]) -> dict[str, UUID | None]:
        """Whose the VMs of the events are; asks if there is one that was never seen."""
        named = {event.vm.vm._moId for event in events if event.vm}
        if named <= self._vms.known().keys():
            return self._vms.known()
        self._vms.census(IDENTITY_PATHS)
        owners = self._vms.known()
        if not named <= owners.keys():
            # One was made and deleted before anybody could ask whose it was.
            self._dispatcher.send(EventKind.EVENTS_LOST)
        return owners

    def _report(self, event: Any, owners: dict[str, UUID | None]) -> None:
        if event.vm is None:
            return
        vm_id = event.vm.vm._moId
        kind = self._kind(event, vm_id)
        if kind is None:
            return
        vm_uuid = owners.get(vm_id)
        if vm_uuid is not None:
            self._dispatcher.send(kind, vm_uuid)
        if kind is EventKind.DELETED:
            self._vms.forget(vm_id)

    def _kind(self, event: Any, vm_id: str) -> EventKind | None:
        """What an event is to core. A saved VM is powered on as any other is: what it was before
        makes the difference.
        """
        if isinstance(event, (_GOES_ON, vim.event.VmSuspendedEvent)):
            self._suspended.add(vm_id)
        else:
            was_suspended = vm_id in self._suspended
            self._suspended.discard(vm_id)
            if was_suspended and isinstance(event, vim.event.VmPoweredOnEvent):
                return EventKind.RESUMED
        return _KINDS.get(type(event))

    def _broken(self, error: VirtError, connected: bool) -> bool:
        self._lose()
        _log.warning("no events: %s", error)
        if connected and isinstance(error, HostUnreachable):
            self._dispatcher.send(EventKind.HOST_UNREACHABLE)
        self._stopping.wait(self._session.settings.reconnect_interval_seconds)
        return False
