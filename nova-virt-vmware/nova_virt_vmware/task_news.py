"""What the server tells of tasks that are waited for: by the one loop that waits for all news.

A task has to be named to be told of. That what the server lists as recent tasks changes is nothing
that it tells, says the vSphere API reference of `TaskManager.recentTask`; it has list views for it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from pyVmomi import vim, vmodl

__all__ = ["PATHS", "TaskNews", "changed"]

_log = logging.getLogger(__name__)

# Not `info` as a whole: vcsim 0.56 names entities in it that the schema does not allow.
PATHS = ["info.state", "info.error", "info.result", "info.progress"]
"""The properties of a task that it wants to be told of."""

_REMOVED = ("remove", "indirectRemove")
# How long a call that waits may take to notice that it was cancelled (CALL-3).
_TURN_SECONDS = 1.0
# How long nothing at all may be told of a task before it is asked for in another way.
_SILENCE_SECONDS = 5.0


def changed(facts: dict[str, Any], changes: Iterable[Any] | None) -> None:
    """Bring an object's properties up to date by changes that the server tells."""
    for change in changes or ():
        if change.op in _REMOVED or change.val is None:
            facts.pop(change.name, None)
        else:
            facts[change.name] = change.val


class TaskNews:
    """The tasks of one login; is fed by one thread, and asked by any."""

    def __init__(self) -> None:
        self._told = threading.Condition()
        self._view: vim.view.ListView | None = None
        self._number = 0
        self._facts: dict[str, dict[str, Any]] = {}
        self._waiting: Counter[str] = Counter()

    def begin(self, view: vim.view.ListView) -> None:
        """From now on what is in this view is told of."""
        with self._told:
            self._view = view

    def end(self) -> None:
        """Nobody listens any more: whoever waits has to do it in another way."""
        with self._told:
            self._view = None
            self._told.notify_all()

    def apply(self, updates: Iterable[Any]) -> None:
        """Take what the server tells."""
        with self._told:
            for update in updates:
                facts = self._facts.get(update.obj._moId)
                if facts is None:
                    continue
                changed(facts, update.changeSet)
                if update.kind == "leave":
                    # No more is told of it.
                    facts.clear()
            self._number += 1
            self._told.notify_all()

    def wait(
        self,
        task: vim.Task,
        done: Callable[[dict[str, Any]], bool],
        check: Callable[[], None],
        seconds: float | None = None,
    ) -> dict[str, Any] | None:
        """Wait until the properties are as wanted, and return them; earlier if the time is over.
        None if nobody listens, or the server does not tell of it.

        `check` is called at least once a second and ends the wait by raising.
        """
        began = time.monotonic()
        deadline = None if seconds is None else began + seconds
        with self._told:
            view = self._view
            if view is None:
                return None
            over = self._joined(task)
        try:
            if _unresolved(view, task, over):
                return None
            while True:
                with self._told:
                    number, known = self._number, dict(self._facts[task._moId])
                left = _TURN_SECONDS if deadline is None else deadline - time.monotonic()
                if done(known) or left <= 0:
                    return known
                if not known and time.monotonic() - began > _SILENCE_SECONDS:
                    return None
                with self._told:
                    if self._number == number and self._view is view:
                        self._told.wait(min(left, _TURN_SECONDS))
                    if self._view is not view:
                        return None
                check()
        finally:
            with self._told:
                self._waiting[task._moId] -= 1

    def _joined(self, task: vim.Task) -> list[vim.Task]:
        """Note that one waits for this task; returns those in the view that nobody waits for."""
        self._waiting[task._moId] += 1
        over = [key for key, waiting in self._waiting.items() if waiting == 0]
        for key in over:
            del self._waiting[key]
            self._facts.pop(key, None)
        self._facts.setdefault(task._moId, {})
        return [vim.Task(key, task._stub) for key in over]


def _unresolved(view: vim.view.ListView, task: vim.Task, over: list[vim.Task]) -> bool:
    """Have a task told of; says whether it is not. It goes on, also if the server refuses that."""
    try:
        return bool(view.ModifyListView([task], over))
    except vmodl.MethodFault as error:
        _log.debug("task %s is not told of: %s", task, error)
        return True
