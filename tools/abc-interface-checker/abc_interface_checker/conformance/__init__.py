"""Implementations against contracts: every ``impl-*`` rule."""

from __future__ import annotations

from abc_interface_checker.conformance.check import check_object

__all__ = ["check_object"]
