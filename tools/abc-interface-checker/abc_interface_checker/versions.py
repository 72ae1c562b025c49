"""Versions of a contract: which step its changes need, and whether the declared one is enough.

A version is ``MAJOR.MINOR``, ``MAJOR.MINOR.PATCH``, or one of these with ``.devN`` behind: a draft,
which comes before the release of its number and promises nothing to those who used it.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from dataclasses import dataclass

from abc_interface_checker import catalogue
from abc_interface_checker.findings import Bump, CouldNotCheck, Finding

__all__ = ["Judgement", "Verdict", "Version", "judge", "required_bump"]

_PATTERN = re.compile(
    r"v?(0|[1-9]\d*)\.(0|[1-9]\d*)(?:\.(0|[1-9]\d*))?(?:\.?dev(0|[1-9]\d*))?", re.ASCII
)
_FINAL = -1


class Verdict(enum.StrEnum):
    """What the declared step is, measured by the required one; the bad ones are rules' ids."""

    FITS = "fits"
    TOO_LOW = "version-too-low"
    TOO_HIGH = "version-too-high"
    NOT_BUMPED = "version-not-bumped"
    WENT_BACK = "version-went-back"
    UNKNOWN = "unknown"
    """One side has no version, or one that cannot be read."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version that can be read."""

    major: int
    minor: int
    patch: int | None = None
    """None: it is not written."""
    draft: int = _FINAL
    """N of ``.devN``; -1 of a release."""

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read ``1.0``, ``1.0.3``, ``1.1.dev2``; anything else raises ValueError."""
        match = _PATTERN.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not MAJOR.MINOR[.PATCH][.devN]")
        major, minor, patch, draft = match.groups()
        return cls(
            int(major),
            int(minor),
            None if patch is None else int(patch),
            _FINAL if draft is None else int(draft),
        )

    @property
    def is_draft(self) -> bool:
        """Whether it promises nothing."""
        return self.draft != _FINAL

    @property
    def release(self) -> tuple[int, int, int]:
        """The number without what is said of a draft."""
        return (self.major, self.minor, self.patch or 0)

    @property
    def order(self) -> tuple[int, int, int, bool, int]:
        """For comparison: a draft is before its release."""
        return (*self.release, not self.is_draft, self.draft)

    def step_to(self, other: Version) -> Bump:
        """Which step the numbers take, drafts counted as the release that they become."""
        if self.major != other.major:
            return Bump.MAJOR
        if self.minor != other.minor:
            return Bump.MINOR
        return Bump.NONE if self.release == other.release else Bump.PATCH

    def after(self, step: Bump, *, with_patch: bool) -> Version:
        """The lowest version that is this step further; without patch numbers the least step is a
        minor one. What follows a draft is the next draft.
        """
        if step is Bump.NONE:
            return self
        if self.is_draft:
            return Version(self.major, self.minor, self.patch, self.draft + 1)
        zero = 0 if self.patch is not None else None
        if step is Bump.MAJOR:
            return Version(self.major + 1, 0, zero)
        if step is Bump.MINOR or not with_patch:
            return Version(self.major, self.minor + 1, zero)
        return Version(self.major, self.minor, (self.patch or 0) + 1)

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}"
        if self.patch is not None:
            text += f".{self.patch}"
        return f"{text}.dev{self.draft}" if self.is_draft else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the versions of the two sides say, beside what was found."""

    old: str
    new: str
    required: Bump
    """The least step for what was found, with what drafts and 0.y.z are allowed."""
    declared: Bump | None
    """The step that the new version takes; None: unknown, or backwards."""
    verdict: Verdict
    lowest: str
    """The lowest valid next version; empty if the old one is unknown."""
    findings: tuple[Finding, ...] = ()
    """The verdict as a finding, if it is none that fits."""
    could_not_check: tuple[CouldNotCheck, ...] = ()

    def facts(self) -> dict[str, str]:
        """For a report, in the order in which people want to read it."""
        return {
            "old version": self.old or "unknown",
            "new version": self.new or "unknown",
            "required bump": self.required.value,
            "declared bump": "unknown" if self.declared is None else self.declared.value,
            "verdict": self.verdict.value,
            "lowest valid next version": self.lowest or "unknown",
        }


