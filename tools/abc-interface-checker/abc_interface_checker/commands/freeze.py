"""``abc-interface-checker freeze [PROJECT]``."""

from __future__ import annotations

import argparse
from pathlib import Path

from abc_interface_checker.commands import output
from abc_interface_checker.configuration import Misconfigured

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "project",
        nargs="?",
        type=Path,
        default=Path(),
        metavar="PROJECT",
        help="folder of a pyproject.toml that names the packages (default: the current one)",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing: only say whether the frozen files are there and up to date",
    )
    output.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Freeze every package that the project names."""
    # Help, and wrong use, need none of it.
    from abc_interface_checker import freezing  # noqa: PLC0415

    try:
        report = freezing.freeze(options.project, check=options.check)
    except Misconfigured as error:
        return output.fail(str(error))
    return output.write(report, options)
