"""For GitHub: workflow commands, which it shows beside the changed lines."""

from __future__ import annotations

from abc_interface_checker.findings import Finding, Report, Severity
from abc_interface_checker.model import Place
from abc_interface_checker.reports.presentation import breaks, path_of, summary, witness_lines

__all__ = ["render"]

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(report: Report) -> str:
    """One command a line; what is suppressed is left out. The last line is for the log."""
    lines = [
        _command(_COMMANDS[finding.severity], finding.rule, _text(finding), finding.place)
        for finding in report.findings
        if not finding.suppressed
    ]
    lines += [
        _command(
            "error", "could not check", f"{unchecked.element}: {unchecked.reason}", unchecked.place
        )
        for unchecked in report.could_not_check
    ]
    facts = [f"{name}: {value}" for name, value in report.facts.items()]
    return "\n".join([*lines, *facts, f"{report.subject}: {summary(report)}"]) + "\n"


def _text(finding: Finding) -> str:
    lines = [f"{finding.element}: {finding.message}", breaks(finding), *witness_lines(finding)]
    return "\n".join(line for line in lines if line)


def _command(name: str, title: str, text: str, place: Place | None) -> str:
    properties = {"title": title}
    if place:
        properties = {"file": path_of(place), "line": str(place.line), **properties}
    spelled = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {spelled}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
