"""Hypervisor library for vCenter and ESXi, behind the contract of `nova_virt_interface`."""

from __future__ import annotations

__all__: list[str] = []
