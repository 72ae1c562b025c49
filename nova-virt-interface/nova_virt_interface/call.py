"""What travels with every call without being a parameter: request id, deadline, cancellation,
progress.

[CALL-1] The call in force is `current_call()`; core enters one with ``with Call(...):`` around
every call to a driver.
[CALL-2] A driver that hands work to another thread runs it in a copy of the caller's `contextvars`
context.
[CALL-3] A long operation calls `Call.check` before it starts and at least once a second while it
can still be undone. A call that was cancelled, or whose deadline passed, ends in `Cancelled` or
`DeadlineExceeded` and leaves nothing behind that a repeat cannot use or remove.
[CALL-4] Deadlines are points of the monotonic clock; a call without one may take as long as it
needs.
[CALL-5] Cancelling a call that is done, or was cancelled before, changes nothing.
[CALL-6] A caller that died asks again with the same identity and request: the operation is
idempotent.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Self

from nova_virt_interface.errors import Cancelled, DeadlineExceeded
from nova_virt_interface.marks import value

__all__ = ["Call", "Progress", "RequestIdFilter", "current_call"]


@value(since="1.0")
class Progress:
    """How far a long operation is."""

    done: int
    """Units done so far; never decreases within one operation."""
    total: int | None = None
    """Units in all; None while unknown."""
    unit: str = "bytes"


class Call:
    """One call from core to a driver.

    Args:
        request_id: core's name for the request, written into every log line.
        timeout_seconds: how long the call may take from now; None for no deadline.
        on_progress: told how far a long operation is. It runs on the driver's thread and must
            return at once.
    """

    def __init__(
        self,
        request_id: str,
        *,
        timeout_seconds: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self.request_id = request_id
        self.deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        self._on_progress = on_progress
        self._cancelled = threading.Event()
        self._tokens: list[Token[Call | None]] = []

    def __enter__(self) -> Self:
        self._tokens.append(_current.set(self))
        return self

    def __exit__(self, *exc_info: object) -> None:
        _current.reset(self._tokens.pop())

    def cancel(self) -> None:
        """Ask the driver to stop; safe from any thread."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether the caller has cancelled the call."""
        return self._cancelled.is_set()

    def remaining_seconds(self) -> float | None:
        """Seconds until the deadline, not below 0; None when there is no deadline."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def check(self, *, may_have_been_done: bool = False) -> None:
        """Raise `Cancelled` or `DeadlineExceeded` when the call should not go on."""
        if self.cancelled:
            raise Cancelled("the caller cancelled the call", may_have_been_done=may_have_been_done)
        if self.remaining_seconds() == 0.0:
            raise DeadlineExceeded(
                "the deadline of the call has passed",
                remedy="repeat it with more time",
                may_have_been_done=may_have_been_done,
            )

    def wait(self, seconds: float) -> None:
        """Sleep until the time is over, the deadline comes, or the caller cancels; then `check`."""
        remaining = self.remaining_seconds()
        self._cancelled.wait(seconds if remaining is None else min(seconds, remaining))
        self.check()

    def progress(self, done: int, total: int | None = None, unit: str = "bytes") -> None:
        """Tell core how far the operation is."""
        if self._on_progress is not None:
            self._on_progress(Progress(done=done, total=total, unit=unit))


_current: ContextVar[Call | None] = ContextVar("nova_virt_call", default=None)


def current_call() -> Call:
    """The call in force; outside of any, a new one without deadline whose request id is ``-``."""
    return _current.get() or Call("-")


class RequestIdFilter(logging.Filter):
    """Gives every log record ``request_id``, so that a formatter can print it; for a handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Set the attribute; lets every record pass."""
        record.request_id = current_call().request_id
        return True
