"""What tests of the driver need: vcsim, a relay in front of it, and the conformance harness."""

from __future__ import annotations

__all__: list[str] = []
