"""Hypervisor library for XCP-ng and XenServer, behind the contract of nova-virt-interface."""

from __future__ import annotations

__all__: list[str] = []
