"""The contract between nova core and its hypervisor drivers.

`hypervisor` holds the lower level, `virt_driver` the upper one, `values` what crosses them,
`errors` what is raised.
"""

from __future__ import annotations

__all__: list[str] = []
