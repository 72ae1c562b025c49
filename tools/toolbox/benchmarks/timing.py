"""Rows that take turns, and how their medians are told."""

import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TextIO

__all__ = ["Row", "Timed", "measure", "write"]


@dataclass(frozen=True)
class Row:
    """Something to measure.

    ``prepare`` runs before each round and is not measured; what it returns is given to ``run``.
    """

    name: str
    prepare: Callable[[], object]
    run: Callable[[object], object]
    budget: float | None = None
    """Milliseconds that it is meant to stay below."""
    peer: str = ""
    """The row that this one is compared with."""


@dataclass(frozen=True)
class Timed:
    """What one row came to, in milliseconds."""

    name: str
    median: float
    least: float
    most: float
    rounds: int
    budget: float | None
    peer: str
    ratio: float | None
    """Its median by the peer's."""


def measure(rows: Sequence[Row], rounds: int) -> list[Timed]:
    """Run every row once unmeasured, then all of them in turns."""
    times: dict[str, list[float]] = {row.name: [] for row in rows}
    for turn in range(-1, rounds):
        for row in rows:
            given = row.prepare()
            gc.collect()
            started = time.perf_counter()
            row.run(given)
            ended = time.perf_counter()
            if turn >= 0:
                times[row.name].append((ended - started) * 1000)
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    return [
        Timed(
            name=row.name,
            median=medians[row.name],
            least=min(times[row.name]),
            most=max(times[row.name]),
            rounds=rounds,
            budget=row.budget,
            peer=row.peer,
            ratio=medians[row.name] / medians[row.peer] if row.peer else None,
        )
        for row in rows
    ]


def write(found: Sequence[Timed], style: str, out: TextIO = sys.stdout) -> None:
    """Tell all rows: ``text`` or ``json``."""
    if style == "json":
        json.dump([asdict(timed) for timed in found], out, indent=1)
        out.write("\n")
        return
    width = max(len(timed.name) for timed in found)
    out.write(f"{'':<{width}}   median      least       most      budget\n")
    for timed in found:
        budget = f"{timed.budget:7.0f} ms" if timed.budget is not None else ""
        ratio = f"  {timed.ratio:.1f} times {timed.peer}" if timed.ratio is not None else ""
        out.write(
            f"{timed.name:<{width}} {timed.median:8.2f} ms {timed.least:8.2f} ms"
            f" {timed.most:8.2f} ms {budget:<10}{ratio}\n".rstrip()
            + "\n"
        )
