"""Names of elements as messages and witnesses show them."""

from __future__ import annotations

__all__ = ["last", "short"]


def short(element: str) -> str:
    """A member with what has it: ``IThing.start``."""
    return ".".join(element.split(".")[-2:])


def last(name: str) -> str:
    """A class without its module: ``IThing``."""
    return name.rpartition(".")[2]
