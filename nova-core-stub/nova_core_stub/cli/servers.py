"""``server …``: commands about instances that exist."""

from __future__ import annotations

import argparse
from typing import Any
from uuid import UUID

from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.instances import (
    DestroyRequest,
    InstanceInfo,
    PowerOffRequest,
    PowerOnRequest,
)
from nova_virt_interface.values.power import RebootKind, RebootRequest
from nova_virt_interface.virt_driver.console import IConsoleOutput

from nova_core_stub.cli.base import CoreCommand, CoreLister, CoreShowOne

__all__ = ["ConsoleLog", "Delete", "List", "Reboot", "Show", "Start", "Stop", "described"]

COLUMNS = ("uuid", "name", "power_state")


def described(info: InstanceInfo) -> tuple[str, ...]:
    """An instance's `COLUMNS`."""
    return str(info.instance_uuid), info.name, info.power_state.value


class _OneServer(CoreCommand):
    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add the command's options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("uuid", type=UUID, metavar="UUID", help="The server's uuid.")
        return parser


class List(CoreLister):
    """List servers."""

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Do it."""
        servers = sorted(
            self.driver.list_instances(), key=lambda info: (info.name, info.instance_uuid)
        )
        return COLUMNS, [described(info) for info in servers]


class Show(_OneServer, CoreShowOne):
    """Show one server."""

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Do it."""
        return COLUMNS, described(self.driver.get_info(parsed_args.uuid))


class Start(_OneServer):
    """Start a server."""

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Do it."""
        self.driver.power_on(parsed_args.uuid, PowerOnRequest())


class Stop(_OneServer):
    """Stop a server."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add the command's options."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--graceful-timeout",
            type=float,
            default=60.0,
            metavar="SECONDS",
            help="How long the guest may take to shut itself down; 0: none (default: 60).",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Do it."""
        timeout = parsed_args.graceful_timeout
        request = PowerOffRequest(graceful_timeout_seconds=timeout)
        self.driver.power_off(parsed_args.uuid, request)


class Reboot(_OneServer):
    """Restart a server's guest."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add the command's options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("--hard", action="store_true", help="Do not ask the guest.")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Do it."""
        kind = RebootKind.HARD if parsed_args.hard else RebootKind.SOFT
        self.driver.reboot(parsed_args.uuid, RebootRequest(kind=kind))


class Delete(_OneServer):
    """Delete a server with all its disks; succeeds if there is none."""

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Do it."""
        self.driver.destroy(parsed_args.uuid, DestroyRequest())


class ConsoleLog(_OneServer):
    """Print the end of what a server wrote to its serial console."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add the command's options."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--limit-bytes",
            type=int,
            default=65536,
            metavar="N",
            help="At most so much of it (default: 65536).",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Do it."""
        if not IConsoleOutput.providedBy(self.driver):
            raise Unsupported(
                "this backend records no consoles", remedy="look at the guest in another way"
            )
        console = self.driver.get_console_output(parsed_args.uuid, parsed_args.limit_bytes)
        self.app.stdout.write(console.decode(errors="replace"))
