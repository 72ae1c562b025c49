"""VMs whose host is gone, but not their disks."""

from __future__ import annotations

from nova_virt_interface.marks import value
from nova_virt_interface.values.vm import VmSpec

__all__ = ["AdoptVmRequest", "ReleaseVmRequest"]


@value(since="1.0")
class AdoptVmRequest:
    """The VM to make of disks that are there already."""

    spec: VmSpec


@value(since="1.0")
class ReleaseVmRequest:
    """The VM that another host has adopted."""
