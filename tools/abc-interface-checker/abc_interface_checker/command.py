"""The command line: ``abc-interface-checker check|freeze|verify|diff|explain``.

Exit status: 0 nothing wrong; 1 an error was found; 2 something could not be checked, or the
command or configuration is wrong.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module

__all__ = ["COMMANDS", "main", "parser"]

COMMANDS = {
    "check": "check implementations against the interfaces that they provide",
    "freeze": "write the contract of its version, so that others can be compared with it",
    "verify": "check that the source still is what was frozen for its version",
    "diff": "compare two versions of a contract, for callers and implementers",
    "explain": "say what a rule means, whom it breaks and why, with examples",
}
"""Name to help; each is a module of `abc_interface_checker.commands`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status. argparse ends the process on wrong use."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = parser(given[0] if given else "").parse_args(given)
    try:
        status: int = options.run(options)
    except BrokenPipeError:
        # Whoever read the output has seen enough; nothing more may be written at exit.
        sys.stdout = None
        return 1
    except Exception:  # noqa: BLE001 - whatever it is, it is neither a pass nor a finding
        traceback.print_exc()
        sys.stderr.write("error: could not check: this is a fault of abc-interface-checker\n")
        return 2
    return status


def parser(command: str = "") -> argparse.ArgumentParser:
    """The parser; only the module of ``command`` is imported, the others are names with a help."""
    top = argparse.ArgumentParser(
        prog="abc-interface-checker",
        description="Checks Python interfaces for both sides: those who call them and those who "
        "implement them.",
        epilog=(__doc__ or "").partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action=_Version)
    subparsers = top.add_subparsers(metavar="COMMAND", required=True)
    for name, text in COMMANDS.items():
        sub = subparsers.add_parser(name, help=text, description=f"{text[:1].upper()}{text[1:]}.")
        if name == command:
            module = import_module(f"abc_interface_checker.commands.{name}")
            module.add_arguments(sub)
            sub.set_defaults(run=module.run)
    return top


class _Version(argparse.Action):
    """Prints the version; it is looked up only then."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="print the version and end")

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print and end."""
        # Its import takes longer than most of the commands.
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

        try:
            found = version("abc-interface-checker")
        except PackageNotFoundError:
            found = "unknown: the package is not installed"
        sys.stdout.write(f"abc-interface-checker {found}\n")
        parser.exit()
