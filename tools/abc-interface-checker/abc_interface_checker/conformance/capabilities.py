"""Capabilities: what an implementation need not have, unless it claims it.

Members that the contract marks with ``capability="name"`` belong to a capability. An implementation
claims it in its attribute ``capabilities``: a collection of names or of members of an enumeration,
or a mapping from such to whether it has it.
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterable, Mapping

from abc_interface_checker.conformance.contract import AttributeContract, MethodContract
from abc_interface_checker.conformance.findings import Check
from abc_interface_checker.conformance.state import is_computed

__all__ = ["is_excused", "report_unbacked"]

_CLAIMS = "capabilities"


def is_excused(check: Check, wanted: MethodContract | AttributeContract) -> bool:
    """Whether a member that is not there is not missed as such: it is optional, or belongs to a
    capability. That of a claimed one is noted.
    """
    names = _names(wanted)
    if not names:
        return wanted.marks.optional
    for name in names & _claimed(check):
        check.unbacked.setdefault(name, []).append(wanted.name)
    return True


def report_unbacked(check: Check) -> None:
    """Report the capabilities that are claimed without all of their members."""
    for name, members in check.unbacked.items():
        check.report(
            "impl-capability-unbacked",
            _CLAIMS,
            f"{check.implementation.name} claims the capability {name!r}, but has no "
            + ", ".join(members),
        )


def _names(wanted: MethodContract | AttributeContract) -> frozenset[str]:
    literal = wanted.marks.tags.get("capability")
    if literal is None:
        return frozenset()
    try:
        content = ast.literal_eval(literal)
    except (ValueError, SyntaxError):
        content = literal.rpartition(".")[2]
    return frozenset(_spellings(content))


def _claimed(check: Check) -> frozenset[str]:
    member = check.implementation.member(_CLAIMS)
    if member is None:
        return frozenset()
    content = member.raw
    if is_computed(content):
        if check.implementation.of_instances:
            return frozenset()
        try:
            content = getattr(check.implementation.target, _CLAIMS)
        except Exception:  # noqa: BLE001 - any code may run
            return frozenset()
    return frozenset(_spellings(content))


def _spellings(content: object) -> Iterable[str]:
    """The names in a claim or mark; of enumerations' members both the name and the value."""
    if isinstance(content, enum.Enum):
        yield content.name
        yield str(content.value)
    elif isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        for key, value in content.items():
            if value:
                yield from _spellings(key)
    elif isinstance(content, tuple | list | set | frozenset):
        for each in content:
            yield from _spellings(each)
