"""Findings that a project has decided to live with, each with a reason, and severities it chose.

A suppression that meets nothing is an error of its own (`suppression-unused`): it would hide what
comes later. What cannot be suppressed at all is in `NEVER`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Iterable
from fnmatch import fnmatchcase

from abc_interface_checker import catalogue
from abc_interface_checker.configuration import (
    OFF,
    Configuration,
    Misconfigured,
    SuppressionEntry,
)
from abc_interface_checker.findings import Bump, Finding, Severity

__all__ = [
    "NEVER",
    "UNUSED",
    "Suppressions",
    "adjust",
    "check_entries",
    "of_group",
    "of_versions",
]

UNUSED = "suppression-unused"
NEVER = frozenset({"frozen-modified", UNUSED})
"""Rules that no suppression may name."""

_LIVE = ("implementation", "contract")
"""Groups of rules that need one version only."""
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
        compares = group not in _LIVE
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


def of_group(*groups: str) -> Callable[[str], bool]:
    """Which rules a run looks for: those of some groups."""
    return lambda rule: catalogue.rule(rule).group in groups


def of_versions(rule: str) -> bool:
    """Which rules a run looks for: those that compare two versions."""
    return catalogue.rule(rule).group not in _LIVE


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


class Suppressions:
    """The suppressions that one run has to do with, and which of them it has used.

    Args:
        entries: all of the project.
        versions: old and new, where versions are compared; entries for others are left out.
        below: dotted names that the run looks at; an entry whose element cannot be below one of
            them cannot be unused. None given: everything is looked at.
        rules: which rules the run looks for: an entry for another cannot be unused. None: all.
    """

    def __init__(
        self,
        entries: Iterable[SuppressionEntry],
        *,
        versions: tuple[str, str] | None = None,
        below: Collection[str] = (),
        rules: Callable[[str], bool] | None = None,
    ) -> None:
        self._entries = [entry for entry in entries if entry.versions in (None, versions)]
        self._below = below
        self._rules = rules
        self._used: set[SuppressionEntry] = set()

    def mark(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings; those that an entry meets have its reason."""
        return tuple(self._marked(finding) for finding in findings)

    def _marked(self, finding: Finding) -> Finding:
        for entry in self._entries:
            if entry.rule == finding.rule and fnmatchcase(finding.element, entry.element):
                self._used.add(entry)
                return dataclasses.replace(finding, suppressed=entry.reason)
        return finding

    def unused(self) -> tuple[Finding, ...]:
        """A finding for each entry that has met nothing so far."""
        return tuple(
            Finding(
                rule=UNUSED,
                element=entry.element,
                message=f"no {entry.rule} is found here any more: remove its suppression",
                severity=Severity.ERROR,
            )
            for entry in self._entries
            if entry not in self._used
            and (self._rules is None or self._rules(entry.rule))
            and _can_be_below(entry.element, self._below)
        )


def _can_be_below(element: str, names: Collection[str]) -> bool:
    fixed = _WILDCARDS.split(element, maxsplit=1)[0]
    return not names or any(
        fixed.startswith(name) or (name.startswith(fixed) and fixed != element) for name in names
    )
