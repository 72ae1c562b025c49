"""Counts the requests that the driver sends to hosts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import requests

from nova_virt_hyperv.events import THREAD_NAME

__all__ = ["Questions"]


class Questions:
    """How many requests went to some addresses, but those by which the driver watches for events.

    Args:
        counts: whether a URL is such an address.
    """

    def __init__(self, counts: Callable[[str], bool]) -> None:
        self.count = 0
        self._counts = counts
        self._send: Any = requests.Session.send
        send = self._send

        def counted(session: Any, request: Any, **more: Any) -> Any:
            watches = threading.current_thread().name == THREAD_NAME
            if not watches and self._counts(request.url or ""):
                self.count += 1
            return send(session, request, **more)

        requests.Session.send = counted  # type: ignore[method-assign, assignment]

    def stop(self) -> None:
        """Count no more."""
        requests.Session.send = self._send  # type: ignore[method-assign]
