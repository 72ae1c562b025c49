"""Hypervisor library for vCenter and ESXi.

The package holds no driver yet: it declares no entry point, so that no core can select it.
"""

__all__: list[str] = []
