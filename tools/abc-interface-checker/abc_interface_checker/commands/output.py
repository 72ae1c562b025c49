"""Where a command's report goes, and in which format."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from abc_interface_checker.findings import Report
from abc_interface_checker.reports import FORMATS, render

__all__ = ["add_arguments", "fail", "write"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--format`` and ``--output``, which all commands with a report have."""
    parser.add_argument(
        "--format", choices=FORMATS, default="text", help="of the report (default: text)"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write the report there, not to the terminal"
    )


def write(report: Report, options: argparse.Namespace) -> int:
    """Write the report as the options say; return its exit status."""
    if options.output is None:
        sys.stdout.write(render(report, options.format, colour=_is_coloured()))
        return report.exit_status
    rendered = render(report, options.format)
    try:
        options.output.write_text(rendered, encoding="utf-8")
    except OSError as error:
        return fail(f"cannot write the report: {error}")
    return report.exit_status


def fail(message: str) -> int:
    """Say why nothing could be checked; return the exit status for that."""
    sys.stderr.write(f"error: {message}\n")
    return 2


def _is_coloured() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
