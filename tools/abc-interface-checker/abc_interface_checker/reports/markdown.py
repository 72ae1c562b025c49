"""For a changelog or a comment: Markdown, the changes grouped by whom they concern."""

from __future__ import annotations

from abc_interface_checker.findings import Effect, Finding, Report, Severity
from abc_interface_checker.reports.presentation import summary, witness_lines

__all__ = ["render"]

_CHANGES = (
    "Breaks callers and implementers",
    "Breaks callers",
    "Breaks implementers",
    "To be judged",
    "Keeps everybody working",
)
_SEVERITIES = {
    Severity.ERROR: "Errors",
    Severity.WARNING: "Warnings",
    Severity.INFO: "Information",
}


def render(report: Report) -> str:
    """The report as a section of second level with a list for each group."""
    group = _change if report.command == "diff" else _severity
    headings = [*_SEVERITIES.values(), *_CHANGES, "Suppressed"]
    lines = [f"## {_escaped(report.subject)}", ""]
    if report.facts:
        lines += ["| | |", "|---|---|"]
        lines += [f"| {name} | {_cell(value)} |" for name, value in report.facts.items()]
        lines.append("")
    for heading in headings:
        found = [finding for finding in report.findings if group(finding) == heading]
        if found:
            lines += [f"### {heading}", ""]
            for finding in found:
                lines += _item(finding)
            # An example has ended with an empty line already.
            lines += [""] if lines[-1] else []
    if report.could_not_check:
        lines += ["### Could not be checked", ""]
        lines += [
            f"- {_code(unchecked.element)}: {_escaped(unchecked.reason)}"
            for unchecked in report.could_not_check
        ]
        lines.append("")
    return "\n".join([*lines, f"{summary(report).capitalize()}.", ""])


def _change(finding: Finding) -> str:
    if finding.suppressed:
        return "Suppressed"
    if finding.callers is finding.implementers is Effect.KEEPS and (
        finding.severity is Severity.ERROR
    ):
        return _SEVERITIES[Severity.ERROR]
    breaking = (finding.callers is Effect.BREAKS, finding.implementers is Effect.BREAKS)
    groups = {(True, True): 0, (True, False): 1, (False, True): 2}
    if breaking in groups:
        return _CHANGES[groups[breaking]]
    judged = {finding.callers, finding.implementers} != {Effect.KEEPS}
    return _CHANGES[3] if judged or finding.severity is Severity.WARNING else _CHANGES[4]


def _severity(finding: Finding) -> str:
    return "Suppressed" if finding.suppressed else _SEVERITIES[finding.severity]


def _item(finding: Finding) -> list[str]:
    text = f"- {_code(finding.element)}: {_escaped(finding.message)} ({_code(finding.rule)})"
    if finding.suppressed:
        return [f"{text} -- {_escaped(finding.suppressed)}"]
    example = witness_lines(finding)
    if not example:
        return [text]
    return [text, "", *(f"      {line}".rstrip() for line in example), ""]


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _escaped(text: str) -> str:
    folded = " ".join(text.split())
    for character in "\\*_<[`":
        folded = folded.replace(character, "\\" + character)
    return folded


def _cell(text: str) -> str:
    return _escaped(text).replace("|", "\\|")
