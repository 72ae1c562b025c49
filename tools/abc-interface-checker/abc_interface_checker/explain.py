"""What a rule means, in text for a terminal."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches, unified_diff
from importlib.resources import files
from itertools import groupby

from abc_interface_checker import catalogue
from abc_interface_checker.catalogue import Example, Rule, UnknownRule
from abc_interface_checker.findings import Bump, Effect

__all__ = ["explain", "not_implemented", "overview"]

_EFFECTS = {
    Effect.KEEPS: "no",
    Effect.BREAKS: "yes",
    Effect.MAYBE: "maybe: a person has to judge",
    Effect.BEHAVIOUR: "nothing fails, but the sides no longer mean the same",
}


def explain(rule_id: str) -> str:
    """All about one rule; UnknownRule, with the nearest names, if there is none."""
    if rule_id in not_implemented():
        return f"{rule_id}: not implemented. {not_implemented()[rule_id]}\n"
    try:
        rule = catalogue.rule(rule_id)
    except UnknownRule as error:
        near = get_close_matches(rule_id, catalogue.rule_ids(), n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise UnknownRule(f"{error}{hint}") from error
    parts = [f"{rule.id}: {rule.summary}", "\n".join(_facts(rule)), rule.why]
    if rule.reported:
        parts.append(f"Reported:\n\n{_example(rule.reported[0])}")
    if rule.near_misses:
        parts.append(f"Not reported:\n\n{_example(rule.near_misses[0])}")
    return "\n\n".join(parts) + "\n"


def overview() -> str:
    """All rules with their summaries, by group."""
    rules = sorted(map(catalogue.rule, catalogue.rule_ids()), key=lambda rule: rule.group)
    width = max(len(rule.id) for rule in rules)
    lines = []
    for group, members in groupby(rules, key=lambda rule: rule.group):
        lines += [f"{group}:", *(f"  {rule.id:<{width}}  {rule.summary}" for rule in members), ""]
    return "\n".join(lines)


def not_implemented() -> Mapping[str, str]:
    """Rules of the catalogue that nothing reports, each with the reason."""
    text = (files(__package__) / "not_implemented.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _facts(rule: Rule) -> Iterable[str]:
    yield f"  group                {rule.group}"
    yield f"  severity             {rule.severity.value}"
    if rule.group in ("implementation", "contract"):
        return
    if rule.flows:
        for flow, (callers, implementers) in rule.flows.items():
            yield f"  flow {flow:<4} callers      {_EFFECTS[callers]}"
            yield f"  flow {flow:<4} implementers {_EFFECTS[implementers]}"
    else:
        yield f"  breaks callers       {_EFFECTS[rule.callers]}"
        yield f"  breaks implementers  {_EFFECTS[rule.implementers]}"
    if rule.bump is not Bump.NONE:
        yield f"  version step         {rule.bump.value}"


def _example(example: Example) -> str:
    """As a difference where files have the same names, else one after the other."""
    if set(example.before) & set(example.after):
        return "\n".join(_difference(example)).rstrip()
    return "\n\n".join(
        f"  # {name}\n{_indented(text)}"
        for name, text in {**example.before, **example.after}.items()
    )


def _difference(example: Example) -> Iterable[str]:
    for name in sorted({*example.before, *example.after}):
        before = example.before.get(name, "").strip().splitlines()
        after = example.after.get(name, "").strip().splitlines()
        if len({*example.before, *example.after}) > 1:
            yield f"  # {name}"
        # All of the file is context: examples are short. The heads say nothing here.
        lines = list(unified_diff(before, after, lineterm="", n=10_000))[3:]
        yield from (f"  {line}".rstrip() for line in lines or [f" {line}" for line in before])


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" if line else "" for line in text.strip().splitlines())
