"""Runs lint, types and tests of the chosen repositories; `toolbox.test` has the command line."""

import sys
import time
from collections.abc import Callable, Mapping

from toolbox import results, stamps, static_checks, suite
from toolbox.layout import REPOSITORIES, TOOLS, Repository
from toolbox.results import Result, Status
from toolbox.setup import STAMPS
from toolbox.test import parse

__all__ = ["check", "main"]


def main(arguments: list[str]) -> int:
    """Run all that was asked for; return the exit status."""
    options = parse(arguments)
    environment = {"NOVA_VIRT_TEST_LONG": "1"} if options.long else {}
    as_text = options.format == "text"
    problems = stamps.load(STAMPS).problems()
    found: list[Result] = []
    for name in dict.fromkeys(options.package):
        found += check(name, problems, environment, as_text=as_text)
    if as_text:
        # Once more: the end of a long log is what is read first, and at times all that is kept.
        results.write_failures(found)
        print(results.counts_line(found), flush=True)
    else:
        results.write_json(found)
    return 1 if results.count(found)[Status.FAILED] else 0


def check(
    name: str, problems: Mapping[str, str], environment: dict[str, str], *, as_text: bool
) -> list[Result]:
    """Run every step for one repository; what set-up could not do for it is a failed test, too."""
    repository = next((found for found in REPOSITORIES if found.name == name), Repository(TOOLS))
    folder = repository.folder
    package = "toolbox" if folder == TOOLS else repository.package
    steps: dict[str, Callable[[], list[Result]]] = {
        "lint": lambda: [static_checks.lint(name, folder, package)],
        "types": lambda: [static_checks.types(name, folder, package)],
        "tests": lambda: suite.run(name, folder, environment),
    }
    found: list[Result] = []
    if name in problems:
        details = f"error: could not check: {problems[name]}"
        found.append(Result(name, "setup", "setup", Status.FAILED, 0.0, details))
        if as_text:
            results.write_step(name, "setup", found, 0.0)
    for step, action in steps.items():
        started = time.monotonic()
        outcome = action()
        found += outcome
        if as_text:
            results.write_step(name, step, outcome, time.monotonic() - started)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
