"""Counts HTTP requests below pyvmomi and requests, by wrapping what both are built on."""

from __future__ import annotations

import http.client
import threading
from typing import Any

from nova_virt_vmware.events import THREAD_NAME

__all__ = ["RequestsCounter"]


class RequestsCounter:
    """Counts requests to one port from `start` to `stop`, but for those of the driver's own
    thread, which waits for events whether or not anybody calls.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._lock = threading.Lock()
        self.count = 0

    def start(self) -> None:
        """Begin to count."""
        self._original = original = http.client.HTTPConnection.putrequest

        def counted(connection: Any, *args: Any, **kwargs: Any) -> None:
            if connection.port == self._port and threading.current_thread().name != THREAD_NAME:
                with self._lock:
                    self.count += 1
            original(connection, *args, **kwargs)

        http.client.HTTPConnection.putrequest = counted  # type: ignore[assignment, method-assign]

    def stop(self) -> None:
        """Count no more. Idempotent."""
        if hasattr(self, "_original"):
            http.client.HTTPConnection.putrequest = self._original  # type: ignore[method-assign]
