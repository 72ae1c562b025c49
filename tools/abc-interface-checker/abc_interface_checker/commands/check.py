"""``abc-interface-checker check TARGET...``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from abc_interface_checker.commands import output
from abc_interface_checker.configuration import Misconfigured

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "target",
        nargs="*",
        metavar="TARGET",
        help="module:attr of a class, an instance or any other object; the current folder is "
        "searched first",
    )
    parser.add_argument(
        "--entry-point",
        action="append",
        default=[],
        metavar="GROUP",
        help="check what every entry point of this group refers to; repeatable",
    )
    parser.add_argument(
        "--interface",
        action="append",
        default=[],
        metavar="MODULE:NAME",
        help="check against this interface, Protocol or abstract class; repeatable (default: all "
        "that the target says it provides)",
    )
    parser.add_argument(
        "--frozen",
        type=Path,
        metavar="FILE",
        help="check against the contract of a frozen file, not against the installed one",
    )
    output.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Check everything that was named; write one report."""
    # Help, and wrong use, need none of it.
    from abc_interface_checker import checking  # noqa: PLC0415

    if not options.target and not options.entry_point:
        return output.fail("name a TARGET, or a GROUP with --entry-point")
    # A command of an installed script does not search the current folder by itself.
    if (here := os.getcwd()) not in sys.path:
        sys.path.insert(0, here)
    try:
        report = checking.check_names(
            options.target,
            groups=options.entry_point,
            interfaces=options.interface,
            frozen=options.frozen,
        )
    except Misconfigured as error:
        return output.fail(str(error))
    return output.write(report, options)
