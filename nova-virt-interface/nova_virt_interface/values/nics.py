"""Network interfaces of a VM."""

from __future__ import annotations

import enum

from nova_virt_interface.marks import enumeration, value
from nova_virt_interface.values._checks import at_least, device_key, fits, mac_address, printable

__all__ = [
    "AttachNicRequest",
    "DetachNicRequest",
    "NicBacking",
    "NicBackingKind",
    "NicModel",
    "NicSpec",
]


@enumeration(since="1.0", open=True)
class NicModel(enum.Enum):
    """The network card that a guest sees."""

    VIRTIO = "virtio"
    E1000 = "e1000"
    E1000E = "e1000e"
    RTL8139 = "rtl8139"
    VMXNET3 = "vmxnet3"
    NETFRONT = "netfront"
    NETVSC = "netvsc"


@enumeration(since="1.0", open=True)
class NicBackingKind(enum.Enum):
    """What a NIC is plugged into."""

    NETWORK = "network"
    """A network that the hypervisor knows by name: a libvirt network, XenAPI network, virtual
    switch or port group.
    """
    BRIDGE = "bridge"
    """A Linux bridge of the host."""
    USER = "user"
    """The host's own sockets, behind address translation: the guest reaches out only."""


@value(since="1.0")
class NicBacking:
    """Where a NIC is plugged in."""

    kind: NicBackingKind
    name: str = ""
    """The network's or bridge's name; empty for `NicBackingKind.USER`."""

    def __post_init__(self) -> None:
        if self.kind is not NicBackingKind.USER:
            printable(self.name, "name")


@value(since="1.0")
class NicSpec:
    """One network interface.

    [NIC-1] Core names a NIC by a key that is unique within its VM and stays the same for the NIC's
    life.
    [NIC-2] The guest sees exactly the given MAC address.
    """

    key: str
    mac: str
    """Lower case, with colons."""
    backing: NicBacking
    model: NicModel | None = None
    """None: as the driver likes best."""
    mtu_bytes: int | None = None
    """None: the network's own."""

    def __post_init__(self) -> None:
        device_key(self.key, "key")
        mac_address(self.mac, "mac")
        at_least(68, self.mtu_bytes, "mtu_bytes")


@value(since="1.0")
class AttachNicRequest:
    """The NIC to add to a VM."""

    nic: NicSpec


@value(since="1.0")
class DetachNicRequest:
    """Which NIC to remove from a VM."""

    key: str
    guest_timeout_seconds: float = 30.0
    """How long a running guest may take to let go of the NIC."""

    def __post_init__(self) -> None:
        device_key(self.key, "key")
        fits(self.guest_timeout_seconds >= 0, "guest_timeout_seconds", "is negative")
