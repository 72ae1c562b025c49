"""Consoles in domain XML: a serial port with its log, and screens. Pure but for passwords that
never open anything.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from lxml import etree
from lxml.builder import ElementMaker
from nova_virt_interface.values.console import ConsoleKind

__all__ = [
    "VNC_PASSWORD_LENGTH",
    "Screen",
    "new_password",
    "read_screen",
    "screen_xml",
    "screens_xml",
    "serial_xml",
]

_E = ElementMaker()
_SCREENS = {ConsoleKind.VNC: "vnc", ConsoleKind.SPICE: "spice"}
_NEVER = "1970-01-01T00:00:01"
VNC_PASSWORD_LENGTH = 8
"""VNC's authentication cuts a password there."""


@dataclass(frozen=True, kw_only=True)
class Screen:
    """A running domain's screen as libvirt tells of it."""

    element: Any
    host: str
    port: int
    password: str
    valid_to: str
    """UTC, as libvirt writes it; empty: for ever."""


def serial_xml(log: str, address: str | None) -> Any:
    """The serial port, whose output is logged.

    Args:
        log: file of the log.
        address: where it listens for a person, on a port that the host's kernel chooses; None:
            nowhere.
    """
    if address is None:
        return _E.serial(_E.source(path=log, append="off"), _E.target(port="0"), type="file")
    return _E.serial(
        _E.source(mode="bind", host=address, service="0"),
        _E.protocol(type="raw"),
        _E.target(port="0"),
        _E.log(file=log, append="off"),
        type="tcp",
    )


def screens_xml(kinds: tuple[ConsoleKind, ...], address: str, model: str) -> list[Any]:
    """The screens that the host offers, and the card that they show; nothing if there is none.

    A screen without a password would let everybody in, so that each begins with one that nobody
    knows and that is no longer valid.
    """
    screens = [
        _E.graphics(
            type=name,
            autoport="yes",
            listen=address,
            passwd=new_password(),
            passwdValidTo=_NEVER,
        )
        for kind, name in _SCREENS.items()
        if kind in kinds
    ]
    return [*screens, _E.video(_E.model(type=model))] if screens else []


def new_password() -> str:
    """A password that every kind of screen takes whole."""
    return secrets.token_urlsafe(VNC_PASSWORD_LENGTH)[:VNC_PASSWORD_LENGTH]


def read_screen(text: str, kind: ConsoleKind) -> Screen | None:
    """One screen in a running domain's definition, with its password; None: it has none."""
    element = etree.fromstring(text).find(f"devices/graphics[@type='{_SCREENS[kind]}']")
    if element is None or int(element.get("port", "-1")) <= 0:
        return None
    listen = element.find("listen")
    return Screen(
        element=element,
        host=element.get("listen") or (listen is not None and listen.get("address")) or "",
        port=int(element.get("port", "-1")),
        password=element.get("passwd", ""),
        valid_to=element.get("passwdValidTo", ""),
    )


def screen_xml(screen: Screen, password: str, valid_to: str) -> str:
    """The same screen with a password that is good until then."""
    screen.element.set("passwd", password)
    screen.element.set("passwdValidTo", valid_to)
    return etree.tostring(screen.element, encoding="unicode")
