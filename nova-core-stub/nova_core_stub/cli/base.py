"""What all commands have in common."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, cast

from cliff.command import Command
from cliff.lister import Lister
from cliff.show import ShowOne
from nova_virt_interface.errors import VirtError
from oslo_config import cfg

if TYPE_CHECKING:
    from nova_core_stub.cli.app import CoreApp
    from nova_core_stub.cli.session import Session

__all__ = ["CoreCommand", "CoreLister", "CoreShowOne"]


class CoreCommand(Command):
    """Runs within a call of its own, and says in one message why it failed."""

    @property
    def session(self) -> Session:
        """What this command shares with the others of the same run."""
        return cast("CoreApp", self.app).session

    @property
    def driver(self) -> Any:
        """The chosen backend; provides `IVirtDriver`."""
        return self.session.compute().driver

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Run the command. Returns 1 after an error of the contract or the configuration."""
        try:
            with self.session.call():
                return super().run(parsed_args)
        except (VirtError, cfg.Error) as error:
            if self.app.options.debug:
                raise
            lines = [f"error: {error}", *getattr(error, "__notes__", ())]
            self.app.stderr.write("\n".join(lines) + "\n")
            return 1


class CoreLister(CoreCommand, Lister):
    """A command that prints a table of many things."""


class CoreShowOne(CoreCommand, ShowOne):
    """A command that prints the properties of one thing."""
