"""Takes turns: who changes a thing waits for whoever is changing it."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

from nova_virt_interface.call import current_call

__all__ = ["Turns"]

_ASK_AGAIN_SECONDS = 0.05


class Turns:
    """One lock for each thing that is being changed; it is gone when nobody holds or awaits it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Hashable, Any] = WeakValueDictionary()
        self._mutex = threading.Lock()

    @contextmanager
    def turn(self, identity: Hashable) -> Iterator[None]:
        """Wait for this thing's turn, no longer than the call in force may take, and hold it.

        Not reentrant. Raises: Cancelled; DeadlineExceeded.
        """
        with self._mutex:
            lock = self._locks.setdefault(identity, threading.Lock())
        while not lock.acquire(timeout=_ASK_AGAIN_SECONDS):
            current_call().check()
        try:
            yield
        finally:
            lock.release()
