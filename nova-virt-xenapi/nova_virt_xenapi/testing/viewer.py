"""A viewer of consoles: as far as the name of the screen (RFC 6143)."""

from __future__ import annotations

import socket
import ssl
import struct
from typing import Any, Final
from urllib.parse import quote

from nova_virt_interface.values.console import Console

__all__ = ["screen_name"]

_VERSION: Final = b"RFB 003.008\n"
_SECONDS: Final = 10.0
_PIXELS_BYTES: Final = 20


def screen_name(console: Console, ca_file: str) -> str | None:
    """The name of the screen, or None if one is not let in.

    The session goes to xapi as one more part of the query, as its documentation has it.
    """
    context = ssl.create_default_context(cafile=ca_file)
    secret = b"" if console.secret is None else console.secret.reveal()
    path = f"{console.path}&session_id={quote(secret)}"
    with (
        socket.create_connection((console.host, console.port), _SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=console.host) as secured,
    ):
        secured.sendall(f"CONNECT {path} HTTP/1.0\r\n\r\n".encode())
        stream = secured.makefile("rb")
        if b" 200 " not in stream.readline():
            return None
        while stream.readline().strip():
            pass
        return _greet(secured, stream)


def _greet(secured: ssl.SSLSocket, stream: Any) -> str | None:
    if stream.read(len(_VERSION)) != _VERSION:
        return None
    secured.sendall(_VERSION)
    [kinds] = stream.read(1)
    stream.read(kinds)
    secured.sendall(b"\x01")
    if stream.read(4) != bytes(4):
        return None
    secured.sendall(b"\x01")
    stream.read(_PIXELS_BYTES)
    (length,) = struct.unpack(">I", stream.read(4))
    name: bytes = stream.read(length)
    return name.decode()
