"""Findings about one implementation, as they are gathered."""

from __future__ import annotations

import types
from dataclasses import dataclass, field

from abc_interface_checker import catalogue
from abc_interface_checker.calls import Call, written
from abc_interface_checker.findings import Finding, Severity, Witness
from abc_interface_checker.live.hints import Hints
from abc_interface_checker.live.implementation import Implementation, module_of
from abc_interface_checker.model import Package, Place, Signature
from abc_interface_checker.types.assignability import Classes

__all__ = ["Check"]


@dataclass(slots=True)
class Check:
    """One check of one implementation: what is looked at, and what was found."""

    implementation: Implementation
    classes: Classes
    packages: tuple[Package, ...] = ()
    hints: Hints = field(default_factory=Hints)
    found: list[Finding] = field(default_factory=list)
    unannotated: list[str] = field(default_factory=list)
    """Members of which a type cannot be compared because the implementation has none."""
    dynamic: list[str] = field(default_factory=list)
    """Members that are there, if at all, only when they are asked for."""
    abstract: set[str] = field(default_factory=set)
    """Methods that were reported as abstract."""
    unbacked: dict[str, list[str]] = field(default_factory=dict)
    """Capability that the implementation claims to members that it has not."""

    def report(
        self,
        rule: str,
        member: str,
        message: str,
        *,
        function: types.FunctionType | None = None,
        severity: Severity | None = None,
        witness: Witness | None = None,
    ) -> None:
        """Add a finding.

        Args:
            rule: its id.
            member: ``method``, ``method(parameter)`` or ``attribute``; empty: the whole.
            message: one sentence.
            function: the Python function that it is about, for the place.
            severity: if it is another than the rule's own.
            witness: a use that fails.
        """
        known = catalogue.rule(rule)
        name = self.implementation.name
        self.found.append(
            Finding(
                rule=rule,
                element=f"{name}.{member}" if member else name,
                message=message,
                severity=severity or known.severity,
                callers=known.callers,
                implementers=known.implementers,
                bump=known.bump,
                witness=witness,
                place=self._place(function),
            )
        )

    def report_contract(
        self, rule: str, element: str, message: str, place: Place | None = None
    ) -> None:
        """Add a finding about the contract itself."""
        known = catalogue.rule(rule)
        self.found.append(
            Finding(
                rule=rule,
                element=element,
                message=message,
                severity=known.severity,
                callers=known.callers,
                implementers=known.implementers,
                bump=known.bump,
                place=place,
            )
        )

    def witness(self, function: str, call: Call, contract: Signature, after: str) -> Witness:
        """A call that the contract allows."""
        return Witness(
            side="callers",
            code=written(call, function, contract),
            before="the contract allows it",
            after=after,
        )

    def _place(self, function: types.FunctionType | None) -> Place | None:
        if function is not None:
            return Place(function.__code__.co_filename, function.__code__.co_firstlineno)
        if self.implementation.module is not None:
            file = self.implementation.own.get("__file__")
            return Place(file, 1) if isinstance(file, str) else None
        scope = self.hints.scope(module_of(self.implementation.cls))
        if scope is None:
            return None
        line = self.hints.line_of(self.implementation.cls)
        return Place(scope.module.file.path, line)
