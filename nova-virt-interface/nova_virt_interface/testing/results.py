"""What a conformance run found."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from nova_virt_interface.handshake import Declaration, Verdict
from nova_virt_interface.testing.harness import Backend

__all__ = ["DriverRun", "Record", "Status", "counts"]


class Status(enum.Enum):
    """How a check ended; the four are counted apart and never added up."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    SKIP = "skip"
    """The driver does not provide what is checked, or deviates for a written reason."""
    ERROR = "error"
    """It could not be checked here."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One check."""

    test: str
    status: Status
    rules: tuple[str, ...] = ()
    reason: str = ""
    """Why it failed, was skipped, or could not be checked."""
    seconds: float = 0.0
    evidence: str = ""
    """What was seen, for instance the guest's console."""
    operations: tuple[str, ...] = ()
    """What the test asked of the driver, as ``INTERFACE.METHOD``."""
    errors: tuple[tuple[str, str, str], ...] = ()
    """What came instead of an answer: operation, class of the error, its resource or nothing."""


@dataclass(kw_only=True)
class DriverRun:
    """All checks of one backend of one driver."""

    declaration: Declaration
    verdict: Verdict
    backend: Backend | None
    suite_version: str
    static: list[Record] = field(default_factory=list)
    behaviour: list[Record] = field(default_factory=list)
    provided: set[str] = field(default_factory=set)
    """Names of the interfaces that the driver provides here, at all levels that were checked."""
    not_provided: dict[str, str] = field(default_factory=dict)
    """Interface → why the driver does not provide it here."""

    @property
    def succeeded(self) -> bool:
        """Whether the driver is accepted, and all was checked without a failure."""
        bad = (Status.FAIL, Status.ERROR)
        checked = [*self.static, *self.behaviour]
        return self.verdict.accepted and bool(checked) and all(r.status not in bad for r in checked)

    def as_dict(self) -> dict[str, Any]:
        """The run as the JSON report has it."""
        backend = self.backend
        return {
            "driver": self.declaration.driver,
            "package": self.declaration.package,
            "package_version": self.declaration.package_version,
            "contract": self.declaration.contract,
            "verdict": str(self.verdict),
            "backend": None
            if backend is None
            else {"name": backend.name, "version": backend.version, "kind": backend.kind.value},
            "static": counts(self.static),
            "behaviour": counts(self.behaviour),
            "suite_version": self.suite_version,
            "provided": sorted(self.provided),
            "not_provided": dict(sorted(self.not_provided.items())),
            "results": [
                {
                    "test": record.test,
                    "rules": list(record.rules),
                    "status": record.status.value,
                    "reason": record.reason,
                    "seconds": round(record.seconds, 3),
                    "evidence": record.evidence,
                    "operations": list(record.operations),
                    "errors": [" ".join(error).rstrip() for error in record.errors],
                }
                for record in (*self.static, *self.behaviour)
            ],
        }


def counts(records: Iterable[Record]) -> dict[str, int]:
    """How many checks ended in each status."""
    found = Counter(record.status for record in records)
    return {status.value: found[status] for status in Status}
