"""Breaks libvirt's wire: a relay before a libvirtd's socket, which cuts the connection at a call.

Messages are as https://libvirt.org/kbase/internals/rpc.html says: a length, which counts itself,
then program, version, procedure, type, serial and status, each of four bytes, the highest first.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from pathlib import Path

__all__ = ["FaultyWire"]

_HEADER = struct.Struct(">6I")
_PROGRAMS = frozenset({0x20008086, 0x20008087})
"""Of libvirt, and of its QEMU driver alone; the others keep alive, and look after libvirtd."""
_CALL, _REPLY = 0, 1


class FaultyWire:
    """Relays what clients and a libvirtd say to each other, until it is told to cut."""

    def __init__(self, folder: Path, libvirtd: Path) -> None:
        self._libvirtd = str(libvirtd)
        self.path = folder / "faulty-sock"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._left: int | None = None
        self._after = False
        self._wanted_reply: int | None = None
        self._run(self._accept)

    @property
    def uri(self) -> str:
        """What to give to `libvirt.open`."""
        return f"qemu+unix:///system?socket={self.path}"

    def cut(self, skip: int, *, after: bool) -> None:
        """Cut the connection at a call: after ``skip`` others, before libvirtd hears of it, or
        ``after`` it has answered.
        """
        with self._lock:
            self._left, self._after, self._wanted_reply = skip, after, None

    def heal(self) -> bool:
        """Cut nothing any more; say whether it was cut."""
        with self._lock:
            was_cut = self._left is None and self._wanted_reply is None
            self._left = self._wanted_reply = None
            return was_cut

    def close(self) -> None:
        """End it."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            sockets = list(self._sockets)
        for one in sockets:
            _hang_up(one)
        for thread in self._threads:
            thread.join()
        self.path.unlink()

    def _run(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self._libvirtd)
            except OSError:
                client.close()
                server.close()
                continue
            with self._lock:
                self._sockets |= {client, server}
            self._run(self._relay, client, server)
            self._run(self._relay, server, client)

    def _relay(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while (message := _message(source)) is not None:
                if self._is_cut_at(message):
                    break
                sink.sendall(message)
        # The other direction ends with it.
        _hang_up(source)
        _hang_up(sink)
        with self._lock:
            self._sockets.discard(source)
        source.close()

    def _is_cut_at(self, message: bytes) -> bool:
        program, _, _, kind, serial, _ = _HEADER.unpack_from(message, 4)
        with self._lock:
            if kind == _REPLY and serial == self._wanted_reply:
                self._wanted_reply = None
                return True
            if self._left is None or kind != _CALL or program not in _PROGRAMS:
                return False
            if self._left > 0:
                self._left -= 1
                return False
            self._left = None
            if self._after:
                self._wanted_reply = serial
            return not self._after


def _message(source: socket.socket) -> bytes | None:
    """The next whole message; None at the end."""
    head = _exactly(source, 4)
    if head is None:
        return None
    rest = _exactly(source, int.from_bytes(head, "big") - 4)
    return None if rest is None else head + rest


def _exactly(source: socket.socket, count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        part = source.recv(count - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)


def _hang_up(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
