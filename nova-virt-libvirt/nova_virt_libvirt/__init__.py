"""Drives QEMU and KVM, and libvirt's own test driver, through libvirt.

`hypervisor` has the only class that core meets; every other module is one subject.
"""

from __future__ import annotations

__all__: list[str] = []
