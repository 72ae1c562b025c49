"""An instance's ports as NICs."""

from __future__ import annotations

from nova_virt_interface.values.instances import Port
from nova_virt_interface.values.nics import NicSpec

__all__ = ["nic_spec"]


def nic_spec(port: Port) -> NicSpec:
    """The NIC of a port; its key is the port's id."""
    return NicSpec(
        key=str(port.port_id),
        mac=port.mac,
        backing=port.backing,
        model=port.model,
        mtu_bytes=port.mtu_bytes,
        queues=port.queues,
        limits=port.limits,
    )
