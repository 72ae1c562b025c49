"""Two versions of a contract: what changed, whom it breaks, and which version step it needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from abc_interface_checker import versions
from abc_interface_checker.compatibility.compare import Policy, compare
from abc_interface_checker.findings import Bump, Finding, Report, Severity
from abc_interface_checker.sides import NoBaseline, Side, open_side
from abc_interface_checker.source.reader import Read
from abc_interface_checker.suppressions import (
    Suppressions,
    adjust,
    check_entries,
    of_versions,
)

__all__ = ["compare_sides", "diff"]

_ENOUGH = frozenset({versions.Verdict.FITS, versions.Verdict.TOO_HIGH})


def diff(
    old: str | Path, new: str | Path, *, package: str = "", project: str | Path = "."
) -> Report:
    """Compare two versions of an interface package, by the configuration of the new one.

    What breaks somebody is an error only if the version does not say so: after a step that is great
    enough it is information.

    Args:
        old: a frozen file, a folder, or ``git:REVISION[:PATH]``.
        new: the same.
        package: which package is meant, where the project has several.
        project: the folder in whose repository the revisions are.

    Raises: Misconfigured.
    """
    try:
        sides = (
            open_side(old, package, project, is_old=True),
            open_side(new, package, project),
        )
    except NoBaseline as error:
        unchecked = (error.as_unchecked(),)
        return Report(command="diff", subject=f"{old} to {new}", could_not_check=unchecked)
    return compare_sides(*sides)


def compare_sides(old: Side, new: Side) -> Report:
    """Compare two versions that were found; Misconfigured."""
    rules = new.configuration
    check_entries(rules.suppressions)
    before, after = old.read(rules), new.read(rules)
    pair = (before.package.version, after.package.version)
    suppressions = Suppressions(rules.suppressions, versions=pair, rules=of_versions)
    policy = Policy(provider_minor=rules.provider_minor)
    found = [*after.findings, *compare(before.package, after.package, policy)]
    marked = suppressions.mark(adjust(found, rules))
    judgement = versions.judge(after.package.name, *pair, marked)
    judged = suppressions.mark(adjust(judgement.findings, rules))
    return Report(
        command="diff",
        subject=_subject(before, after, old, new),
        findings=(*_announced(marked, judgement), *judged, *suppressions.unused()),
        could_not_check=(
            *before.could_not_check,
            *after.could_not_check,
            *judgement.could_not_check,
        ),
        facts=judgement.facts(),
    )


def _subject(before: Read, after: Read, old: Side, new: Side) -> str:
    versions_known = before.package.version and after.package.version
    if versions_known and before.package.version != after.package.version:
        return f"{after.package.name} {before.package.version} to {after.package.version}"
    return f"{after.package.name}: {old.label} to {new.label}"


def _announced(findings: Iterable[Finding], judgement: versions.Judgement) -> tuple[Finding, ...]:
    """What the declared step is great enough for is no error any more."""
    step = Bump.NONE
    if judgement.verdict in _ENOUGH:
        step = Bump.MAJOR
    elif judgement.verdict is versions.Verdict.TOO_LOW and judgement.declared is not None:
        step = judgement.declared
    return tuple(
        dataclasses.replace(finding, severity=Severity.INFO)
        if finding.severity is Severity.ERROR and Bump.NONE.rank < finding.bump.rank <= step.rank
        else finding
        for finding in findings
    )
