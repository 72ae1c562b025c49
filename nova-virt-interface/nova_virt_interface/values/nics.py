"""Network interfaces of a VM."""

from __future__ import annotations

import enum

from nova_virt_interface.marks import enumeration, value
from nova_virt_interface.values._checks import (
    at_least,
    device_key,
    fits,
    mac_address,
    pci_address,
    printable,
)

__all__ = [
    "AttachNicRequest",
    "DetachNicRequest",
    "NicBacking",
    "NicBackingKind",
    "NicLimits",
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
    OPEN_VSWITCH = "open-vswitch"
    """A bridge of Open vSwitch, with a port that its controller finds by an interface id."""
    OPAQUE_NETWORK = "opaque-network"
    """A network of another system, which the hypervisor knows by that system's id: an NSX logical
    switch or segment.
    """
    PCI_DEVICE = "pci-device"
    """A device of the host, mostly a virtual function of a network card (SR-IOV)."""
    MACVTAP = "macvtap"
    """A network interface of the host, by its name there, shared through a macvtap device."""
    USER = "user"
    """The host's own sockets, behind address translation: the guest reaches out only."""


@value(since="1.0")
class NicBacking:
    """Where a NIC is plugged in."""

    kind: NicBackingKind
    name: str = ""
    """The network's, bridge's or interface's name, or id; the PCI address for
    `NicBackingKind.PCI_DEVICE`; empty for `NicBackingKind.USER`.
    """
    vlan_id: int | None = None
    """The VLAN that the host tags the NIC's packets with; None: none of its own."""
    interface_id: str = ""
    """By what a network controller knows the port (Open vSwitch's ``iface-id``, NSX's external
    id); empty: the hypervisor's own choice.
    """

    def __post_init__(self) -> None:
        if self.kind is NicBackingKind.PCI_DEVICE:
            pci_address(self.name, "name")
        elif self.kind is not NicBackingKind.USER:
            printable(self.name, "name")
        fits(self.vlan_id is None or 1 <= self.vlan_id <= 4094, "vlan_id", "is not in 1 to 4094")


@value(since="1.0")
class NicLimits:
    """What a NIC may move at most; None: no limit."""

    received_bytes_per_second: int | None = None
    """Towards the guest."""
    sent_bytes_per_second: int | None = None
    """From the guest."""

    def __post_init__(self) -> None:
        at_least(1, self.received_bytes_per_second, "received_bytes_per_second")
        at_least(1, self.sent_bytes_per_second, "sent_bytes_per_second")


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
    queues: int | None = None
    """How many pairs of queues the guest sees (multiqueue); None: as the driver likes best."""
    limits: NicLimits | None = None

    def __post_init__(self) -> None:
        device_key(self.key, "key")
        mac_address(self.mac, "mac")
        at_least(68, self.mtu_bytes, "mtu_bytes")
        at_least(1, self.queues, "queues")


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
