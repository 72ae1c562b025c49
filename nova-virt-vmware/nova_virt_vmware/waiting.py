"""Waiting for tasks and states: the server tells of the change, nobody asks again and again."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from nova_virt_interface.call import current_call
from nova_virt_interface.errors import Cancelled, DeadlineExceeded
from pyVmomi import vim, vmodl

from nova_virt_vmware.errors import CUT
from nova_virt_vmware.task_news import PATHS, TaskNews, changed

__all__ = ["Collectors", "result_of", "settle", "wait_for"]

_log = logging.getLogger(__name__)
# How long one request waits: a call must notice within a second that it was cancelled (CALL-3).
_TURN_SECONDS = 1
# How long a cancelled task may take to end.
_CANCEL_SECONDS = 10.0
_query = vmodl.query.PropertyCollector


class Collectors:
    """Property collectors of one login. Each has its own updates, so that one waiter uses one."""

    def __init__(self, parent: vmodl.query.PropertyCollector) -> None:
        self.tasks = TaskNews()
        self._parent = parent
        self._idle: queue.SimpleQueue[vmodl.query.PropertyCollector] = queue.SimpleQueue()

    @contextmanager
    def watching(
        self, watched: vmodl.ManagedObject, paths: list[str]
    ) -> Iterator[vmodl.query.PropertyCollector]:
        """A collector that tells of changes of these properties of one object."""
        try:
            collector = self._idle.get_nowait()
        except queue.Empty:
            collector = self._parent.CreatePropertyCollector()
        spec = _query.FilterSpec(
            objectSet=[_query.ObjectSpec(obj=watched)],
            propSet=[_query.PropertySpec(type=type(watched), pathSet=paths)],
        )
        created = collector.CreateFilter(spec, True)
        try:
            yield collector
        except CUT:
            # Nobody knows what it has told already: the server drops it with the login.
            raise
        except BaseException:
            self._back(collector, created)
            raise
        self._back(collector, created)

    def _back(
        self,
        collector: vmodl.query.PropertyCollector,
        created: vmodl.query.PropertyCollector.Filter,
    ) -> None:
        created.DestroyPropertyFilter()
        self._idle.put(collector)


def wait_for(
    collectors: Collectors,
    watched: vmodl.ManagedObject,
    paths: list[str],
    done: Callable[[dict[str, Any]], bool],
    *,
    seconds: float | None = None,
    check: Callable[[], None] = lambda: current_call().check(),
) -> dict[str, Any]:
    """Wait until the properties are as wanted, and return them; earlier if the time is over.

    `check` is called at least once a second and ends the wait by raising.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    known: dict[str, Any] = {}
    with collectors.watching(watched, paths) as collector:
        version = ""
        while True:
            left = _TURN_SECONDS if deadline is None else deadline - time.monotonic()
            turn = _query.WaitOptions(maxWaitSeconds=max(0, min(_TURN_SECONDS, round(left + 0.5))))
            update = collector.WaitForUpdatesEx(version, turn)
            if update is not None:
                version = update.version
                for told in (told for by in update.filterSet for told in by.objectSet):
                    changed(known, told.changeSet)
            if done(known) or (deadline is not None and time.monotonic() >= deadline):
                break
            check()
    return known


def result_of(
    collectors: Collectors, task: vim.Task, on_percent: Callable[[int], None] | None = None
) -> Any:
    """Wait for a task and return its result; its fault is raised as it is, one of the waiting as a
    `ConnectionError`.

    A call that is cancelled asks the task to stop, and ends when it has. `on_percent` is told how
    far the task is, at the beginning and whenever the server says so.
    """
    try:
        info = _ended(collectors, task, on_percent)
    except vim.fault.NotAuthenticated:
        raise
    except vmodl.MethodFault as error:
        # It is the question's, not the task's, which goes on: as after a connection that was cut.
        raise ConnectionError(f"the server does not tell of the task: {error.msg}") from error
    except (Cancelled, DeadlineExceeded) as stopped:
        stopped.may_have_been_done = not _cancelled(collectors, task)
        raise
    if info["info.state"] == vim.TaskInfo.State.error:
        raise info["info.error"]
    return info.get("info.result")


def _ended(
    collectors: Collectors,
    task: vim.Task,
    on_percent: Callable[[int], None] | None = None,
    check: Callable[[], None] = lambda: current_call().check(),
    seconds: float | None = None,
) -> dict[str, Any]:
    ends = (vim.TaskInfo.State.success, vim.TaskInfo.State.error)

    def done(known: dict[str, Any]) -> bool:
        if on_percent is not None:
            on_percent(known.get("info.progress") or 0)
        return known.get("info.state") in ends

    told = collectors.tasks.wait(task, done, check, seconds)
    if told is not None:
        return told
    return wait_for(collectors, task, PATHS, done, seconds=seconds, check=check)


def _cancelled(collectors: Collectors, task: vim.Task) -> bool:
    """Ask the task to stop; says whether it ended without having been done."""
    try:
        task.CancelTask()
    except vmodl.MethodFault as error:
        # Some tasks cannot be stopped; such a one is waited for as well.
        _log.debug("task %s is not cancelled: %s", task, error)
    info = _ended(collectors, task, seconds=_CANCEL_SECONDS, check=lambda: None)
    return str(info.get("info.state")) == "error"


def settle(collectors: Collectors, tasks: list[vim.Task], seconds: float) -> bool:
    """Wait until these tasks have ended, for so long at most; says whether they have."""
    deadline = time.monotonic() + seconds
    for task in tasks:
        try:
            _ended(collectors, task, seconds=max(0.0, deadline - time.monotonic()))
        except vmodl.fault.ManagedObjectNotFound:
            # The server has forgotten it, as it does some time after the end.
            continue
    return time.monotonic() < deadline
