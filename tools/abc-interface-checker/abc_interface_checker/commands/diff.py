"""``abc-interface-checker diff OLD NEW``."""

from __future__ import annotations

import argparse
from pathlib import Path

from abc_interface_checker.commands import output
from abc_interface_checker.configuration import Misconfigured

__all__ = ["add_arguments", "run"]

_SIDES = """\
OLD and NEW are each one of
  FILE               a frozen file that `freeze` wrote
  FOLDER             of a package, or of a project whose pyproject.toml names it
  FILE.py            a module alone
  git:REV            a commit, tag or branch of this project's repository
  git:REV:PATH       the same, with the package's folder from the top of the repository

The configuration is that of NEW.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _SIDES
    parser.add_argument("old", metavar="OLD", help="the older version")
    parser.add_argument("new", metavar="NEW", help="the newer version")
    parser.add_argument(
        "--package",
        default="",
        metavar="NAME",
        help="dotted name of the package to compare, where the project has several",
    )
    parser.add_argument(
        "--project",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="in whose repository git:REV is looked for (default: the current folder)",
    )
    output.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Compare the two versions."""
    # Help, and wrong use, need none of it.
    from abc_interface_checker import comparing  # noqa: PLC0415

    try:
        report = comparing.diff(
            options.old, options.new, package=options.package, project=options.project
        )
    except Misconfigured as error:
        return output.fail(str(error))
    return output.write(report, options)
