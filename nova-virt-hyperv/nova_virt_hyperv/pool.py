"""Clients that only one user may have at a time, kept for the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from nova_virt_interface.errors import HostUnreachable

__all__ = ["Pool"]

_Client = TypeVar("_Client")


class Pool(Generic[_Client]):
    """Lends clients, each to one user at a time; it has as many as were in use at once.

    Args:
        make: makes a client.
        end: closes one.
        lives: whether one that was idle can still be used.
    """

    def __init__(
        self,
        make: Callable[[], _Client],
        end: Callable[[_Client], None],
        lives: Callable[[_Client], bool] = lambda _: True,
    ) -> None:
        self._make = make
        self._end = end
        self._lives = lives
        self._idle: list[_Client] = []
        self._lock = threading.Lock()
        self._closed = False

    def require_open(self) -> None:
        """Raise HostUnreachable if it was closed."""
        if self._closed:
            raise HostUnreachable("this connection was closed", remedy="connect again")

    def take(self) -> _Client:
        """A client for the caller alone, who gives it back or throws it away."""
        while True:
            with self._lock:
                self.require_open()
                found = self._idle.pop() if self._idle else None
            if found is None:
                return self._make()
            if self._lives(found):
                return found
            self._end(found)

    def give_back(self, client: _Client) -> None:
        """Keep a client for the next user."""
        with self._lock:
            if not self._closed:
                self._idle.append(client)
                return
        self._end(client)

    def throw_away(self, client: _Client) -> None:
        """Close a client that may be broken."""
        self._end(client)

    def close(self) -> None:
        """Close all clients; those in use when they come back. Idempotent."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for client in idle:
            self._end(client)