def required_bump(findings: Iterable[Finding]) -> Bump:
    """The greatest step that a finding asks for; those that are suppressed ask for none."""
    bumps = (finding.bump for finding in findings if not finding.suppressed)
    return max(bumps, key=lambda bump: bump.rank, default=Bump.NONE)


def judge(package: str, old: str, new: str, findings: Iterable[Finding]) -> Judgement:
    """Measure the step from version ``old`` to ``new`` of ``package`` by what was found."""
    needed = required_bump(findings)
    versions, unreadable = _read(package, old, new)
    if len(versions) < 2:
        lowest = ""
        if not unreadable and "old" in versions:
            lowest = str(_lowest(versions["old"], needed, None))
        return Judgement(
            old=old,
            new=new,
            required=needed,
            declared=None,
            verdict=Verdict.UNKNOWN,
            lowest=lowest,
            could_not_check=unreadable,
        )
    before, after = versions["old"], versions["new"]
    required = _allowed(before, needed)
    verdict = _verdict(before, after, needed, required)
    backwards = verdict is Verdict.WENT_BACK
    lowest = str(_lowest(before, needed, after))
    return Judgement(
        old=old,
        new=new,
        required=required,
        declared=None if backwards else before.step_to(after),
        verdict=verdict,
        lowest=lowest,
        findings=_findings(package, (old, new), verdict, required, lowest),
    )


def _read(package: str, old: str, new: str) -> tuple[dict[str, Version], tuple[CouldNotCheck, ...]]:
    versions: dict[str, Version] = {}
    unreadable: list[CouldNotCheck] = []
    for side, text in (("old", old), ("new", new)):
        if not text:
            continue
        try:
            versions[side] = Version.parse(text)
        except ValueError as error:
            unreadable.append(CouldNotCheck(element=package, reason=f"the {side} version: {error}"))
    return versions, tuple(unreadable)


def _allowed(old: Version, needed: Bump) -> Bump:
    """What is required after this old version: drafts and 0.y.z promise less."""
    if old.is_draft:
        return Bump.NONE
    if old.major == 0 and needed is Bump.MAJOR:
        return Bump.MINOR
    return needed


def _verdict(old: Version, new: Version, needed: Bump, required: Bump) -> Verdict:
    if new.order < old.order:
        return Verdict.WENT_BACK
    if new.order == old.order:
        return Verdict.FITS if needed is Bump.NONE else Verdict.NOT_BUMPED
    if old.is_draft:
        return Verdict.FITS
    declared = old.step_to(new)
    if declared.rank < required.rank:
        return Verdict.TOO_LOW
    least = Bump.MINOR if old.patch is None and new.patch is None else Bump.PATCH
    graduates = old.major == 0 and new.major == 1
    if declared.rank > max(required.rank, least.rank) and not graduates:
        return Verdict.TOO_HIGH
    return Verdict.FITS


def _lowest(old: Version, needed: Bump, new: Version | None) -> Version:
    with_patch = old.patch is not None or (new is not None and new.patch is not None)
    # After a draft any number will do, but it has to be another one.
    step = needed if old.is_draft else _allowed(old, needed)
    return old.after(step, with_patch=with_patch)


def _findings(
    package: str, pair: tuple[str, str], verdict: Verdict, required: Bump, lowest: str
) -> tuple[Finding, ...]:
    old, new = pair
    messages = {
        Verdict.TOO_LOW: f"{old} to {new} is too small a step: the changes are {required.value}, "
        f"so {lowest} is the lowest valid version",
        Verdict.TOO_HIGH: f"{old} to {new} is a greater step than the changes need: "
        f"{lowest} would do",
        Verdict.NOT_BUMPED: f"it changed but is still {new}: {lowest} is the lowest valid version",
        Verdict.WENT_BACK: f"{new} comes before {old}: {lowest} is the lowest valid version",
    }
    if verdict not in messages:
        return ()
    severity = catalogue.rule(verdict.value).severity
    return (
        Finding(rule=verdict.value, element=package, message=messages[verdict], severity=severity),
    )
