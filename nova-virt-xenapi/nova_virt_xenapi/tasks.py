"""Long operations: begun with ``Async.``, awaited by their task's events."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import Any, Final

import XenAPI
from nova_virt_interface.call import Call, current_call
from nova_virt_interface.errors import NotFound, VirtError

from nova_virt_xenapi.errors import contract_error
from nova_virt_xenapi.events import Events
from nova_virt_xenapi.session import Session, attempt

__all__ = ["Tasks"]

_log = logging.getLogger(__name__)

_PATIENCE_SECONDS: Final = 0.5
# How often a task is asked for itself, should the events stay away.
_ASK_SECONDS: Final = 5.0
_CANCEL_SECONDS: Final = 30.0
_PENDING: Final = ("pending", "cancelling")


class Tasks:
    """Runs messages as tasks."""

    def __init__(self, session: Session, events: Events) -> None:
        self._session = session
        self._events = events
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
            record = self._over(task, seconds, total_bytes)
            timed_out = record is None
            record = record or self._cancelled(task)
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
        while self._session.call("task.get_all_records").get(task, {}).get("status") in _PENDING:
            current_call().progress(int(100 * self._events.progress(task)), 100, "percent")
            current_call().wait(_PATIENCE_SECONDS)

    def cancel(self, task: str) -> None:
        """Cancel a task and wait for its end; whoever waits for it destroys it."""
        with suppress(NotFound):
            self._session.call("task.cancel", task)
        deadline = time.monotonic() + _CANCEL_SECONDS
        while time.monotonic() < deadline:
            if (
                self._session.call("task.get_all_records").get(task, {}).get("status")
                not in _PENDING
            ):
                return
            current_call().wait(_PATIENCE_SECONDS / 5)

    def _over(
        self, task: str, seconds: float | None, total_bytes: int | None = None
    ) -> dict[str, Any] | None:
        begun = asked = time.monotonic()
        while True:
            left = _PATIENCE_SECONDS if seconds is None else begun + seconds - time.monotonic()
            if total_bytes is not None:
                done = int(total_bytes * self._events.progress(task))
                current_call().progress(done, total_bytes)
            record = self._events.task(task, min(_PATIENCE_SECONDS, max(0.0, left)))
            if record is not None:
                return record
            current_call().check(may_have_been_done=True)
            now = time.monotonic()
            if seconds is not None and now - begun >= seconds:
                return None
            if now - asked >= _ASK_SECONDS:
                asked = now
                found: dict[str, Any] = self._session.call("task.get_record", task)
                if found["status"] not in _PENDING:
                    return found

    def _cancelled(self, task: str) -> dict[str, Any]:
        """Cancel a task; it may still come to another end."""
        self._session.call("task.cancel", task)
        record = self._over(task, _CANCEL_SECONDS)
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
