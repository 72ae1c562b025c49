"""Findings that a project has decided to live with, each with a reason, and severities it chose.

A suppression that meets nothing is an error of its own (`suppression-unused`): it would hide what
comes later. What cannot be suppressed at all is in `NEVER`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase

from abc_interface_checker import catalogue
from abc_interface_checker.configuration import (
    OFF,
    Configuration,
    Misconfigured,
    SuppressionEntry,
)
from abc_interface_checker.findings import Bump, Finding, Severity

__all__ = ["NEVER", "UNUSED", "adjust", "check_entries", "suppress"]

UNUSED = "suppression-unused"
NEVER = frozenset({"frozen-modified", UNUSED})
"""Rules that no suppression may name."""

_WILDCARDS = re.compile(r"[*?\[]")
_LOWERED = {"param-default-changed": Bump.MINOR}
"""What a rule asks for when its severity is set to less than an error."""


def check_entries(entries: Iterable[SuppressionEntry]) -> None:
    """Misconfigured for a suppression of a rule that does not exist or cannot be suppressed, and
    for one that has versions where there are none, or lacks them.
    """
    for entry in entries:
        if entry.rule in NEVER:
            raise Misconfigured(f"{entry.rule!r} cannot be suppressed")
        try:
            group = catalogue.rule(entry.rule).group
        except catalogue.UnknownRule as error:
            raise Misconfigured(f"suppression of {entry.element!r}: {error}") from error
        compares = group not in ("implementation", "contract")
        if compares and entry.versions is None:
            raise Misconfigured(
                f"the suppression of {entry.rule!r} for {entry.element!r} has no 'versions', "
                "the old and the new one that it holds for"
            )
        if entry.versions is not None and not compares:
            raise Misconfigured(
                f"the suppression of {entry.rule!r} for {entry.element!r} has 'versions', "
                "but the rule does not compare any"
            )


def adjust(findings: Iterable[Finding], configuration: Configuration) -> tuple[Finding, ...]:
    """The findings with the severities that the project chose; without those that are off."""
    return tuple(
        changed
        for finding in findings
        if (changed := _adjusted(finding, configuration)) is not None
    )


def _adjusted(finding: Finding, configuration: Configuration) -> Finding | None:
    chosen = configuration.severities.get(finding.rule)
    if chosen is None:
        return finding
    if chosen == OFF:
        return None
    severity = Severity(chosen)
    lowered = _LOWERED.get(finding.rule)
    bump = lowered if lowered and severity is not Severity.ERROR else finding.bump
    return dataclasses.replace(finding, severity=severity, bump=bump)


def suppress(
    findings: Iterable[Finding],
    entries: Sequence[SuppressionEntry],
    *,
    versions: tuple[str, str] | None = None,
    below: Collection[str] = (),
    groups: Collection[str] | None = None,
) -> tuple[Finding, ...]:
    """Mark what a suppression meets with its reason, and add a finding for each unused one.

    Args:
        findings: what a command found.
        entries: all suppressions of the project.
        versions: old and new, where versions were compared; entries for others are left out.
        below: dotted names that this run looked at; an entry whose element cannot be below one of
            them is left out. None given: everything was looked at.
        groups: groups of rules that this run looked for; None: all.
    """
    relevant = [entry for entry in entries if _applies(entry, versions, below, groups)]
    used: set[SuppressionEntry] = set()
    marked = []
    for finding in findings:
        entry = next((entry for entry in relevant if _meets(entry, finding)), None)
        if entry is not None:
            used.add(entry)
            finding = dataclasses.replace(finding, suppressed=entry.reason)  # noqa: PLW2901
        marked.append(finding)
    unused = (_unused(entry) for entry in relevant if entry not in used)
    return (*marked, *unused)


def _meets(entry: SuppressionEntry, finding: Finding) -> bool:
    return entry.rule == finding.rule and fnmatchcase(finding.element, entry.element)


def _applies(
    entry: SuppressionEntry,
    versions: tuple[str, str] | None,
    below: Collection[str],
    groups: Collection[str] | None,
) -> bool:
    if entry.versions is not None and entry.versions != versions:
        return False
    if groups is not None and catalogue.rule(entry.rule).group not in groups:
        return False
    fixed = _WILDCARDS.split(entry.element, maxsplit=1)[0]
    return not below or any(
        fixed.startswith(name) or (name.startswith(fixed) and fixed != entry.element)
        for name in below
    )


def _unused(entry: SuppressionEntry) -> Finding:
    return Finding(
        rule=UNUSED,
        element=entry.element,
        message=f"no {entry.rule} is found here any more: remove its suppression",
        severity=Severity.ERROR,
    )
