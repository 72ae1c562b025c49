"""Types as contracts name them: one spelling, and which may stand for which."""

from __future__ import annotations

__all__: list[str] = []
