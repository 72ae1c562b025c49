"""libvirt's event loop: one per process, in one thread, which runs while a connection of this
driver is open.

libvirt wants it chosen before the first connection is opened. It delivers events and answers
keep-alive questions.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

import libvirt

__all__ = ["acquire", "release"]

_log = logging.getLogger(__name__)


class _EventLoop:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._chosen = False
        self._stopping = False
        self._round_over = threading.Event()
        self._thread: threading.Thread | None = None

    def acquire(self) -> None:
        with self._lock:
            if not self._chosen:
                libvirt.virEventRegisterDefaultImpl()
                # Errors reach us as exceptions; libvirt's default handler would print each on
                # standard error too.
                libvirt.registerErrorHandler(_ignore_printed_error, None)
                self._chosen = True
            self._users += 1
            if self._thread is None:
                self._stopping = False
                self._thread = threading.Thread(
                    target=self._run, name="libvirt-event-loop", daemon=True
                )
                self._thread.start()

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            # The loop closes a connection's socket only in a round after the connection was closed,
            # and what that frees in one more: a timer that is due at once gives it each.
            for is_last in (False, True):
                self._round_over.clear()
                libvirt.virEventAddTimeout(0, self._end_of_round, is_last)
                self._round_over.wait()
            if self._users == 0 and self._thread is not None:
                self._thread.join()
                self._thread = None

    def _end_of_round(self, timer: int, is_last: bool) -> None:
        libvirt.virEventRemoveTimeout(timer)
        self._stopping = is_last and self._users == 0
        self._round_over.set()

    def _run(self) -> None:
        while not self._stopping:
            try:
                libvirt.virEventRunDefaultImpl()
            except libvirt.libvirtError:
                _log.exception("libvirt's event loop failed; it goes on")


def _ignore_printed_error(opaque: Any, error: Any) -> None:
    _log.debug("libvirt: %s", error[2] if error else "")


_loop = _EventLoop()
acquire = _loop.acquire
release = _loop.release
