"""Which way values cross, and so who makes them and who reads them."""

from __future__ import annotations

from abc_interface_checker.model import Flow

__all__ = ["between", "maker", "reader"]


def between(old: Flow, new: Flow) -> Flow:
    """Every way that something crosses in either version.

    What no signature names may be made and read by anybody.
    """
    flows = {old, new} - {Flow.NONE}
    return flows.pop() if len(flows) == 1 else Flow.BOTH


def maker(flow: Flow) -> tuple[str, str]:
    """Who makes it, and who reads it then; where both do, the callers make it."""
    return ("implementers", "callers") if flow is Flow.OUT else ("callers", "implementers")


def reader(flow: Flow) -> tuple[str, str]:
    """Who reads it, and who makes it then; where both do, the callers read it."""
    return ("implementers", "callers") if flow is Flow.IN else ("callers", "implementers")
