"""What a check came to, and how that is told."""

import json
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TextIO

__all__ = [
    "Result",
    "Status",
    "count",
    "counts_line",
    "write_failures",
    "write_json",
    "write_step",
]


class Status(StrEnum):
    """The three that are counted, each for itself."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Result:
    """One test's outcome.

    `step` is `setup`, `lint`, `types` or `tests`; `details` is what a person needs to understand
    a failure or a skip.
    """

    repository: str
    step: str
    test: str
    status: Status
    seconds: float
    details: str = ""


def count(results: Iterable[Result]) -> Counter[Status]:
    """How many results have each status."""
    return Counter(result.status for result in results)


def counts_line(results: Iterable[Result]) -> str:
    """The line that every run ends with."""
    counts = count(results)
    return ", ".join(f"{counts[status]} {status}" for status in Status)


def write_step(
    repository: str, step: str, results: Sequence[Result], seconds: float, out: TextIO = sys.stdout
) -> None:
    """Tell in one line what a step came to; before it each failure, and each reason to skip."""
    write_failures(results, out)
    reasons = (result.details for result in results if result.status is Status.SKIPPED)
    skips = Counter(" ".join(reason.split()) for reason in reasons)
    for reason, number in skips.most_common():
        print(f"skipped: {repository} {step}: {number} tests: {reason}", file=out)
    print(
        f"{repository:<20} {step:<6} {counts_line(results)} ({seconds:.1f} s)", file=out, flush=True
    )


def write_failures(results: Iterable[Result], out: TextIO = sys.stdout) -> None:
    """Tell what failed, with its details."""
    for result in results:
        if result.status is Status.FAILED:
            print(f"failed: {result.repository} {result.step}: {result.test}", file=out)
            print(textwrap.indent(result.details, "    "), file=out, flush=True)


def write_json(results: Sequence[Result], out: TextIO = sys.stdout) -> None:
    """Write the three counts and every result as one JSON object."""
    counts = count(results)
    document = {
        **{str(status): counts[status] for status in Status},
        "results": [asdict(result) for result in results],
    }
    json.dump(document, out, indent=1)
    out.write("\n")
