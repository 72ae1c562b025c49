"""The catalogue of rules: one file of data for each, read when it is needed.

``rules/RULE.toml`` holds all that is known of a rule: what it means, whom it breaks, which version
step it asks for, and examples that are reported beside near misses that are not. The same file is
what `explain` prints and what the tests run.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from abc_interface_checker.findings import Bump, Effect, Severity

__all__ = ["Example", "Rule", "UnknownRule", "rule", "rule_ids"]

_FOLDER = files(__package__) / "rules"


class UnknownRule(ValueError):
    """There is no rule of this id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """Two sources, and which rules they break together.

    ``before`` and ``after`` are the old and the new version of a contract, or a contract and its
    implementation: file name to text. A text alone in the data stands for the one file
    ``contract.py`` (an implementation: ``implementation.py``).
    """

    before: Mapping[str, str]
    after: Mapping[str, str]
    findings: frozenset[str]
    """All rules that are found, no more and no less; for a near miss not the rule itself."""
    configuration: Mapping[str, Any]
    """What would stand in ``[tool.abc-interface-checker]`` of the new side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the catalogue."""

    id: str
    group: str
    """``implementation``, ``contract``, ``interface``, ``method``, ``parameter``, ``result``,
    ``attribute``, ``value``, ``capability`` or ``package``.
    """
    summary: str
    severity: Severity
    callers: Effect
    implementers: Effect
    bump: Bump
    flows: Mapping[str, tuple[Effect, Effect]]
    """For values and enumerations: flow to the effects on callers and implementers, where they
    depend on it.
    """
    why: str
    reported: tuple[Example, ...]
    near_misses: tuple[Example, ...]


@functools.cache
def rule(rule_id: str) -> Rule:
    """The rule of this id; UnknownRule if there is none."""
    if rule_id not in rule_ids():
        raise UnknownRule(f"there is no rule {rule_id!r}")
    data = tomllib.loads((_FOLDER / f"{rule_id}.toml").read_text(encoding="utf-8"))
    own = frozenset({rule_id})
    return Rule(
        id=rule_id,
        group=data["group"],
        summary=data["summary"],
        severity=Severity(data["severity"]),
        callers=Effect(data.get("callers", "keeps")),
        implementers=Effect(data.get("implementers", "keeps")),
        bump=Bump(data.get("bump", "none")),
        flows={
            flow: (Effect(sides["callers"]), Effect(sides["implementers"]))
            for flow, sides in data.get("flows", {}).items()
        },
        why=data["why"].strip(),
        reported=tuple(_example(example, own) for example in data.get("reported", ())),
        near_misses=tuple(_example(example, frozenset()) for example in data.get("near-miss", ())),
    )


@functools.cache
def rule_ids() -> tuple[str, ...]:
    """All rules, in alphabetical order."""
    names = (entry.name for entry in _FOLDER.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def _example(data: Mapping[str, Any], rules: frozenset[str]) -> Example:
    second, name = ("after", "contract.py")
    if "implementation" in data:
        second, name = ("implementation", "implementation.py")
    before = data["before" if second == "after" else "contract"]
    return Example(
        before={"contract.py": before} if isinstance(before, str) else before,
        after={name: data[second]} if isinstance(data[second], str) else data[second],
        findings=rules | frozenset(data.get("also", ())),
        configuration=data.get("configuration", {}),
    )
