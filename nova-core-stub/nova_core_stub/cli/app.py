"""The application: global options, logging, and the table of commands."""

from __future__ import annotations

import argparse
import logging
import sys
from importlib.metadata import EntryPoint, version
from typing import Any, Final, TextIO

from cliff.app import App
from cliff.commandmanager import CommandManager
from nova_virt_interface.call import RequestIdFilter
from oslo_config import cfg

from nova_core_stub.cli.session import Session

__all__ = ["COMMANDS", "CoreApp", "main"]

PROGRAM: Final = "nova-core-stub"

COMMANDS: Final = {
    "conform": "nova_core_stub.cli.conform:Conform",
    "drivers": "nova_core_stub.cli.drivers:Drivers",
    "server console-log": "nova_core_stub.cli.servers:ConsoleLog",
    "server create": "nova_core_stub.cli.create:Create",
    "server delete": "nova_core_stub.cli.servers:Delete",
    "server list": "nova_core_stub.cli.servers:List",
    "server reboot": "nova_core_stub.cli.servers:Reboot",
    "server show": "nova_core_stub.cli.servers:Show",
    "server start": "nova_core_stub.cli.servers:Start",
    "server stop": "nova_core_stub.cli.servers:Stop",
}
"""Command → its class. A module is imported when one of its commands is wanted."""

_LEVELS: Final = (logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG)
"""Log level by verbosity: quiet, as it is, verbose, more verbose."""


class CoreApp(App):
    """``nova-core-stub``. One session, with its connections, lasts as long as the application."""

    NAME = PROGRAM
    LOG = logging.getLogger(PROGRAM)

    def __init__(self, stdout: TextIO | None = None, stderr: TextIO | None = None) -> None:
        commands = CommandManager()
        for name, target in COMMANDS.items():
            commands.commands[name] = EntryPoint(name, target, f"{PROGRAM}.commands")
        super().__init__(
            description="Runs instances on a hypervisor, as a compute service would.",
            version=version(PROGRAM),
            command_manager=commands,
            deferred_help=True,
            stdout=stdout,
            stderr=stderr,
        )
        self.session = Session()

    def build_option_parser(
        self,
        description: str | None,
        version: str | None,
        argparse_kwargs: dict[str, Any] | None = None,
    ) -> argparse.ArgumentParser:
        """Add core's global options."""
        parser = super().build_option_parser(description, version, argparse_kwargs)
        parser.add_argument(
            "--config-file",
            metavar="FILE",
            action="append",
            default=[],
            help="Read options from this file; may be repeated.",
        )
        parser.add_argument(
            "--backend",
            metavar="NAME",
            help="Use this driver, or this section of the configuration.",
        )
        parser.add_argument(
            "--timeout",
            metavar="SECONDS",
            type=float,
            help="How long a command may take (option call_timeout_seconds).",
        )
        return parser

    def configure_logging(self) -> None:
        """Read the configuration; log to standard error, or where the configuration says."""
        if self.options.deferred_help:
            return
        from oslo_log import log  # noqa: PLC0415 - the help needs no log

        conf = self.session.conf
        log.register_options(conf)
        conf.set_default("use_stderr", True)
        self.session.read(self.options.config_file, self.options.backend, self.options.timeout)
        if self.options.log_file:
            conf.set_override("log_file", self.options.log_file)
        log.setup(conf, PROGRAM, version=version(PROGRAM))
        level = _LEVELS[min(self.options.verbose_level, len(_LEVELS) - 1)]
        if self.options.debug or conf.debug:
            level = logging.DEBUG
        root = logging.getLogger()
        root.setLevel(level)
        for handler in root.handlers:
            handler.addFilter(RequestIdFilter())

    def run(self, argv: list[str]) -> int:
        """Run one command, or those of an interactive session, then close all connections."""
        try:
            status = super().run(argv)
            # An interactive session reports each command's failure as it happens.
            return 0 if self.interactive_mode else status
        except cfg.Error as error:
            self.stderr.write(f"error: {error}\n")
            return 1
        finally:
            self.session.close()


def main() -> None:
    """The console script."""
    # The interactive mode would take what is left here for commands.
    arguments, sys.argv[1:] = sys.argv[1:], []
    sys.exit(CoreApp().run(arguments))
