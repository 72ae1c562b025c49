"""For programs: everything that is known, as one JSON object."""

from __future__ import annotations

import json
from typing import Any

from abc_interface_checker.findings import CouldNotCheck, Finding, Report
from abc_interface_checker.model import Place
from abc_interface_checker.reports.presentation import counts, path_of

__all__ = ["document", "render"]


def render(report: Report) -> str:
    """The report as JSON, indented, with a line end at the end."""
    return json.dumps(document(report), indent=2, ensure_ascii=False) + "\n"


def document(report: Report) -> dict[str, Any]:
    """What is written: ``command``, ``subject``, ``exit_status``, ``counts``, ``facts``,
    ``findings`` and ``could_not_check``.
    """
    return {
        "command": report.command,
        "subject": report.subject,
        "exit_status": report.exit_status,
        "counts": counts(report),
        "facts": dict(report.facts),
        "findings": [_finding(finding) for finding in report.findings],
        "could_not_check": [_unchecked(unchecked) for unchecked in report.could_not_check],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    witness = finding.witness
    return {
        "rule": finding.rule,
        "element": finding.element,
        "message": finding.message,
        "severity": finding.severity.value,
        "callers": finding.callers.value,
        "implementers": finding.implementers.value,
        "bump": finding.bump.value,
        "witness": witness
        and {
            "side": witness.side,
            "code": witness.code,
            "before": witness.before,
            "after": witness.after,
        },
        "place": _place(finding.place),
        "suppressed": finding.suppressed or None,
    }


def _unchecked(unchecked: CouldNotCheck) -> dict[str, Any]:
    return {
        "element": unchecked.element,
        "reason": unchecked.reason,
        "place": _place(unchecked.place),
    }


def _place(place: Place | None) -> dict[str, Any] | None:
    return {"path": path_of(place), "line": place.line} if place else None
