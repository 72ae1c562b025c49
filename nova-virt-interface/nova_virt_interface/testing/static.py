"""Static checks: does a connection take every call that its interfaces allow, and provide what it
announced?
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from abc_interface_checker import check
from abc_interface_checker.findings import Severity
from zope.interface.interface import InterfaceClass

from nova_virt_interface.testing.provides import Provides
from nova_virt_interface.testing.results import Record, Status

__all__ = ["check_static"]


def check_static(
    connection: Any, interfaces: Sequence[InterfaceClass], provides: Provides
) -> list[Record]:
    """Verify every interface of a level that the connection provides; the first is mandatory."""
    records = []
    for interface in interfaces:
        if interface is interfaces[0] or interface.providedBy(connection):
            records.append(_verified(connection, interface))
        else:
            reason = f"not provided: {interface.__name__}"
            test = f"static:{interface.__name__}"
            records.append(Record(test=test, status=Status.SKIP, reason=reason))
    names = frozenset(interface.__name__ for interface in interfaces)
    differences = "; ".join(provides.differences(connection, names))
    status = Status.FAIL if differences else Status.PASS
    return [*records, Record(test="static:provides.toml", status=status, reason=differences)]


def _verified(connection: Any, interface: InterfaceClass) -> Record:
    test = f"static:{interface.__name__}"
    report = check(connection, interface)
    if report.could_not_check:
        reason = "; ".join(f"{item.element}: {item.reason}" for item in report.could_not_check)
        return Record(test=test, status=Status.ERROR, reason=f"could not check: {reason}")
    errors = [found for found in report.findings if found.severity is Severity.ERROR]
    reason = "; ".join(f"{found.rule}: {found.element}: {found.message}" for found in errors)
    return Record(test=test, status=Status.FAIL if errors else Status.PASS, reason=reason)
