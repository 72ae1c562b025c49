"""The listener for consoles of the simulated host's VMs: as much of the remote desktop protocol as
finds the VM.

A client sends the preconnection blob that names the VM, then asks for a connection; the host
answers which security it wants. What follows, the log-in by CredSSP, is not simulated.

https://learn.microsoft.com/openspecs/windows_protocols/ms-rdpeps (preconnection)
https://learn.microsoft.com/openspecs/windows_protocols/ms-rdpbcgr (X.224, 2.2.1.1)
"""

from __future__ import annotations

import socket
import socketserver
import struct
import threading

from nova_virt_hyperv.testing.simulator.machines import PAUSED, RUNNING, Machines

__all__ = ["ConsoleListener"]

_VERSION_2 = 2
_HEADER = struct.Struct("<IIII")
_TPKT = struct.Struct(">BBH")
_CONNECTION_REQUEST, _CONNECTION_CONFIRM = 0xE0, 0xD0
_NEGOTIATION_RESPONSE, _HYBRID = 2, 2


class ConsoleListener:
    """Listens on loopback for clients of consoles."""

    def __init__(self) -> None:
        self.machines: Machines | None = None
        self.sessions: list[str] = []
        """GUIDs of the VMs whose consoles were connected to."""
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.listener = self
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()

    def admits(self, guid: str) -> bool:
        """Whether there is a VM of this GUID that has a console now."""
        machine = self.machines.by_guid.get(guid.upper()) if self.machines else None
        if machine is None or machine.state not in (RUNNING, PAUSED):
            return False
        self.sessions.append(machine.guid)
        return True


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    listener: ConsoleListener


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        connection: socket.socket = self.request
        connection.settimeout(10)
        try:
            if self.server.listener.admits(_blob(connection)) and _asks_to_connect(connection):
                body = struct.pack(">BHHB", _CONNECTION_CONFIRM, 0, 0, 0)
                body += struct.pack("<BBHI", _NEGOTIATION_RESPONSE, 0, 8, _HYBRID)
                connection.sendall(_TPKT.pack(3, 0, 5 + len(body)) + bytes([len(body)]) + body)
        except (OSError, struct.error, UnicodeDecodeError):
            # A client that says something else is hung up on.
            return


def _read(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = connection.recv(size - len(found))
        if not more:
            raise ConnectionError("the client went away")
        found += more
    return found


def _blob(connection: socket.socket) -> str:
    size, _, version, _ = _HEADER.unpack(_read(connection, _HEADER.size))
    if version != _VERSION_2 or not _HEADER.size + 2 <= size <= 4096:
        return ""
    (characters,) = struct.unpack("<H", _read(connection, 2))
    return _read(connection, 2 * characters).decode("utf-16-le").rstrip("\0")


def _asks_to_connect(connection: socket.socket) -> bool:
    version, _, size = _TPKT.unpack(_read(connection, _TPKT.size))
    body = _read(connection, size - _TPKT.size)
    return version == 3 and len(body) > 1 and body[1] & 0xF0 == _CONNECTION_REQUEST
