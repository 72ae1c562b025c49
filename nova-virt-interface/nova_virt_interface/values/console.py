"""Consoles that a person connects to."""

from __future__ import annotations

import enum

from nova_virt_interface.marks import enumeration, value
from nova_virt_interface.secret import Secret
from nova_virt_interface.values._checks import at_least, printable

__all__ = ["Console", "ConsoleKind", "OpenConsoleRequest"]


@enumeration(since="1.0", open=True)
class ConsoleKind(enum.Enum):
    """The protocol of a console."""

    VNC = "vnc"
    SPICE = "spice"
    SERIAL = "serial"
    """Bytes of the serial port over TCP."""
    MKS = "mks"
    """VMware's mouse, keyboard and screen."""
    RDP = "rdp"


@value(since="1.0")
class OpenConsoleRequest:
    """Which console to open."""

    kind: ConsoleKind


@value(since="1.0")
class Console:
    """All that a proxy needs to connect to a console."""

    kind: ConsoleKind
    host: str
    port: int
    tls: bool = False
    path: str = ""
    """For consoles behind HTTP: path and query to ask for (CONNECT or WebSocket); of RDP, the
    preconnection blob.
    """
    secret: Secret | None = None
    """Password, ticket or session that the console asks for."""
    certificate_sha256: str = ""
    """Fingerprint of the console's certificate, where the hypervisor tells it."""
    valid_seconds: int | None = None
    """How long it may be connected to from now; None: as long as the VM runs."""

    def __post_init__(self) -> None:
        printable(self.host, "host")
        at_least(1, self.port, "port")
