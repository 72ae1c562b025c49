"""``conform``: what installed drivers are worth, at both levels of the contract."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from cliff.command import Command

__all__ = ["Conform"]


class Conform(Command):
    """Check installed drivers on all their backends: statically, and by the contract's suite.

    A driver that provides the lower level is checked there, and again through core's adapter. Exit
    status 0 if every check passed or was skipped for a reason that the driver's package states.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add the command's options."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--driver",
            dest="drivers",
            action="append",
            default=[],
            metavar="NAME",
            help="Check this driver alone; may be repeated.",
        )
        parser.add_argument(
            "--report",
            type=Path,
            metavar="DIR",
            help="Write conformance.json, .xml (JUnit) and .html into this directory.",
        )
        parser.add_argument(
            "--url",
            default="",
            help="Check the named driver on this host of yours, instead of its usual backends; its "
            "package says which environment variables have the account.",
        )
        parser.add_argument(
            "--format", choices=("text", "json"), default="text", help="Of the printed report."
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Do it."""
        # Only this command needs the suite, with what it is made of, and the adapter.
        from nova_virt_interface.testing.command import conform  # noqa: PLC0415

        return conform(
            parsed_args.drivers,
            parsed_args.report,
            parsed_args.format,
            adapt=_through_core,
            url=parsed_args.url,
        )


def _through_core(connection: Any, services: Any) -> Any:
    from nova_virt_interface.version import CONTRACT_VERSION, ContractVersion  # noqa: PLC0415

    from nova_core_stub.adaptation import adapted  # noqa: PLC0415

    return adapted(connection, ContractVersion.parse(CONTRACT_VERSION), name="the driver")
