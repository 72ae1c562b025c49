"""``abc-interface-checker verify [PROJECT]``."""

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
    output.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Verify every package that the project names."""
    # Help, and wrong use, need none of it.
    from abc_interface_checker import freezing  # noqa: PLC0415

    try:
        report = freezing.verify(options.project)
    except Misconfigured as error:
        return output.fail(str(error))
    return output.write(report, options)
