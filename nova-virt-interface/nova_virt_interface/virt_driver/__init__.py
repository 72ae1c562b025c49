"""The upper level of the contract: a compute node in nova's words, one module per subject."""

from __future__ import annotations

__all__: list[str] = []
