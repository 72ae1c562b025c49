"""A TCP relay in front of a server that keeps its state in memory: to cut the connection to it
without ending it.
"""

from __future__ import annotations

import socket
import threading
from typing import Self

__all__ = ["Relay"]

_CHUNK_BYTES = 64 * 1024


class Relay:
    """Passes bytes both ways, as they are, between a port of its own and a server's.

    While it is cut, its port refuses connections, and those that it had are reset; while it is
    stalled, nothing arrives.
    """

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._flows = threading.Event()
        self._flows.set()
        self.port = 0
        self.mend()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.cut()

    def mend(self) -> None:
        """Accept connections, on the same port as before."""
        listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def stall(self) -> None:
        """Keep back what comes."""
        self._flows.clear()

    def flow(self) -> None:
        """Pass on what was kept back."""
        self._flows.set()

    def cut(self) -> None:
        """Refuse new connections and break those that there are."""
        self.flow()
        listener, self._listener = self._listener, None
        if listener is not None:
            # Closing alone does not wake the thread that waits in accept.
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            for endpoint in self._sockets:
                _shut(endpoint)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._server)
            except OSError:
                client.close()
                continue
            for endpoint in (client, server):
                endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._sockets |= {client, server}
                if self._listener is not listener:
                    _shut(client)
                    _shut(server)
            threading.Thread(target=self._serve, args=(client, server), daemon=True).start()

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        back = threading.Thread(target=self._pass, args=(server, client), daemon=True)
        back.start()
        self._pass(client, server)
        back.join()
        with self._lock:
            self._sockets -= {client, server}
        client.close()
        server.close()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while chunk := source.recv(_CHUNK_BYTES):
                self._flows.wait()
                target.sendall(chunk)
        except OSError:
            # Broken by either side, or cut: the other side learns it below.
            pass
        _shut(source)
        _shut(target)


def _shut(endpoint: socket.socket) -> None:
    try:
        endpoint.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It is shut already.
        return
