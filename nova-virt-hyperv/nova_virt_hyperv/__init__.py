"""Hypervisor library for Hyper-V, by WMI over WS-Management from Linux or Windows."""

from __future__ import annotations

__all__: list[str] = []
