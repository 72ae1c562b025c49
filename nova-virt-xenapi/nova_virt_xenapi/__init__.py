"""Hypervisor library for XCP-ng and XenServer.

The package holds no driver yet: it declares no entry point, so that no core can select it.
"""

__all__: list[str] = []
