"""What changed between two versions of an interface package, and whom it breaks."""

from __future__ import annotations

__all__: list[str] = []
