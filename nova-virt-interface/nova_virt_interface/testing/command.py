"""The conformance command, for this package's own command line and for core's."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from nova_virt_interface.testing.report import as_json, as_text, write_reports
from nova_virt_interface.testing.results import Record
from nova_virt_interface.testing.runner import Adapt, UnknownDriver, run_conformance

__all__ = ["conform"]


def conform(
    drivers: Sequence[str],
    report: Path | None,
    format: str,
    adapt: Adapt | None = None,
    url: str = "",
) -> int:
    """Check drivers, telling progress on standard error, and print the findings.

    Args:
        drivers: names of installed drivers; none for all of them.
        report: a directory for ``conformance.json``, ``.xml`` (JUnit) and ``.html``.
        format: of what is printed, ``text`` or ``json``.
        adapt: core's adapter; without it drivers are checked at the level that they provide.
        url: a host of the operator's own, for the one driver that is named.

    Returns: the exit status: 0 all that must hold holds, 1 findings, 2 wrong use.
    """
    if url and len(drivers) != 1:
        sys.stderr.write("error: a URL goes with exactly one driver\n")
        return 2
    try:
        runs = run_conformance(drivers, _tell, adapt, url)
    except UnknownDriver as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    if report:
        write_reports(runs, report)
    sys.stdout.write((as_json(runs) if format == "json" else as_text(runs)) + "\n")
    return 0 if all(run.succeeded for run in runs) else 1


def _tell(backend: str, record: Record) -> None:
    line = f"{backend}: {record.test} ... {record.status.value} ({record.seconds:.2f} s)\n"
    sys.stderr.write(line)
    sys.stderr.flush()
