"""Faults on demand: what goes wrong with which operation, and how often."""

from __future__ import annotations

import threading
from dataclasses import dataclass

__all__ = ["KINDS", "Fault", "Faults"]

KINDS = (
    "drop-before",  # the connection is cut, nothing was done
    "drop-after",  # it was done, the answer is lost
    "delay",  # the answer comes `seconds` later
    "return",  # the method returns `code`, nothing was done
    "job",  # the method starts a job that ends in code `code` and `text`; nothing was done
    "job-after",  # the same, but the work was done before
    "fault",  # a SOAP fault with subcode `text` and code `code`
    "fault-wmi",  # the same in WMI's form of detail
    "http",  # HTTP status `code` with the body `text`, which is no SOAP
    "answer",  # HTTP status 200 with the body `text`
)


@dataclass
class Fault:
    """One planned fault. ``operation`` is a method, Get, Enumerate, Pull, Release, or ``*``."""

    operation: str
    kind: str
    skip: int = 0
    """How many such operations go well before."""
    times: int = 1
    code: int = 0
    text: str = ""
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no kind {self.kind}: {KINDS}")


class Faults:
    """The faults that are planned."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []
        self._lock = threading.Lock()

    def plan(self, fault: Fault) -> None:
        """Plan one."""
        with self._lock:
            self._planned.append(fault)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._planned.clear()

    def due(self, operation: str) -> Fault | None:
        """The fault that this operation meets."""
        with self._lock:
            for fault in self._planned:
                if fault.operation not in ("*", operation) or fault.times <= 0:
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None
