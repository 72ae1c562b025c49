"""The lower level of the contract: a hypervisor in its own words, one module per subject."""

from __future__ import annotations

__all__: list[str] = []
