"""Sets up, then runs lint, types and tests of each repository against the installed wheels.

Ends with one line "N passed, N failed, N skipped", or is one JSON object that has these counts.
Lint and types count as one test each per repository. An error counts as failed, and so does a
repository in which no test ran or that could not be set up in full; an expected failure counts as
skipped. Exit status: 0 if nothing failed, 1 if something did, 2 if nothing could be run.
"""

import argparse
import os
import sys

from toolbox import setup
from toolbox.layout import REPOSITORIES, TOOLS, VENV

__all__ = ["CHOICES", "main", "parse"]

CHOICES = (*(repository.name for repository in REPOSITORIES), TOOLS.name)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; argparse ends the process on a wrong one, or after --help."""
    parser = argparse.ArgumentParser(prog="tools/test", description=__doc__)
    parser.add_argument(
        "package", nargs="*", help=f"which to test (default: all): {', '.join(CHOICES)}"
    )
    parser.add_argument(
        "--long", action="store_true", help="also the long tests (sets NOVA_VIRT_TEST_LONG=1)"
    )
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="of the results (default: text)"
    )
    options = parser.parse_args(arguments)
    # A shell completes a folder's name with a slash.
    options.package = [name.rstrip("/") for name in options.package] or list(CHOICES)
    for name in options.package:
        if name not in CHOICES:
            parser.error(f"there is no {name!r}; choose from {', '.join(CHOICES)}")
    return options


def main(arguments: list[str]) -> int:
    """Set up, then become the run, which needs what set-up installed."""
    parse(arguments)
    status = setup.run_beside()
    if status not in (0, setup.INCOMPLETE):
        return status
    python = str(VENV / "bin" / "python")
    environment = {**os.environ, "PYTHONPATH": str(TOOLS)}
    os.execve(python, [python, "-m", "toolbox.run_tests", *arguments], environment)  # noqa: S606 - no shell wanted


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
