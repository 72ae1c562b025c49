"""Hypervisor library for Hyper-V, by WMI over WS-Management.

The package holds no driver yet: it declares no entry point, so that no core can select it.
"""

__all__: list[str] = []
