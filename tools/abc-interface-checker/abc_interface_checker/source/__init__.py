"""Interface packages as their source says them: nothing is imported, nothing is run."""

from __future__ import annotations

__all__: list[str] = []
