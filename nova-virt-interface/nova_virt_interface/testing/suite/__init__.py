"""The behaviour suite: one mixin per subject, so that nothing is collected without a harness."""

from __future__ import annotations

__all__: list[str] = []
