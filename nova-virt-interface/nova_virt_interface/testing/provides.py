"""Reads ``provides.toml``: what each backend of a driver provides, and which tests it deviates
from.

.. code-block:: toml

   [backends.qemu.interfaces]
   IImageCache = true
   IDiskHotplug = "the vendor's reason why not"

   [[backends.qemu.deviations]]
   test = "PowerSuite.test_soft_reboot"
   reason = "why, and where it is tracked"
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Self

from zope.interface import providedBy

__all__ = ["Deviation", "Provides"]


@dataclass(frozen=True)
class Deviation:
    """A test of the suite that the backend is known to fail, and why."""

    test: str
    reason: str


@dataclass(frozen=True)
class Provides:
    """What a driver's file says of one backend."""

    interfaces: dict[str, bool | str]
    """Interface name to True, or to the reason why it is not provided."""
    deviations: tuple[Deviation, ...]

    @property
    def reasons(self) -> dict[str, str]:
        """Why the interfaces that are not provided are not."""
        return {name: says for name, says in self.interfaces.items() if isinstance(says, str)}

    @classmethod
    def read(cls, file: Path | Traversable, backend: str) -> Self:
        """Read the part of one backend; a ValueError names what is wrong with the file."""
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"{file}: {error}") from error
        backends = content.get("backends")
        part = backends.get(backend) if isinstance(backends, dict) else None
        if not isinstance(part, dict):
            raise ValueError(f"{file} has no table [backends.{backend}]")
        interfaces = part.get("interfaces", {})
        for name, says in interfaces.items():
            if says is not True and not _is_text(says):
                raise ValueError(
                    f"{file}: {backend}.{name} must be true or a reason, it is {says!r}"
                )
        deviations = part.get("deviations", [])
        for row in deviations:
            if not (isinstance(row, dict) and row.keys() == {"test", "reason"}) or not all(
                map(_is_text, row.values())
            ):
                raise ValueError(
                    f"{file}: {backend}: a deviation has a test and a reason, this has {row!r}"
                )
        return cls(interfaces, tuple(Deviation(**row) for row in deviations))

    def deviation(self, test: str) -> Deviation | None:
        """The deviation of one test, by its key."""
        return next((deviation for deviation in self.deviations if deviation.test == test), None)

    def differences(self, connection: Any, optional: frozenset[str]) -> list[str]:
        """Where file and connection disagree about the interfaces that are ``optional``."""
        provided = {
            interface.__name__ for interface in providedBy(connection).flattened()
        } & optional
        found = [
            f"{name} is not listed in provides.toml"
            for name in sorted(optional - self.interfaces.keys())
        ]
        found += [
            f"{name} is listed, but no interface"
            for name in sorted(self.interfaces.keys() - optional)
        ]
        for name in sorted(optional & self.interfaces.keys()):
            if (self.interfaces[name] is True) != (name in provided):
                found.append(
                    f"{name} is {'' if name in provided else 'not '}provided; provides.toml differs"
                )
        return found


def _is_text(says: object) -> bool:
    return isinstance(says, str) and bool(says.strip())
