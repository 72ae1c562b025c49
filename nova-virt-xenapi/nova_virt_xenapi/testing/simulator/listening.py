"""The addresses of the pool's hosts: opened together, and taken away together."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import trustme

from nova_virt_xenapi.testing.simulator.faults import Faults
from nova_virt_xenapi.testing.simulator.server import Server
from nova_virt_xenapi.testing.simulator.world import World

__all__ = ["Listeners", "addresses", "throw_away_certificate"]


def addresses(number: int) -> list[str]:
    """Loopback addresses of so many hosts."""
    return [f"127.0.0.{last}" for last in range(1, number + 1)]


def throw_away_certificate(ca_file: Path, names: list[str]) -> ssl.SSLContext:
    """A server certificate for these names, from a new authority that is written to a file."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, "localhost").configure_cert(context)
    return context


class Listeners:
    """A server for each host of the pool, all on one port."""

    def __init__(self, world: World, faults: Faults, tls: ssl.SSLContext, port: int) -> None:
        self._world = world
        self._faults = faults
        self._tls = tls
        self.port = port
        self._servers: list[Server] = []
        self._placeholders: list[socket.socket] = []
        with world.db.lock:
            self._hosts = [(ref, record["address"]) for ref, record in world.db.where("host")]

    @property
    def master(self) -> str:
        """Reference of the first host."""
        return self._hosts[0][0]

    def open(self) -> None:
        """Listen; the first time a free port is chosen when none was asked for."""
        for host, address in self._hosts:
            server = Server((address, self.port), host, self._world, self._faults, self._tls)
            self.port = self._world.port = server.server_address[1]
            self._servers.append(server)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self._world.is_away = False
        while self._placeholders:
            self._placeholders.pop().close()

    def close(self) -> None:
        """Listen no more, and cut all connections, those to other pools, too."""
        for server in self._servers:
            server.shutdown()
            server.server_close()
            server.cut_connections()
            self._placeholders.append(_bound(server.server_address))
        self._servers.clear()
        self._world.is_away = True
        for connection in self._world.outgoing.copy():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _bound(address: Any) -> socket.socket:
    """A socket that listens to nobody, so that the port is not given to another process."""
    placeholder = socket.socket()
    placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    placeholder.bind(address)
    return placeholder
