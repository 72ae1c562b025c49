"""Rules of deprecation: it comes before a removal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from abc_interface_checker.compatibility.changes import change, last_name
from abc_interface_checker.compatibility.members import elements
from abc_interface_checker.findings import Finding
from abc_interface_checker.model import Package
from abc_interface_checker.types.assignability import Classes

__all__ = ["compare", "removed_without"]

_REMOVALS = frozenset(
    {
        "attr-removed",
        "capability-removed",
        "exception-class-removed",
        "field-removed",
        "interface-removed",
        "method-removed",
        "typeddict-key-removed",
    }
)
"""Rules of what has marks of its own, so that its end could have been announced."""


def compare(old: Package, new: Package, classes: Classes) -> Iterator[Finding]:
    """Deprecations that were declared and withdrawn."""
    known = elements(old)
    for element, thing in elements(new).items():
        if element not in known:
            continue
        was, is_ = known[element].marks.deprecated, thing.marks.deprecated
        if is_ is not None and was is None:
            message = f"{last_name(element)} is deprecated"
            if is_:
                message += f": {' '.join(is_.split())}"
            yield change("deprecated-added", element, message, place=thing.place)
        elif was is not None and is_ is None:
            message = f"{last_name(element)} is not deprecated any more"
            yield change("deprecated-removed", element, message, place=thing.place)


def removed_without(findings: Iterable[Finding], old: Package) -> Iterator[Finding]:
    """For each removal among the findings that no deprecation has announced, one finding more."""
    removals = [finding for finding in findings if finding.rule in _REMOVALS]
    known = elements(old) if removals else {}
    for finding in removals:
        thing = known.get(finding.element)
        if thing is not None and thing.marks.deprecated is None:
            element, place = finding.element, finding.place
            message = f"{last_name(element)} went without having been deprecated"
            yield change("removed-without-deprecation", element, message, place=place)
