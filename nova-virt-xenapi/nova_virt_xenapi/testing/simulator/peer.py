"""Another pool, as the one that sends a VM there sees it: its API, and the connection for disks and
memory.

What xapi's own hosts say to each other at ``/services`` is no published interface, and no client
speaks it: here one ``PUT`` stands for it. What is asked of the other pool's API is asked as xapi
does, by its public messages, in the session of ``host.migrate_receive``.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from nova_virt_xenapi.testing.simulator.content import chunks
from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.world import World

__all__ = ["PAGE_BYTES", "Peer", "Sending"]

PAGE_BYTES: Final = 4096
"""Memory has no content here: a byte is sent for each page."""
_PAGES: Final = 256


@dataclass
class Peer:
    """What ``host.migrate_receive`` has told of it."""

    world: World
    dest: dict[str, str]

    @property
    def session(self) -> str:
        """The session that the other pool has made for it."""
        return self.dest.get("session_id", "")

    def call(self, method: str, *parameters: Any) -> Any:
        """A message to the other pool, in its session."""
        request = {"jsonrpc": "2.0", "method": method, "params": [self.session, *parameters]}
        with self.connection() as connection:
            body = json.dumps({**request, "id": 0})
            connection.request("POST", "/jsonrpc", body, {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())
        if "error" in answer:
            raise XapiError(answer["error"]["message"], *answer["error"]["data"])
        return answer["result"]

    @contextmanager
    def connection(self) -> Iterator[http.client.HTTPSConnection]:
        """A connection that breaks when this pool's own addresses are taken away."""
        address = urlsplit(self.dest["xenops"])
        # xapi checks no certificate of another pool either.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, context=context
        )
        try:
            connection.connect()
            self.world.outgoing.add(connection.sock)
            if self.world.is_away:
                raise ConnectionAbortedError("this pool has no network")
            yield connection
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise XapiError("CANNOT_CONTACT_HOST", address.hostname or "") from error
        finally:
            self.world.outgoing.discard(connection.sock)
            connection.close()


@dataclass
class Sending:
    """Disks and memory on their way; runs beside the operation that waits for it."""

    peer: Peer
    metadata: dict[str, Any]
    disks: list[tuple[str, Path]]
    """References, and files of the content."""
    memory_bytes: int
    sent: int = 0
    """Bytes of disks and memory."""
    at: list[str] = field(default_factory=list)
    """The disk that is being sent, for the error; none any more for memory."""
    stopped: bool = False

    @property
    def total(self) -> int:
        """Bytes of disks and memory."""
        return sum(path.stat().st_size for _, path in self.disks) + self.memory_bytes

    def run(self) -> dict[str, Any]:
        """Send all of it; returns what the other side says."""
        header = json.dumps(self.metadata).encode() + b"\n"
        length = len(header) + self.total - self.memory_bytes + self.memory_bytes // PAGE_BYTES + 1
        with self.peer.connection() as connection:
            connection.putrequest("PUT", f"/services/xenops?session_id={self.peer.session}")
            connection.putheader("Content-Length", str(length))
            connection.endheaders(header)
            with suppress(BrokenPipeError, ConnectionResetError):
                # A side that refuses says so before it has all of it.
                self._send(connection)
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        if "error" in answer:
            raise XapiError(*answer["error"])
        return answer

    def _send(self, connection: http.client.HTTPSConnection) -> None:
        for vdi, path in self.disks:
            self.at = [vdi]
            self._pass_on(connection, chunks(path), 1)
        self.at = []
        pages = self.memory_bytes // PAGE_BYTES
        parts = (b"m" * min(_PAGES, pages - done) for done in range(0, pages, _PAGES))
        self._pass_on(connection, parts, PAGE_BYTES)
        connection.send(b".")

    def _pass_on(
        self, connection: http.client.HTTPSConnection, parts: Iterable[bytes], stands_for: int
    ) -> None:
        for part in parts:
            if self.stopped:
                raise ConnectionAbortedError("the migration was cancelled")
            connection.send(part)
            self.sent += len(part) * stands_for
            if (speed := self.peer.world.slow_bytes_per_second) > 0:
                time.sleep(len(part) * stands_for / speed)
