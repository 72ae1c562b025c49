"""What the server keeps for one login, to tell of: the VMs, the tasks that are waited for, and that
the history of events has grown, which is complete and in order.
"""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from pyVmomi import vim, vmodl

from nova_virt_vmware import task_news
from nova_virt_vmware.api import Api
from nova_virt_vmware.cache import PATHS, StateCache
from nova_virt_vmware.node import Node
from nova_virt_vmware.vms import vms_of

__all__ = ["Subscription"]

_query = vmodl.query.PropertyCollector
# How long the server waits with its answer for something to tell.
_TURN_SECONDS = 5
# While the driver changes something it will soon be asked what has become of it.
_SHORT_TURN_SECONDS = 1
# A server that owes an answer for longer may be away.
_SILENCE_SECONDS = 2 * _TURN_SECONDS
_PAGE = 100
_IN_VIEW = _query.TraversalSpec(type=vim.view.ListView, path="view", skip=False)


class Subscription:
    """It is served by one thread."""

    def __init__(
        self, api: Api, node: Node, cache: StateCache, kinds: list[type[vim.event.Event]]
    ) -> None:
        self._tasks = api.collectors.tasks
        self._cache = cache
        self.left: set[str] = set()
        self.new: dict[str, UUID | None] = {}
        self._history = _history(api, node, kinds)
        collector = api.content.propertyCollector.CreatePropertyCollector()
        self._listener = api.listener(_TURN_SECONDS)
        self._collector = _query(collector._moId, self._listener)
        self._growth = _filter(collector, _query.ObjectSpec(obj=self._history), ["latestPage"])
        self._states = _filter(collector, vms_of(node.pool(api)), PATHS, vim.VirtualMachine)
        self._view = api.content.viewManager.CreateListView(None)
        in_view = _query.ObjectSpec(obj=self._view, skip=True, selectSet=[_IN_VIEW])
        # After the VMs: what a task has done to one is told before its end is.
        self._ends = _filter(collector, in_view, task_news.PATHS, vim.Task)
        self._version = ""
        self._last_key = 0
        self._heard = time.monotonic()
        cache.begin(self._is_recent, self._listener.is_quiet)
        self._tasks.begin(self._view)

    def _is_recent(self) -> bool:
        return time.monotonic() - self._heard < _SILENCE_SECONDS

    def next_events(self, changes: int, *, is_changing: bool) -> list[vim.event.Event]:
        """Wait for news, for a while; pass those of VMs and tasks on, and return the events that
        are new, in order.

        Args:
            changes: how many changes of the driver's own have ended.
            is_changing: whether more are under way.
        """
        turn = _query.WaitOptions(maxWaitSeconds=self._patience(changes, is_changing))
        update = self._collector.WaitForUpdatesEx(self._version, turn)
        self._heard = time.monotonic()
        if update is None:
            self._cache.caught_up(changes)
            return []
        self._version = update.version
        has_grown = False
        for told in update.filterSet:
            if told.filter == self._states:
                new, left = self._cache.apply(told.objectSet)
                self.new |= new
                self.left |= left
            elif told.filter == self._ends:
                self._tasks.apply(told.objectSet)
            else:
                has_grown = True
        if not update.truncated:
            self._cache.caught_up(changes)
        return self._read() if has_grown else []

    def _patience(self, changes: int, is_changing: bool) -> int:
        """For how many seconds news may be waited for: until the driver is told of its own last
        change, lists need a question.
        """
        if is_changing:
            return _SHORT_TURN_SECONDS
        return _TURN_SECONDS if self._cache.is_current(changes) else 0

    def _read(self) -> list[vim.event.Event]:
        found: list[vim.event.Event] = []
        while page := self._history.ReadNextEvents(_PAGE):
            found += [event for event in page if event.key > self._last_key]
            self._last_key = max(self._last_key, *(event.key for event in page))
        return found

    def lose(self) -> None:
        """The server is not heard any more."""
        self._cache.begin()
        self._tasks.end()

    def interrupt(self) -> None:
        """End a wait that is under way."""
        self._collector.CancelWaitForUpdates()

    def end(self) -> None:
        """Let the server forget it: it keeps a limited number of histories for all its clients."""
        self.lose()
        try:
            self._history.DestroyCollector()
            self._view.DestroyView()
            self._collector.DestroyPropertyCollector()
        finally:
            self._listener.DropConnections()


def _history(api: Api, node: Node, kinds: list[type[vim.event.Event]]) -> Any:
    now = vim.ServiceInstance("ServiceInstance", api.stub).CurrentTime()
    by = vim.event.EventFilterSpec
    wanted = by(
        entity=by.ByEntity(entity=node.compute(api), recursion=by.RecursionOption.all),
        time=by.ByTime(beginTime=now),
        eventTypeId=[kind.__name__.rpartition(".")[2] for kind in kinds],
    )
    return api.content.eventManager.CreateCollectorForEvents(wanted)


def _filter(collector: Any, start: Any, paths: list[str], kind: type | None = None) -> Any:
    spec = _query.FilterSpec(
        objectSet=[start],
        propSet=[_query.PropertySpec(type=kind or type(start.obj), pathSet=paths)],
    )
    # Whole changes, so that each can be taken as it is.
    return collector.CreateFilter(spec, False)
