"""``python -m nova_virt_interface.testing``: conformance of installed drivers, without core."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from nova_virt_interface.testing import coverage
from nova_virt_interface.testing.command import conform
from nova_virt_interface.testing.mutants import as_text as mutants_as_text
from nova_virt_interface.testing.rulebook import as_markdown
from nova_virt_interface.testing.suite.hypervisor import HypervisorSuite
from nova_virt_interface.testing.suite.virt_driver import VirtDriverSuite

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status: 0 all well, 1 findings, 2 wrong use."""
    options = _parser().parse_args(arguments)
    if options.command == "rules":
        print(as_markdown(HypervisorSuite, VirtDriverSuite))
        return 0
    if options.command == "coverage":
        print(coverage.as_markdown())
        return 0
    if options.command == "mutants":
        print(mutants_as_text())
        return 0
    return conform(options.driver, options.report, options.format, url=options.url)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m nova_virt_interface.testing", description=__doc__
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="check installed drivers at the level that they provide")
    run.add_argument(
        "--driver",
        action="append",
        default=[],
        metavar="NAME",
        help="check this driver; repeatable",
    )
    run.add_argument(
        "--report", type=Path, metavar="DIR", help="write conformance.json, .xml and .html"
    )
    run.add_argument(
        "--url", default="", help="check this host of yours, instead of the driver's usual backends"
    )
    run.add_argument("--format", choices=("text", "json"), default="text")
    commands.add_parser("coverage", help="print what nova's driver class asks for, and the answers")
    commands.add_parser("rules", help="print the contract's rules and the tests that check each")
    commands.add_parser(
        "mutants",
        help="print the drivers that are broken on purpose and the test that catches each",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
