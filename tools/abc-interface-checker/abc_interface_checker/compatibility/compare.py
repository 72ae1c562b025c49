"""Two versions of an interface package: all that changed, and whom it breaks."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from abc_interface_checker.compatibility import (
    aliases,
    attributes,
    capabilities,
    deprecation,
    documentation,
    enumerations,
    exceptions,
    interfaces,
    methods,
    packaging,
    parameters,
    results,
    values,
)
from abc_interface_checker.compatibility.moves import find_moves, rewritten
from abc_interface_checker.compatibility.roles import by_role
from abc_interface_checker.findings import Bump, Effect, Finding
from abc_interface_checker.model import Package
from abc_interface_checker.types.classes import Hierarchy
from abc_interface_checker.versions import Version

__all__ = ["Policy", "compare"]

_MODULES = (
    interfaces,
    methods,
    parameters,
    results,
    attributes,
    values,
    enumerations,
    exceptions,
    aliases,
    capabilities,
    deprecation,
    documentation,
)
"""Each has the rules of one subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a project decides about its versions."""

    provider_minor: bool = False
    """Whether what breaks implementers only may be a minor step: for contracts whose implementers
    pin the minor version.
    """


def compare(old: Package, new: Package, policy: Policy | None = None) -> tuple[Finding, ...]:
    """Every rule of version changes that ``new`` meets, in the order of elements.

    Private things only have the rule that they changed. Interfaces that moved are compared with
    what they are called now.
    """
    policy = policy or Policy()
    before, after = documentation.public(old), documentation.public(new)
    moves = find_moves(before, after)
    renamed = rewritten(before, moves.all)
    classes = Hierarchy(after, renamed)
    findings = [
        *interfaces.moved(before, after, moves),
        *packaging.compare(before, after, moves),
        *documentation.compare_private(old, new),
    ]
    for module in _MODULES:
        findings += module.compare(renamed, after, classes)
    if not _is_draft(old):
        findings += [*deprecation.removed_without(findings, renamed)]
    judged = [_by_policy(by_role(finding, renamed, after), policy) for finding in findings]
    return tuple(sorted(judged, key=lambda finding: (finding.element, finding.rule)))


def _is_draft(package: Package) -> bool:
    """Whether its version promises nothing, and so needs no deprecation either."""
    try:
        return Version.parse(package.version).is_draft
    except ValueError:
        return False


def _by_policy(finding: Finding, policy: Policy) -> Finding:
    only_implementers = (
        finding.implementers is Effect.BREAKS
        and finding.callers in (Effect.KEEPS, Effect.MAYBE)
        and finding.bump is Bump.MAJOR
    )
    if not policy.provider_minor or not only_implementers:
        return finding
    return dataclasses.replace(finding, bump=Bump.MINOR)
