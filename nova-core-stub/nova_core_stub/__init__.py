"""What a compute service does with hypervisor drivers.

`loader` finds them and `compute` connects to one, `adaptation` and `library_driver` bring every
driver to `IVirtDriver`, and `guard` stands between core and whatever a driver returned.
"""

from __future__ import annotations

__all__: list[str] = []
