"""What is said of the known cases, beside what zope.interface's own checks say.

Run as a script it prints the table.
"""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import conformance_cases_calls
import conformance_cases_members
from conformance_case import CASES, HEAD, Case, Verdict
from zope.interface import Invalid
from zope.interface.interface import InterfaceClass
from zope.interface.verify import verifyClass, verifyObject

from abc_interface_checker.conformance import check_object
from abc_interface_checker.findings import Finding, Severity

__all__ = ["Outcome", "outcomes"]

_NOT_APPLICABLE = "-"
# Their import fills the list.
_MODULES = (conformance_cases_calls, conformance_cases_members)


@dataclass(frozen=True)
class Outcome:
    """What each of the checks says of one case."""

    case: Case
    found: tuple[Finding, ...]
    """Of the class and of an object together."""
    by_class: str
    """``reject``, ``accept``, ``crash``, or ``-`` where the check is not made for that."""
    by_object: str

    @property
    def verdict(self) -> Verdict:
        """This package's."""
        if any(found.severity is Severity.ERROR for found in self.found):
            return Verdict.REJECT
        return Verdict.WARN if self.found else Verdict.ACCEPT

    @property
    def rules(self) -> frozenset[str]:
        """This package's."""
        return frozenset(found.rule for found in self.found)


def outcomes() -> Iterator[Outcome]:
    """Check all cases."""
    with TemporaryDirectory() as folder, _searched(folder):
        for number, case in enumerate(CASES):
            contract, implementation = f"case_contract_{number}", f"case_implementation_{number}"
            (Path(folder) / f"{contract}.py").write_text(case.contract)
            head = HEAD.format(contract=contract)
            (Path(folder) / f"{implementation}.py").write_text(head + case.implementation)
        importlib.invalidate_caches()
        for number, case in enumerate(CASES):
            interface = importlib.import_module(f"case_contract_{number}").IThing
            yield _outcome(
                case, interface, importlib.import_module(f"case_implementation_{number}").Thing
            )


@contextmanager
def _searched(folder: str) -> Iterator[None]:
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
        for name in [name for name in sys.modules if name.startswith("case_")]:
            del sys.modules[name]


def _outcome(case: Case, interface: Any, thing: Any) -> Outcome:
    found = check_object([interface], thing)
    by_class = by_object = _NOT_APPLICABLE
    is_zope = isinstance(interface, InterfaceClass)
    candidate = thing
    if isinstance(thing, type) and not (is_zope and interface.providedBy(thing)):
        if is_zope:
            by_class = _said(verifyClass, interface, thing)
        candidate = _instance(thing)
        if candidate is not None:
            found += check_object([interface], candidate)
    if is_zope and candidate is not None:
        by_object = _said(verifyObject, interface, candidate)
    return Outcome(case, found, by_class, by_object)


def _instance(cls: Any) -> Any:
    try:
        return cls()
    except TypeError:
        return None


def _said(verify: Any, interface: Any, candidate: Any) -> str:
    try:
        verify(interface, candidate)
    except Invalid:
        return "reject"
    except Exception:  # noqa: BLE001 - it runs code of the candidate
        return "crash"
    return "accept"


def _table() -> Iterator[str]:
    yield f"{'case':50} {'right':7} {'ours':7} {'verifyClass':12} verifyObject"
    score: dict[str, Counter[str]] = {"ours": Counter(), "class": Counter(), "object": Counter()}
    for each in outcomes():
        right = each.case.verdict
        said = {"ours": each.verdict.value, "class": each.by_class, "object": each.by_object}
        yield (
            f"{each.case.name:50} {right.value:7} {said['ours']:7} {said['class']:12}"
            f" {said['object']:12} {' '.join(sorted(each.rules))}"
        )
        for who, verdict in said.items():
            score[who][_judged(right.value, verdict)] += 1
    yield ""
    counts = Counter(case.verdict.value for case in CASES)
    yield f"{len(CASES)} cases: " + ", ".join(f"{count} {name}" for name, count in counts.items())
    for who, numbers in score.items():
        yield f"{who:7}" + ", ".join(
            f"{name}: {number}" for name, number in sorted(numbers.items())
        )


def _judged(right: str, said: str) -> str:
    if said == _NOT_APPLICABLE:
        return "not applicable"
    if said == right:
        return "right"
    if said == "crash":
        return "crash"
    if right == "warn":
        return "no warning"
    return "missed" if right == "reject" else "false alarm"


if __name__ == "__main__":
    for line in _table():
        sys.stdout.write(f"{line}\n")
