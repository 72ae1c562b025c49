"""Optional: what the host is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.topology import HostTopology

__all__ = ["IHostTopology"]


class IHostTopology(Interface):
    """A hypervisor that tells its host's processors, NUMA cells, PCI devices and GPUs."""

    taggedValue("since", "1.0")

    def topology() -> HostTopology:
        """Say what the host is made of.

        [TOPO-2] A number of round trips that does not grow with the number of VMs.
        """
