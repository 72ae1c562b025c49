"""What tests of the driver need: the harness, the simulated host and its SMB server."""

from __future__ import annotations

__all__: list[str] = []
