"""``drivers``: which drivers are installed, and what one of them finds when it connects."""

from __future__ import annotations

import argparse
import dataclasses
import enum
from collections.abc import Iterator
from typing import Any

from nova_virt_interface.marks import interface_since
from zope.interface import providedBy

from nova_core_stub.cli.base import CoreLister
from nova_core_stub.loader import find_drivers

__all__ = ["Drivers"]

Table = tuple[tuple[str, ...], list[tuple[Any, ...]]]


class Drivers(CoreLister):
    """List installed drivers, from their packages' metadata alone."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add the command's options."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--probe",
            metavar="NAME",
            help="Connect to this driver or backend instead, and list what it provides.",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Table:
        """Do it."""
        return self._probed(parsed_args.probe) if parsed_args.probe else _listed()

    def _probed(self, backend: str) -> Table:
        compute = self.session.compute(backend)
        rows: list[tuple[Any, ...]] = []
        for level, provider in (("driver", compute.connection), ("core", compute.driver)):
            provided = sorted(providedBy(provider), key=lambda interface: interface.__name__)
            rows += [
                (f"{level} interface", interface.__name__, f"since {interface_since(interface)}")
                for interface in provided
            ]
        host = compute.driver.describe()
        for field in dataclasses.fields(host):
            rows.append(("host", field.name, ", ".join(_texts(getattr(host, field.name)))))
        return ("kind", "name", "value"), rows


def _listed() -> Table:
    rows: list[tuple[Any, ...]] = []
    for found in find_drivers():
        who = found.declaration
        verdict = "accepted" if found.verdict.accepted else str(found.verdict)
        rows.append((who.driver, who.package, who.package_version, who.contract, verdict))
    return ("driver", "package", "version", "contract", "verdict"), rows


def _texts(content: object) -> Iterator[str]:
    if isinstance(content, tuple):
        for item in content:
            yield from _texts(item)
    elif isinstance(content, enum.Enum):
        yield str(content.value)
    else:
        yield str(content)
