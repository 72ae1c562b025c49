"""The one adapter from a hypervisor library to what core works with, one module per subject."""

from __future__ import annotations

__all__: list[str] = []
