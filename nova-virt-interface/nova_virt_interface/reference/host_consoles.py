"""Consoles of the host in memory: each is a port on loopback on which somebody listens.

Whoever connects sends a ticket and a newline; a good ticket is answered with the VM's uuid and a
newline, any other with the end of the connection.
"""

from __future__ import annotations

import secrets
import socket
import threading
import time
from contextlib import suppress
from uuid import UUID
from weakref import WeakKeyDictionary

from nova_virt_interface.reference.host import Host, HostError, Vm

__all__ = ["TICKET_SECONDS", "Consoles", "consoles_of"]

TICKET_SECONDS = 600
_LONGEST_LINE = 256
_READ_SECONDS = 10.0


class _Console:
    """One console of one VM, until it is closed."""

    def __init__(self, uuid: UUID) -> None:
        self._uuid = uuid
        self._tickets: dict[bytes, float] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, name="reference-console", daemon=True).start()

    def ticket(self) -> bytes:
        """A new one; those that were given out stay good for their time."""
        made = secrets.token_hex(16).encode()
        self._tickets[made] = time.monotonic() + TICKET_SECONDS
        return made

    def close(self) -> None:
        """Listen no more."""
        with suppress(OSError):
            # Ends the wait for the next visitor.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                visitor, _ = self._listener.accept()
            except OSError:
                return
            with visitor, suppress(OSError):
                visitor.settimeout(_READ_SECONDS)
                ticket = visitor.makefile("rb").readline(_LONGEST_LINE).rstrip(b"\n")
                if self._tickets.get(ticket, 0.0) > time.monotonic():
                    visitor.sendall(f"{self._uuid}\n".encode())


class Consoles:
    """The consoles of one host's VMs; those of a VM that goes off are closed."""

    def __init__(self, host: Host) -> None:
        self._open: dict[tuple[UUID, str], _Console] = {}
        host._listeners.append(self._on_change)

    def open(self, host: Host, uuid: UUID, kind: str) -> tuple[int, bytes]:
        """The port of a VM's console, and a ticket for it."""
        with host._question():
            vm = host._existing(uuid)
            if vm.state not in ("running", "paused"):
                raise HostError("BAD_STATE", f"VM {uuid} is {vm.state}")
            if (uuid, kind) not in self._open:
                self._open[uuid, kind] = _Console(uuid)
            console = self._open[uuid, kind]
            return console.port, console.ticket()

    def _on_change(self, kind: str, vm: Vm | None) -> None:
        if vm is not None and vm.state not in ("running", "paused"):
            for place in [place for place in self._open if place[0] == vm.uuid]:
                self._open.pop(place).close()


_known: WeakKeyDictionary[Host, Consoles] = WeakKeyDictionary()
_lock = threading.Lock()


def consoles_of(host: Host) -> Consoles:
    """The consoles of a host."""
    with _lock:
        if host not in _known:
            _known[host] = Consoles(host)
        return _known[host]
