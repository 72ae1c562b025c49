"""The reference driver: a hypervisor in memory, provided at both levels of the contract.

It has no guests that execute; it exists so that core and the conformance suite can be tested
without a hypervisor, and so that a driver team can read what the contract means.
"""

from __future__ import annotations

__all__: list[str] = []
