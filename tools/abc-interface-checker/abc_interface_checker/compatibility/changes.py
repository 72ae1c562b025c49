"""Makes a finding out of a rule's id: what the catalogue says, and what this case adds."""

from __future__ import annotations

from collections.abc import Iterable

from abc_interface_checker import catalogue
from abc_interface_checker.findings import Bump, Effect, Finding, Severity, Witness
from abc_interface_checker.model import Flow, Place

__all__ = ["change", "last_name"]


def change(
    rule_id: str,
    element: str,
    message: str,
    *,
    place: Place | None = None,
    effects: tuple[Effect, Effect] | None = None,
    flow: Flow | None = None,
    witness: Witness | None = None,
) -> Finding:
    """A finding of this rule.

    Args:
        rule_id: of the catalogue.
        element: dotted name, as in `Finding`.
        message: what is wrong with this element.
        place: where the new version has it, else the old one.
        effects: on callers and implementers, where they are known better than by the rule; the
            severity and the bump then follow them.
        flow: of the value or enumeration, for rules whose effects depend on it.
        witness: a use that shows it.
    """
    rule = catalogue.rule(rule_id)
    severity, bump = rule.severity, rule.bump
    callers, implementers = rule.callers, rule.implementers
    if flow is not None and rule.flows:
        callers, implementers = _by_flow(rule, flow)
    if effects is not None:
        callers, implementers = effects
        severity, bump = _consequence(rule, effects)
    return Finding(
        rule=rule_id,
        element=element,
        message=message,
        severity=severity,
        callers=callers,
        implementers=implementers,
        bump=bump,
        witness=witness,
        place=place,
    )


def _by_flow(rule: catalogue.Rule, flow: Flow) -> tuple[Effect, Effect]:
    """The effects by the way the thing goes; one that goes no way could go either."""
    if flow.value in rule.flows:
        return rule.flows[flow.value]
    sides = list(rule.flows.values())
    return (_worst(side[0] for side in sides), _worst(side[1] for side in sides))


def _worst(effects: Iterable[Effect]) -> Effect:
    order = (Effect.BREAKS, Effect.BEHAVIOUR, Effect.MAYBE, Effect.KEEPS)
    found = set(effects)
    return next(effect for effect in order if effect in found)


def _consequence(rule: catalogue.Rule, effects: tuple[Effect, Effect]) -> tuple[Severity, Bump]:
    if Effect.BREAKS in effects:
        return Severity.ERROR, Bump.MAJOR
    if Effect.BEHAVIOUR in effects:
        return rule.severity, rule.bump
    if Effect.MAYBE in effects:
        return Severity.WARNING, Bump.MINOR
    least = rule.bump if rule.bump.rank < Bump.MAJOR.rank else Bump.MINOR
    return Severity.INFO, least


def last_name(dotted: str) -> str:
    """What people call the thing of this dotted name."""
    return dotted.rpartition(".")[2]
