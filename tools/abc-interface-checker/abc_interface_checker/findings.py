"""What a check finds, and what that means for each side."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field

from abc_interface_checker.model import Place

__all__ = ["Bump", "CouldNotCheck", "Effect", "Finding", "Report", "Severity", "Witness"]


class Severity(enum.Enum):
    """How much a finding counts: an error makes the command fail."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Effect(enum.Enum):
    """What a change does to one side."""

    KEEPS = "keeps"
    BREAKS = "breaks"
    MAYBE = "maybe"
    """Only a person can tell."""
    BEHAVIOUR = "behaviour"
    """Nothing fails, but the sides no longer mean the same."""


class Bump(enum.Enum):
    """The least version step that a change needs."""

    NONE = "none"
    PATCH = "patch"
    MINOR = "minor"
    MAJOR = "major"

    @property
    def rank(self) -> int:
        """For comparison: the greater step has the greater rank."""
        return list(Bump).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A concrete use that worked before and fails now."""

    side: str
    """Who does it: ``callers`` or ``implementers``."""
    code: str
    """Python, one or a few lines."""
    before: str
    """What it does under the old version, or under the contract."""
    after: str
    """What it does now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule that one element breaks.

    ``element`` is dotted; a parameter is in parentheses behind its method:
    ``package.module.IThing.start(timeout)``.
    """

    rule: str
    element: str
    message: str
    """One sentence that says what is wrong with this element, with both sides' words in it."""
    severity: Severity
    callers: Effect = Effect.KEEPS
    implementers: Effect = Effect.KEEPS
    bump: Bump = Bump.NONE
    witness: Witness | None = None
    place: Place | None = None
    suppressed: str = ""
    """The reason that was given for not counting it; empty: it counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CouldNotCheck:
    """Something that could not be looked at: never a pass."""

    element: str
    reason: str
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome of one command."""

    command: str
    """``check``, ``freeze``, ``verify`` or ``diff``."""
    subject: str
    """What was looked at, for people: ``pkg.Impl against pkg.IThing``, ``1.0 to 1.1``."""
    findings: Sequence[Finding] = ()
    could_not_check: Sequence[CouldNotCheck] = ()
    facts: dict[str, str] = field(default_factory=dict)
    """For ``diff``: old and new version, required and declared bump, verdict, lowest valid next
    version.
    """

    @property
    def exit_status(self) -> int:
        """0: nothing wrong; 1: an error was found; 2: something could not be checked."""
        if self.could_not_check:
            return 2
        counted = [found for found in self.findings if not found.suppressed]
        return int(any(found.severity is Severity.ERROR for found in counted))
