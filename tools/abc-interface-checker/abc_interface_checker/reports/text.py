"""For people: grouped by element, coloured where the caller says that it is a terminal."""

from __future__ import annotations

from itertools import groupby

from abc_interface_checker.findings import Bump, Finding, Report, Severity
from abc_interface_checker.reports.presentation import breaks, location, summary, witness_lines

__all__ = ["render"]

_COLOURS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.INFO: "36"}
_BOLD = "1"
_FAINT = "2"


def render(report: Report, *, colour: bool = False) -> str:
    """The report as text that ends with a line of counts."""
    paint = _paint if colour else _leave
    lines = [paint(report.subject, _BOLD)]
    ordered = sorted(report.findings, key=lambda found: found.element)
    for element, findings in groupby(ordered, key=lambda found: found.element):
        lines += ["", paint(element, _BOLD)]
        for finding in findings:
            lines += _finding(finding, colour=colour)
    for unchecked in report.could_not_check:
        lines += ["", paint(unchecked.element, _BOLD)]
        lines.append(f"  {paint('could not check', '31')}  {unchecked.reason}")
        lines += _indented(list(filter(None, [location(unchecked.place)])))
    lines.append("")
    if report.facts:
        width = max(map(len, report.facts))
        lines += [f"{name:<{width}}  {value}" for name, value in report.facts.items()]
    lines.append(summary(report))
    return "\n".join(lines) + "\n"


def _finding(finding: Finding, *, colour: bool) -> list[str]:
    paint = _paint if colour else _leave
    if finding.suppressed:
        lines = [paint(f"  suppressed  {finding.rule}  {finding.message}", _FAINT)]
        return [*lines, *_indented([f"reason: {finding.suppressed}"])]
    severity = paint(f"{finding.severity.value:<7}", _COLOURS[finding.severity])
    consequences = [breaks(finding)]
    if finding.bump is not Bump.NONE:
        consequences.append(f"needs a {finding.bump.value} step")
    return [
        f"  {severity}  {paint(finding.rule, _BOLD)}  {finding.message}",
        *_indented(
            [
                *filter(None, ["; ".join(filter(None, consequences))]),
                *witness_lines(finding),
                *filter(None, [location(finding.place)]),
            ]
        ),
    ]


def _indented(lines: list[str]) -> list[str]:
    return [f"           {line}".rstrip() for line in lines]


def _paint(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"


def _leave(text: str, code: str) -> str:
    return text
