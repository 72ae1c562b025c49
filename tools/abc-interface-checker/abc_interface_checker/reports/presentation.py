"""What several formats say in the same words."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from abc_interface_checker.findings import Effect, Finding, Report, Severity
from abc_interface_checker.model import Place

__all__ = ["breaks", "counts", "location", "nearby", "path_of", "summary", "witness_lines"]

_EFFECTS = {
    Effect.BREAKS: "breaks",
    Effect.MAYBE: "may break",
    Effect.BEHAVIOUR: "changes the behaviour for",
}


def breaks(finding: Finding) -> str:
    """Whom it breaks, in words: ``breaks callers and implementers``; empty if nobody."""
    sides: dict[Effect, list[str]] = {}
    for side, effect in (("callers", finding.callers), ("implementers", finding.implementers)):
        if effect is not Effect.KEEPS:
            sides.setdefault(effect, []).append(side)
    return ", ".join(f"{_EFFECTS[effect]} {' and '.join(names)}" for effect, names in sides.items())


def counts(report: Report) -> dict[str, int]:
    """How many findings count, by severity; how many are suppressed; what was not checked."""
    counted = Counter(
        "suppressed" if finding.suppressed else finding.severity.value
        for finding in report.findings
    )
    names = [*(severity.value for severity in Severity), "suppressed"]
    return {
        **{name: counted[name] for name in names},
        "could_not_check": len(report.could_not_check),
    }


def summary(report: Report) -> str:
    """The counts as a sentence: ``2 errors, 1 warning``; ``nothing found`` without any."""
    counted = counts(report)
    unchecked = counted.pop("could_not_check")
    unchanging = ("info", "suppressed")
    words = [
        f"{number} {name}{'s' if number != 1 and name not in unchanging else ''}"
        for name, number in counted.items()
        if number
    ]
    if unchecked:
        words.append(f"{unchecked} could not be checked")
    return ", ".join(words) or "nothing found"


def path_of(place: Place) -> str:
    """Relative to the current folder where it is below it, with forward slashes."""
    return nearby(Path(place.path)).as_posix()


def nearby(path: Path) -> Path:
    """Relative to the current folder, if it is below that."""
    current = Path.cwd()
    return path.relative_to(current) if path.is_relative_to(current) else path


def location(place: Place | None) -> str:
    """``path:line``; empty without a place."""
    return f"{path_of(place)}:{place.line}" if place else ""


def witness_lines(finding: Finding) -> list[str]:
    """The witness as lines of text; none without one."""
    witness = finding.witness
    if witness is None:
        return []
    lines = witness.code.splitlines() or [""]
    if len(lines) == 1:
        head = [f"{witness.side}: {lines[0]}"]
    else:
        head = [f"{witness.side}:", *(f"    {line}".rstrip() for line in lines)]
    return [*head, f"  before: {witness.before}", f"  now:    {witness.after}"]
