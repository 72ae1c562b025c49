"""Long operations: begun with ``Async.``, awaited by their task's events.

A task that is over is destroyed. When it has gone from the cache, all that it did is there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import XenAPI
from nova_virt_interface.call import Call, current_call
from nova_virt_interface.errors import HostUnreachable, NotFound, VirtError

from nova_virt_xenapi.cache import Cache
from nova_virt_xenapi.errors import contract_error
from nova_virt_xenapi.session import Session, attempt

__all__ = ["Tasks"]

_log = logging.getLogger(__name__)

_PATIENCE_SECONDS: Final = 0.5
# How long the pool may be away while a task goes on.
_AWAY_SECONDS: Final = 5.0
_CANCEL_SECONDS: Final = 30.0
_PENDING: Final = ("pending", "cancelling")


class Tasks:
    """Runs messages as tasks."""

    def __init__(self, session: Session, cache: Cache) -> None:
        self._session = session
        self._cache = cache
        self._abandoned: list[str] = []

    def run(
        self,
        method: str,
        *arguments: Any,
        about: str,
        seconds: float | None = None,
        total_bytes: int | None = None,
    ) -> bool:
        """Run a message to its end.

        Args:
            method: without ``Async.``.
            *arguments: of the message, without the session.
            about: what it is about, for errors.
            seconds: when to cancel it; None for never.
            total_bytes: how much it moves, for core to be told how far it is.

        Returns: False if it was cancelled because its time was over.
        """
        self.tidy()
        with attempt():
            task = self._session.call(f"Async.{method}", *arguments)
            return self.finish(task, about=about, seconds=seconds, total_bytes=total_bytes)

    def finish(
        self,
        task: str,
        *,
        about: str,
        seconds: float | None = None,
        total_bytes: int | None = None,
    ) -> bool:
        """Wait for a task's end and destroy it; see `run`."""
        try:
            record = self._over(task, about, seconds, total_bytes)
            timed_out = record is None
            record = record or self._cancelled(task, about)
        except VirtError as error:
            self._abandon(task)
            error.may_have_been_done = True
            raise
        self._destroy(task)
        if timed_out and record["status"] == "cancelled":
            return False
        if record["status"] != "success":
            failure = XenAPI.Failure(record["error_info"] or ["INTERNAL_ERROR"])
            raise contract_error(failure, about=about, changing=True) from failure
        return True

    def discard(self, task: str) -> None:
        """Destroy a task that has lost its purpose."""
        with Call(current_call().request_id), suppress(VirtError):
            self._destroy(task)

    def await_other(self, task: str, about: str) -> None:
        """Wait for the end of a task that another caller began, and will destroy."""
        while not self._cache.wait_for(lambda: not self._is_pending(task), _PATIENCE_SECONDS):
            self._require_pool(about)
            current_call().progress(int(100 * self.progress(task)), 100, "percent")
            current_call().check()

    def cancel(self, task: str) -> None:
        """Cancel a task and wait for its end; whoever waits for it destroys it."""
        with suppress(NotFound):
            self._session.call("task.cancel", task)
        self._cache.wait_for(lambda: not self._is_pending(task), _CANCEL_SECONDS)

    def progress(self, task: str) -> float:
        """How far a task is, from 0 to 1, as far as was told."""
        record = self._cache.told("task").get(task)
        return float(record["progress"]) if record else 0.0

    def status(self, task: str) -> str:
        """What xapi calls it; ``gone`` if there is none of this reference. One question."""
        self._cache.sync()
        record = self._cache.rows("task").get(task)
        return "gone" if record is None else str(record["status"])

    def _is_pending(self, task: str) -> bool:
        return self._cache.told("task").get(task, {}).get("status") in _PENDING

    def _over(
        self, task: str, about: str, seconds: float | None, total_bytes: int | None = None
    ) -> dict[str, Any] | None:
        """The record of a task that is over; None if it is not within this time."""
        begun = time.monotonic()
        self._require_told(task, about)
        while True:
            left = _PATIENCE_SECONDS if seconds is None else begun + seconds - time.monotonic()
            if total_bytes is not None:
                current_call().progress(int(total_bytes * self.progress(task)), total_bytes)
            patience = min(_PATIENCE_SECONDS, max(0.0, left))
            if self._cache.wait_for(lambda: not self._is_pending(task), patience):
                record = self._cache.told("task").get(task)
                if record is None:
                    raise _forgotten(about)
                return record
            current_call().check(may_have_been_done=True)
            if seconds is not None and time.monotonic() - begun >= seconds:
                return None
            self._require_pool(about)

    def _require_told(self, task: str, about: str) -> None:
        """Wait until the cache has a task that was begun a moment ago."""
        known: Callable[[], bool] = lambda: task in self._cache.told("task")  # noqa: E731
        while not self._cache.wait_for(known, _PATIENCE_SECONDS):
            self._require_pool(about)
            current_call().check(may_have_been_done=True)
            if not known():
                self._cache.sync()
                if not known():
                    raise _forgotten(about)

    def _require_pool(self, about: str) -> None:
        """Wait a moment for a pool that is away; raises HostUnreachable."""
        deadline = time.monotonic() + _AWAY_SECONDS
        while self._cache.is_lost:
            if time.monotonic() > deadline:
                raise HostUnreachable(
                    f"{about}: the pool does not answer", remedy="repeat it when the pool is back"
                )
            current_call().wait(_PATIENCE_SECONDS / 5)

    def _cancelled(self, task: str, about: str = "") -> dict[str, Any]:
        """Cancel a task; it may still come to another end."""
        self._session.call("task.cancel", task)
        record = self._over(task, about, _CANCEL_SECONDS)
        return record or {"status": "failure", "error_info": ["TASK_CANCELLED", task]}

    def _abandon(self, task: str) -> None:
        """Nobody waits for it any more."""
        with Call(current_call().request_id):
            try:
                self._cancelled(task)
                self._destroy(task)
            except VirtError:
                self._abandoned.append(task)

    def tidy(self) -> None:
        """Cancel and remove what could not be while the pool was away (rule FAIL-2)."""
        self._session.tidy()
        tasks, self._abandoned = self._abandoned, []
        for task in tasks:
            with Call(current_call().request_id):
                # One that is over cannot be cancelled.
                with suppress(VirtError):
                    self._cancelled(task)
                with suppress(VirtError):
                    self._destroy(task)

    def _destroy(self, task: str) -> None:
        # xapi removes it in time if this fails.
        with suppress(NotFound):
            self._session.call("task.destroy", task)


def _forgotten(about: str) -> HostUnreachable:
    """A master that takes over from another one does not know the tasks of before."""
    return HostUnreachable(
        f"{about}: the pool has forgotten what it was doing",
        remedy="look what became of it, or repeat it",
    )
