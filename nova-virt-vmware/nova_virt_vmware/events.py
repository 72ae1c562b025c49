"""What happens to VMs. One thread waits for what the server tells: of the VMs' states, which go to
the cache, and that its event history has grown, which is complete and in order.
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
from pyVmomi import vim, vmodl

from nova_virt_vmware.api import Api
from nova_virt_vmware.cache import PATHS, StateCache
from nova_virt_vmware.node import Node
from nova_virt_vmware.session import Session
from nova_virt_vmware.translate import IDENTITY_PATHS
from nova_virt_vmware.vms import Vms, vms_of

__all__ = ["THREAD_NAME", "Events"]

_log = logging.getLogger(__name__)
_query = vmodl.query.PropertyCollector
THREAD_NAME = "nova-virt-vmware-events"
_TURN_SECONDS = 20
_SHORT_TURN_SECONDS = 2
_PAGE = 100

_KINDS: dict[type, EventKind] = {
    vim.event.VmPoweredOnEvent: EventKind.STARTED,
    vim.event.VmPoweredOffEvent: EventKind.STOPPED,
    vim.event.VmSuspendedEvent: EventKind.SUSPENDED,
    vim.event.VmRemovedEvent: EventKind.DELETED,
}
# It tells that a VM which is powered on next goes on where it was.
_GOES_ON = vim.event.VmResumingEvent


class _Subscription:
    """What the server keeps for one login: a view of the history, and what tells of its growth and
    of the VMs.
    """

    def __init__(self, api: Api, node: Node, cache: StateCache) -> None:
        self.api = api
        self._cache = cache
        self.left: set[str] = set()
        self.new: dict[str, UUID | None] = {}
        now = vim.ServiceInstance("ServiceInstance", api.stub).CurrentTime()
        by = vim.event.EventFilterSpec
        entity = by.ByEntity(entity=node.compute(api), recursion=by.RecursionOption.all)
        wanted = by(
            entity=entity,
            time=by.ByTime(beginTime=now),
            eventTypeId=[kind.__name__.rpartition(".")[2] for kind in (*_KINDS, _GOES_ON)],
        )
        self._history = api.content.eventManager.CreateCollectorForEvents(wanted)
        self._collector = api.content.propertyCollector.CreatePropertyCollector()
        growth = _query.FilterSpec(
            objectSet=[_query.ObjectSpec(obj=self._history)],
            propSet=[_query.PropertySpec(type=type(self._history), pathSet=["latestPage"])],
        )
        self._collector.CreateFilter(growth, True)
        states = _query.FilterSpec(
            objectSet=[vms_of(node.pool(api))],
            propSet=[_query.PropertySpec(type=vim.VirtualMachine, pathSet=PATHS)],
        )
        # Whole changes, so that each can be taken as it is.
        self._states = self._collector.CreateFilter(states, False)
        self._lists = api.settings.list_from_cache
        self._version = ""
        self._last_key = 0
        cache.begin()

    def next_events(self, changes: int) -> list[vim.event.Event]:
        """Wait for news, for a while; pass those of the VMs on to the cache, and return the events
        that are new, in order.

        Args:
            changes: how many changes of the driver's own are told of by now.
        """
        turn = _query.WaitOptions(maxWaitSeconds=self._patience(changes))
        update = self._collector.WaitForUpdatesEx(self._version, turn)
        if update is None:
            self._cache.caught_up(changes)
            return []
        self._version = update.version
        for told in update.filterSet:
            if told.filter == self._states:
                new, left = self._cache.apply(told.objectSet)
                self.new |= new
                self.left |= left
        if not update.truncated:
            self._cache.caught_up(changes)
        return self._read()

    def _patience(self, changes: int) -> int:
        """For how many seconds news may be waited for: until the driver is told of its own last
        change, lists need a question.
        """
        if not self._lists:
            return _TURN_SECONDS
        return _SHORT_TURN_SECONDS if self._cache.is_current(changes) else 0

    def _read(self) -> list[vim.event.Event]:
        found: list[vim.event.Event] = []
        while page := self._history.ReadNextEvents(_PAGE):
            found += [event for event in page if event.key > self._last_key]
            self._last_key = max(self._last_key, *(event.key for event in page))
        return found

    def interrupt(self) -> None:
        """End a wait that is under way."""
        self._collector.CancelWaitForUpdates()

    def end(self) -> None:
        """Let the server forget it: it keeps a limited number of histories for all its clients."""
        self._history.DestroyCollector()
        self._collector.DestroyPropertyCollector()


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
        self._subscription: _Subscription | None = None
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
            self._without_fail(_Subscription.interrupt)
            self._thread.join(0.2)
        self._without_fail(_Subscription.end)
        self._cache.begin()
        self._dispatcher.close()

    def _without_fail(self, action: Callable[[_Subscription], None]) -> None:
        """Tell the server, which may be away: then it forgets the subscription with the login."""
        subscription = self._subscription
        try:
            if subscription is not None:
                self._session.listen("ending the events", lambda: action(subscription))
        except VirtError as error:
            _log.debug("%s", error)

    def _subscribe(self) -> None:
        self._without_fail(_Subscription.end)
        self._subscription = self._session.ask(
            "subscribing to events", lambda api: _Subscription(api, self._node, self._cache)
        )
        self._vms.census(IDENTITY_PATHS)

    def _run(self) -> None:
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
        changes = self._session.changes
        events = self._session.listen(
            "waiting for events", lambda: subscription.next_events(changes)
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
        if vm_uuid is not None and self._vms.is_elsewhere(vm_id):
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
        self._cache.begin()
        _log.warning("no events: %s", error)
        if connected and isinstance(error, HostUnreachable):
            self._dispatcher.send(EventKind.HOST_UNREACHABLE)
        self._stopping.wait(self._session.settings.reconnect_interval_seconds)
        return False
