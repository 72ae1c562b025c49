"""NICs as elements of domain XML. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from lxml import etree
from lxml.builder import E
from nova_virt_interface.values.nics import NicBackingKind, NicLimits, NicSpec

from nova_virt_libvirt.capabilities import Capabilities
from nova_virt_libvirt.names import device_alias, tap_name
from nova_virt_libvirt.settings_xml import pci_address_xml
from nova_virt_libvirt.xml_text import set_attribute

__all__ = ["nic_xml"]

_NIC_TYPES = {
    NicBackingKind.NETWORK: "network",
    NicBackingKind.BRIDGE: "bridge",
    NicBackingKind.OPEN_VSWITCH: "bridge",
    NicBackingKind.USER: "user",
    NicBackingKind.PCI_DEVICE: "hostdev",
    NicBackingKind.MACVTAP: "direct",
}


def nic_xml(vm_uuid: UUID, nic: NicSpec, host: Capabilities) -> Any:
    """One NIC's element."""
    element = E.interface(E.mac(address=nic.mac), type=_NIC_TYPES[nic.backing.kind])
    element.extend(_plugged(nic))
    if nic.backing.kind is NicBackingKind.PCI_DEVICE:
        element.set("managed", "yes")
        element.append(E.alias(name=device_alias("nic", nic.key)))
        return element
    if nic.backing.kind is not NicBackingKind.USER:
        # A name of our own, so that bulk statistics tell which NIC they are about.
        element.append(E.target(dev=tap_name(vm_uuid, nic.key)))
    element.append(E.model(type=(nic.model or host.description.nic_models[0]).value))
    if nic.mtu_bytes is not None:
        element.append(E.mtu(size=str(nic.mtu_bytes)))
    if nic.queues is not None:
        element.append(E.driver(queues=str(nic.queues)))
    if nic.limits is not None:
        element.append(_bandwidth(nic.limits))
    element.append(E.alias(name=device_alias("nic", nic.key)))
    if host.is_emulator:
        # Nobody boots from the network here, and QEMU refuses to start where its boot ROMs are not
        # installed.
        element.append(E.rom(enabled="no"))
    return element


def _plugged(nic: NicSpec) -> Iterator[Any]:
    """What the NIC is plugged into."""
    backing = nic.backing
    if backing.kind is NicBackingKind.PCI_DEVICE:
        yield E.source(pci_address_xml(backing.name))
    elif backing.kind is not NicBackingKind.USER:
        source = E.source()
        attribute = "dev" if backing.kind is NicBackingKind.MACVTAP else _NIC_TYPES[backing.kind]
        set_attribute(source, attribute, backing.name)
        yield source
    if backing.kind is NicBackingKind.OPEN_VSWITCH:
        parameters = E.parameters()
        set_attribute(parameters, "interfaceid", backing.interface_id or nic.key)
        yield E.virtualport(parameters, type="openvswitch")
    if backing.vlan_id is not None:
        yield E.vlan(E.tag(id=str(backing.vlan_id)))


def _bandwidth(limits: NicLimits) -> Any:
    element = E.bandwidth()
    for tag, rate in (
        ("inbound", limits.received_bytes_per_second),
        ("outbound", limits.sent_bytes_per_second),
    ):
        if rate is not None:
            # libvirt counts in KiB; less than one would be no limit.
            etree.SubElement(element, tag, average=str(max(1, rate // 1024)))
    return element
