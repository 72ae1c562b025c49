"""``abc-interface-checker explain [RULE]``."""

from __future__ import annotations

import argparse
import sys

from abc_interface_checker import explain
from abc_interface_checker.catalogue import UnknownRule

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("rule", nargs="?", help="which rule (default: a list of all)")


def run(options: argparse.Namespace) -> int:
    """Print the explanation, or the list."""
    try:
        text = explain.explain(options.rule) if options.rule else explain.overview()
    except UnknownRule as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(text)
    return 0
