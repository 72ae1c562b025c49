"""Whom a change breaks where the package's own side implements, or both sides do."""

from __future__ import annotations

import dataclasses

from abc_interface_checker.findings import Effect, Finding, Witness
from abc_interface_checker.model import Interface, Package, Role

__all__ = ["by_role"]

_SWAPPED = {"callers": "implementers", "implementers": "callers"}
_WORST_FIRST = (Effect.BREAKS, Effect.BEHAVIOUR, Effect.MAYBE, Effect.KEEPS)


def by_role(finding: Finding, old: Package, new: Package) -> Finding:
    """The finding with the effects on those who call the package's interfaces as a rule, and on
    those who implement them as a rule.

    The rules speak of who calls and who implements the very interface. For one of `Role.OWNERS`
    it is the other way round, for `Role.BOTH` each side is both. The bump stays.
    """
    interface = _interface(finding.element, old, new)
    if interface is None or interface.role is Role.THIRD_PARTIES:
        return finding
    callers, implementers = finding.callers, finding.implementers
    if interface.role is Role.BOTH:
        worst = next(e for e in _WORST_FIRST if e in (callers, implementers))
        return dataclasses.replace(finding, callers=worst, implementers=worst)
    return dataclasses.replace(
        finding,
        callers=implementers,
        implementers=callers,
        witness=_swapped(finding.witness),
    )


def _interface(element: str, old: Package, new: Package) -> Interface | None:
    """The interface that the element is, or is a member of."""
    name = element.partition("(")[0]
    while name:
        found = new.interfaces.get(name) or old.interfaces.get(name)
        if found is not None:
            return found
        name = name.rpartition(".")[0]
    return None


def _swapped(witness: Witness | None) -> Witness | None:
    if witness is None:
        return None
    return dataclasses.replace(witness, side=_SWAPPED[witness.side])
