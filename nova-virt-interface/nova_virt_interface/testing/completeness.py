"""After an unfiltered run: must all that ran have run, and was every skip a legitimate one?"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from nova_virt_interface.interfaces import HYPERVISOR_INTERFACES, VIRT_DRIVER_INTERFACES
from nova_virt_interface.testing.provides import Provides
from nova_virt_interface.testing.results import Record, Status

__all__ = ["gaps", "unknown_deviations"]

_NOT_PROVIDED = "not provided: "
_DEVIATION = "deviation: "
_INTERFACES = frozenset(
    interface.__name__ for interface in (*HYPERVISOR_INTERFACES, *VIRT_DRIVER_INTERFACES)
)


def gaps(
    expected: Collection[str],
    records: Iterable[Record],
    provided: Collection[str],
    provides: Provides,
) -> list[str]:
    """Say what is missing from a run, or was skipped without leave.

    Args:
        expected: the keys of all tests of the suites that apply.
        records: what ran.
        provided: names of the interfaces that the connection provides.
        provides: what the driver's file says of the backend.

    Returns: one text for each gap; empty when the run is complete.
    """
    ran = {record.test: record for record in records}
    found = [f"{test} did not run" for test in sorted(set(expected) - ran.keys())]
    deviations = {deviation.test: deviation.reason for deviation in provides.deviations}
    for test, record in ran.items():
        if record.status is Status.SKIP:
            interface = record.reason.removeprefix(_NOT_PROVIDED)
            absent = (
                record.reason.startswith(_NOT_PROVIDED)
                and interface in _INTERFACES
                and interface not in provided
            )
            deviates = record.reason == f"{_DEVIATION}{deviations.get(test)}"
            if not (absent or deviates):
                found.append(f"{test} was skipped without leave: {record.reason}")
    return found


def unknown_deviations(tests: Collection[str], provides: Provides) -> list[str]:
    """Deviations of tests that no suite has."""
    return [
        f"provides.toml has a deviation of {deviation.test}, which no suite has"
        for deviation in provides.deviations
        if deviation.test not in tests
    ]
