"""Checks that values make when they are constructed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from nova_virt_interface.errors import InvalidRequest

__all__ = [
    "at_least",
    "device_key",
    "fits",
    "host_and_port",
    "image_key",
    "mac_address",
    "path_below",
    "pci_address",
    "printable",
    "unique",
]

_DEVICE_KEY: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_IMAGE_KEY: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,158}[a-z0-9])?")
_PCI: Final = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
_MAC: Final = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")


def fits(condition: bool, field: str, problem: str) -> None:
    """Raise `InvalidRequest` about ``field`` unless ``condition``."""
    if not condition:
        raise InvalidRequest(f"{field} {problem}", field=field)


def at_least(minimum: int, number: int | None, field: str) -> None:
    """A number, where it is given, is not below ``minimum``."""
    fits(number is None or number >= minimum, field, f"is {number}, it must be at least {minimum}")


def printable(text: str, field: str, limit: int = 255) -> None:
    """A text for people: any printable Unicode, 1 to ``limit`` characters, so no newline or control
    character.
    """
    fits(0 < len(text) <= limit, field, f"must have 1 to {limit} characters")
    fits(text.isprintable(), field, f"{text!r} has a control character")


def device_key(key: str, field: str) -> None:
    """A stable name of a disk or NIC: it becomes part of file names on some hosts."""
    fits(
        _DEVICE_KEY.fullmatch(key) is not None,
        field,
        f"{key!r} must be 1 to 40 of a-z, 0-9 and inner hyphens",
    )


def image_key(key: str, field: str) -> None:
    """The name of a cached image: it becomes part of file names, so that no path fits into it."""
    fits(
        _IMAGE_KEY.fullmatch(key) is not None,
        field,
        f"{key!r} must be 1 to 160 of a-z, 0-9 and inner hyphens",
    )


def mac_address(mac: str, field: str) -> None:
    """A unicast MAC address in lower case with colons."""
    fits(
        _MAC.fullmatch(mac) is not None,
        field,
        f"{mac!r} must look like 52:54:00:12:34:56, in lower case",
    )
    fits(int(mac[:2], 16) & 1 == 0, field, f"{mac!r} is a multicast address")


def pci_address(address: str, field: str) -> None:
    """A PCI address in full, in lower case."""
    fits(_PCI.fullmatch(address) is not None, field, f"{address!r} must look like 0000:3b:00.1")


def host_and_port(text: str, field: str) -> None:
    """An address as ``HOST:PORT``; an IPv6 address stands in square brackets."""
    printable(text, field)
    host, _, port = text.rpartition(":")
    number = int(port) if port.isascii() and port.isdecimal() else 0
    fits(bool(host) and 0 < number < 65536, field, f"{text!r} must look like HOST:PORT")


def path_below(path: str, field: str) -> None:
    """A path that does not lead out of the folder that it begins in."""
    printable(path, field, limit=4096)
    parts = path.replace("\\", "/").split("/")
    fits(".." not in parts and parts[0] != "", field, f"{path!r} must stay below its folder")


def unique(keys: Iterable[object], field: str) -> None:
    """No two of ``keys`` are equal."""
    listed = list(keys)
    fits(len(set(listed)) == len(listed), field, f"has a key twice: {', '.join(map(str, listed))}")
