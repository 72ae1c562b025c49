"""Conformance: the suite that every driver runs, its runner and reports.

A driver adopts it with a `harness.Harness` for each backend and a few lines in its own tests; see
the README.
"""

from __future__ import annotations

__all__: list[str] = []
