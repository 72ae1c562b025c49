"""Clients that log in to QEMU's consoles, written from the protocols' own descriptions.

VNC: RFC 6143. SPICE: https://www.spice-space.org/spice-protocol.html, "Connection setup".
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import load_der_public_key
from nova_virt_interface.values.console import Console, ConsoleKind

__all__ = ["lets_in"]

_SECONDS = 20.0
_VNC_AUTHENTICATION = 2
_SPICE_KEY_BYTES = 162


def lets_in(console: Console) -> bool:
    """Whether a console takes its secret."""
    secret = console.secret.reveal() if console.secret is not None else b""
    clients: dict[ConsoleKind, Callable[[socket.socket, bytes], bool]] = {
        ConsoleKind.VNC: _vnc,
        ConsoleKind.SPICE: _spice,
        # Who is connected is in.
        ConsoleKind.SERIAL: lambda stream, secret: True,
    }
    place = (console.host, console.port)
    with socket.create_connection(place, timeout=_SECONDS) as stream:
        return clients[console.kind](stream, secret)


def _read(stream: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        part = stream.recv(size - len(content))
        if not part:
            raise EOFError("the console ended the connection")
        content += part
    return content


def _vnc(stream: socket.socket, secret: bytes) -> bool:
    stream.sendall(_read(stream, 12))
    offered = _read(stream, _read(stream, 1)[0])
    if _VNC_AUTHENTICATION not in offered:
        # It asks for no password.
        return True
    stream.sendall(bytes([_VNC_AUTHENTICATION]))
    challenge = _read(stream, 16)
    # VNC's DES takes the bits of each byte of the key from the other end.
    key = bytes(int(f"{byte:08b}"[::-1], 2) for byte in secret[:8].ljust(8, b"\0"))
    cipher = Cipher(TripleDES(key * 3), modes.ECB())  # noqa: S305 - VNC's own
    stream.sendall(cipher.encryptor().update(challenge))
    return _read(stream, 4) == bytes(4)


def _spice(stream: socket.socket, secret: bytes) -> bool:
    main_channel = struct.pack("<IBBIII", 0, 1, 0, 0, 0, 18)
    stream.sendall(struct.pack("<4sIII", b"REDQ", 2, 2, len(main_channel)) + main_channel)
    _, _, _, size = struct.unpack("<4sIII", _read(stream, 16))
    reply = _read(stream, size)
    if reply[:4] != bytes(4):
        return False
    key = load_der_public_key(reply[4 : 4 + _SPICE_KEY_BYTES])
    if not isinstance(key, RSAPublicKey):
        raise TypeError(f"SPICE has a key of another kind: {key}")
    padding = OAEP(MGF1(SHA1()), SHA1(), None)  # noqa: S303 - SPICE's own
    stream.sendall(key.encrypt(secret + b"\0", padding))
    return _read(stream, 4) == bytes(4)
