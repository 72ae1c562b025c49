"""An instance's ports as NICs."""

from __future__ import annotations

from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.instances import Port
from nova_virt_interface.values.nics import NicSpec

__all__ = ["check_ports", "nic_spec"]


def check_ports(host: HostDescription, ports: tuple[Port, ...]) -> None:
    """Refuse ports that the host cannot plug in, before anything is touched.

    Raises: Unsupported.
    """
    for port in ports:
        if port.backing.kind not in host.nic_backings:
            offered = ", ".join(kind.value for kind in host.nic_backings) or "nothing"
            raise Unsupported(
                f"host {host.hostname} plugs no NIC into a {port.backing.kind.value}",
                detail=f"port {port.port_id}",
                remedy=f"plug it into what the host offers: {offered}",
                field="ports.backing.kind",
            )
        if port.model is not None and port.model not in host.nic_models:
            offered = ", ".join(model.value for model in host.nic_models) or "none"
            raise Unsupported(
                f"host {host.hostname} has no NIC model {port.model.value}",
                detail=f"port {port.port_id}",
                remedy=f"leave the model to the host, or take one that it has: {offered}",
                field="ports.model",
            )


def nic_spec(port: Port) -> NicSpec:
    """The NIC of a port; its key is the port's id."""
    return NicSpec(
        key=str(port.port_id),
        mac=port.mac,
        backing=port.backing,
        model=port.model,
        mtu_bytes=port.mtu_bytes,
    )
