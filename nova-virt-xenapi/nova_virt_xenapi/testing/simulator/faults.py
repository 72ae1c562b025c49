"""Faults on demand, per method."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

__all__ = ["Fault", "Faults"]


@dataclass
class Fault:
    """What goes wrong with the next ``count`` calls of a method, after ``skip`` good ones."""

    method: str
    """A wire name, or ``PUT /import_raw_vdi`` and the like; ``*`` is any but ``event.from``."""
    action: str
    """``fail`` with ``error``; ``drop_before`` or ``drop_after`` the effect; ``delay`` for
    ``seconds``; ``garbage``: an answer that is no XML; ``truncate``: half an answer; ``redirect``:
    to the same place.
    """
    error: list[str] = field(default_factory=list)
    count: int = 1
    skip: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        known = ("fail", "drop_before", "drop_after", "delay", "garbage", "truncate", "redirect")
        if self.action not in known:
            raise ValueError(f"{self.action!r} is none of {known}")


class Faults:
    """The faults that wait, and how often each method was called."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []
        self.calls: Counter[str] = Counter()

    def add(self, fault: Fault) -> None:
        """Let a fault wait for its method."""
        with self._lock:
            self._waiting.append(fault)

    def waiting(self) -> int:
        """How many faults wait."""
        with self._lock:
            return len(self._waiting)

    def clear(self) -> None:
        """Forget all faults that wait."""
        with self._lock:
            self._waiting.clear()

    def count(self, method: str) -> None:
        """Count what no fault waits for."""
        with self._lock:
            self.calls[method] += 1

    def take(self, method: str) -> Fault | None:
        """Count a call, and return what is to go wrong with it."""
        with self._lock:
            self.calls[method] += 1
            for fault in self._waiting:
                if fault.method == method or (fault.method == "*" and method != "event.from"):
                    return self._spend(fault)
        return None

    def _spend(self, fault: Fault) -> Fault | None:
        if fault.skip > 0:
            fault.skip -= 1
            return None
        fault.count -= 1
        if fault.count == 0:
            self._waiting.remove(fault)
        return fault
