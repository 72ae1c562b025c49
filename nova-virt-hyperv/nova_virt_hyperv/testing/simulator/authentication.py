"""Who may ask: Basic, and Negotiate or NTLM by pyspnego, as WinRM's HTTP service does it.

https://learn.microsoft.com/openspecs/windows_protocols/ms-wsmv (2.2.9.1, encrypted messages)
"""

from __future__ import annotations

import base64
import os
import re
import struct
from pathlib import Path

import spnego

__all__ = ["Account", "Handshake"]

_SCHEMES = ("Negotiate", "NTLM", "Basic")
_ENCRYPTED = "application/HTTP-SPNEGO-session-encrypted"
_BOUNDARY = b"--Encrypted Boundary"


class Account:
    """The one account of the simulated host.

    Args:
        name: of the account.
        password: of the account.
        credentials: a file to write them to, for pyspnego, which reads them from nowhere else.
    """

    def __init__(self, name: str, password: str, credentials: Path) -> None:
        self._basic = base64.b64encode(f"{name}:{password}".encode()).decode()
        credentials.touch(mode=0o600)
        credentials.write_text(f":{name}:{password}\n", encoding="utf-8")
        os.environ["NTLM_USER_FILE"] = str(credentials)
        self.refused = 0
        """How often somebody came with another password: Windows locks an account out by it."""

    def fits(self, basic: str) -> bool:
        """Whether this is the token of Basic."""
        fits = basic == self._basic
        self.refused += not fits
        return fits


class Handshake:
    """The authentication of one connection."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._context: spnego.ContextProxy | None = None

    def admits(self, authorization: str) -> tuple[bool, list[str]]:
        """Look at an Authorization header; returns whether the request may go on, and the
        WWW-Authenticate headers of the answer.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "basic":
            return (True, []) if self._account.fits(token) else (False, list(_SCHEMES))
        if scheme.lower() in ("negotiate", "ntlm") and token:
            return self._step(scheme, base64.b64decode(token))
        if not authorization and self._context is not None and self._context.complete:
            return True, []
        return False, ['Basic realm="WSMAN"' if s == "Basic" else s for s in _SCHEMES]

    def _step(self, scheme: str, token: bytes) -> tuple[bool, list[str]]:
        if self._context is None or self._context.complete:
            self._context = spnego.server(
                protocol=scheme.lower(), options=spnego.NegotiateOptions.use_negotiate
            )
        try:
            answer = self._context.step(token)
        except spnego.exceptions.SpnegoError:
            self._context = None
            self._account.refused += 1
            return False, list(_SCHEMES)
        told = [f"{scheme} {base64.b64encode(answer).decode()}"] if answer else []
        return self._context.complete, told

    def unwrap(self, content: bytes) -> bytes:
        """The message inside a multipart/encrypted body; ValueError if it is none."""
        if self._context is None:
            raise ValueError("nobody is logged in")
        match = re.search(
            rb"application/octet-stream\r\n(.*?)--Encrypted Boundary--", content, re.S
        )
        if match is None:
            raise ValueError("no encrypted body")
        length = struct.unpack("<i", match[1][:4])[0]
        header, rest = match[1][4 : 4 + length], match[1][4 + length :]
        try:
            return self._context.unwrap_winrm(header, rest)
        except spnego.exceptions.SpnegoError as error:
            raise ValueError("it was sealed with other keys") from error

    def wrap(self, content: bytes) -> tuple[str, bytes]:
        """Content type and body of an encrypted message."""
        if self._context is None:
            raise ValueError("nobody is logged in")
        header, sealed, padding = self._context.wrap_winrm(content)
        lines = [
            _BOUNDARY,
            f"\tContent-Type: {_ENCRYPTED}".encode(),
            b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length="
            + str(len(content) + padding).encode(),
            _BOUNDARY,
            b"\tContent-Type: application/octet-stream",
            b"",
        ]
        body = b"\r\n".join(lines) + struct.pack("<i", len(header)) + header + sealed
        kind = f'multipart/encrypted;protocol="{_ENCRYPTED}";boundary="Encrypted Boundary"'
        return kind, body + _BOUNDARY + b"--\r\n"
