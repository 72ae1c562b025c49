"""The harness of the conformance suite, and the simulator that it starts."""

from __future__ import annotations

__all__: list[str] = []
