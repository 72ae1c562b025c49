"""Domain XML: builds libvirt's from contract values, and reads what libvirt says. Pure functions;
lxml escapes all text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from lxml import etree
from lxml.builder import ElementMaker
from nova_virt_interface.errors import InvalidRequest
from nova_virt_interface.values.disks import DiskBus, DiskSpec, Media
from nova_virt_interface.values.nics import NicBackingKind, NicLimits, NicSpec
from nova_virt_interface.values.vm import VmSpec

from nova_virt_libvirt.capabilities import Capabilities
from nova_virt_libvirt.consoles_xml import screens_xml, serial_xml
from nova_virt_libvirt.mark import Mark, mark_element, read_mark
from nova_virt_libvirt.names import device_alias, domain_name, key_of_alias, next_target, tap_name
from nova_virt_libvirt.settings_xml import (
    cpu_xml,
    device_settings_xml,
    memory_xml,
    os_xml,
    pci_address_xml,
    tuning_xml,
)

__all__ = [
    "AttachedDisk",
    "DomainDescription",
    "StoredDisk",
    "disk_xml",
    "domain_xml",
    "nic_xml",
    "read_domain",
]

_E = ElementMaker()
_TARGETS = {DiskBus.VIRTIO: "vd", DiskBus.SCSI: "sd", DiskBus.SATA: "sd", DiskBus.IDE: "hd"}
_NIC_TYPES = {
    NicBackingKind.NETWORK: "network",
    NicBackingKind.BRIDGE: "bridge",
    NicBackingKind.OPEN_VSWITCH: "bridge",
    NicBackingKind.USER: "user",
    NicBackingKind.PCI_DEVICE: "hostdev",
    NicBackingKind.MACVTAP: "direct",
}
_SERIAL_LIMIT = 20
"""virtio-blk and IDE cut a serial number there, so that two long keys could look alike."""


@dataclass(frozen=True, kw_only=True)
class StoredDisk:
    """A disk that exists on the host: its spec, where it is, and how it is stored."""

    spec: DiskSpec
    path: str
    format: str


@dataclass(frozen=True, kw_only=True)
class AttachedDisk:
    """A disk in a domain's definition."""

    key: str | None
    """None: the driver did not make it."""
    target: str
    path: str | None
    boot_order: str | None
    format: str = ""


@dataclass(frozen=True, kw_only=True)
class DomainDescription:
    """What the driver reads from a domain's definition."""

    vm_uuid: UUID
    domain_name: str
    label: str
    mark: Mark | None
    disks: tuple[AttachedDisk, ...] = ()
    nic_keys: tuple[str, ...] = ()


def domain_xml(
    vm_uuid: UUID,
    spec: VmSpec,
    disks: tuple[StoredDisk, ...],
    host: Capabilities,
    mark: Mark,
    console: str | None,
) -> str:
    """The definition of a new domain.

    Args:
        vm_uuid: of the VM.
        spec: what it is to be.
        disks: the disks of the spec, as they were made.
        host: what the connection can do.
        mark: of the VM.
        console: file for the serial console's log; None if the host records none.
    """
    devices = _E.devices()
    if host.is_emulator:
        # Always there, so that a SCSI disk can be plugged in later.
        devices.append(_E.controller(type="scsi", index="0", model="virtio-scsi"))
    taken: set[str] = set()
    for disk in disks:
        devices.append(disk_xml(disk, host, taken, host.cdrom_bus))
    devices.extend(nic_xml(vm_uuid, nic, host) for nic in spec.nics)
    if console is not None:
        devices.append(serial_xml(console, host.console_address or None))
    devices.extend(screens_xml(host.description.console_kinds, host.console_address, host.video))
    devices.extend(device_settings_xml(spec.settings))
    domain = _E.domain(
        _E.name(domain_name(mark.owner, vm_uuid)),
        _E.uuid(str(vm_uuid)),
        _text("title", spec.name),
        _E.metadata(mark_element(mark)),
        _E.memory(str(spec.memory_bytes), unit="b"),
        _E.vcpu(str(spec.vcpus)),
        *memory_xml(spec.settings),
        *tuning_xml(spec.settings),
        *_platform(spec, host),
        devices,
        type=host.domain_type,
    )
    return _print(domain)


def disk_xml(
    disk: StoredDisk, host: Capabilities, taken: set[str], media_bus: DiskBus | None
) -> Any:
    """One disk's element; adds its device name to ``taken``."""
    is_media = isinstance(disk.spec.source, Media)
    bus = disk.spec.bus or (media_bus if is_media else None) or host.description.disk_buses[0]
    target = next_target(_TARGETS[bus], taken)
    taken.add(target)
    element = _E.disk(
        _E.driver(name="qemu", type=disk.format),
        _E.source(file=disk.path),
        _E.target(dev=target, bus=bus.value),
        type="file",
        device="cdrom" if is_media and bus is not DiskBus.VIRTIO else "disk",
    )
    if is_media:
        element.append(_E.readonly())
    if len(disk.spec.key) <= _SERIAL_LIMIT:
        element.append(_text("serial", disk.spec.key))
    if disk.spec.boot_index is not None:
        element.append(_E.boot(order=str(disk.spec.boot_index + 1)))
    element.append(_E.alias(name=device_alias("disk", disk.spec.key)))
    return element


def nic_xml(vm_uuid: UUID, nic: NicSpec, host: Capabilities) -> Any:
    """One NIC's element."""
    element = _E.interface(_E.mac(address=nic.mac), type=_NIC_TYPES[nic.backing.kind])
    element.extend(_plugged(nic))
    if nic.backing.kind is NicBackingKind.PCI_DEVICE:
        element.set("managed", "yes")
        element.append(_E.alias(name=device_alias("nic", nic.key)))
        return element
    if nic.backing.kind is not NicBackingKind.USER:
        # A name of our own, so that bulk statistics tell which NIC they are about.
        element.append(_E.target(dev=tap_name(vm_uuid, nic.key)))
    element.append(_E.model(type=(nic.model or host.description.nic_models[0]).value))
    if nic.mtu_bytes is not None:
        element.append(_E.mtu(size=str(nic.mtu_bytes)))
    if nic.queues is not None:
        element.append(_E.driver(queues=str(nic.queues)))
    if nic.limits is not None:
        element.append(_bandwidth(nic.limits))
    element.append(_E.alias(name=device_alias("nic", nic.key)))
    if host.is_emulator:
        # Nobody boots from the network here, and QEMU refuses to start where its boot ROMs are not
        # installed.
        element.append(_E.rom(enabled="no"))
    return element


def _plugged(nic: NicSpec) -> Iterator[Any]:
    """What the NIC is plugged into."""
    backing = nic.backing
    if backing.kind is NicBackingKind.PCI_DEVICE:
        yield _E.source(pci_address_xml(backing.name))
    elif backing.kind is not NicBackingKind.USER:
        source = _E.source()
        attribute = "dev" if backing.kind is NicBackingKind.MACVTAP else _NIC_TYPES[backing.kind]
        _set(source, attribute, backing.name)
        yield source
    if backing.kind is NicBackingKind.OPEN_VSWITCH:
        parameters = _E.parameters()
        _set(parameters, "interfaceid", backing.interface_id or nic.key)
        yield _E.virtualport(parameters, type="openvswitch")
    if backing.vlan_id is not None:
        yield _E.vlan(_E.tag(id=str(backing.vlan_id)))


def _bandwidth(limits: NicLimits) -> Any:
    element = _E.bandwidth()
    for tag, rate in (
        ("inbound", limits.received_bytes_per_second),
        ("outbound", limits.sent_bytes_per_second),
    ):
        if rate is not None:
            # libvirt counts in KiB; less than one would be no limit.
            etree.SubElement(element, tag, average=str(max(1, rate // 1024)))
    return element


def read_domain(text: str) -> DomainDescription:
    """Read a domain's definition as libvirt prints it."""
    domain = etree.fromstring(text)
    name = domain.findtext("name") or ""
    nics = (key_of_alias("nic", _alias(nic)) for nic in domain.iterfind("devices/interface"))
    return DomainDescription(
        vm_uuid=UUID(domain.findtext("uuid")),
        domain_name=name,
        label=domain.findtext("title") or name,
        mark=read_mark(domain.find("metadata")),
        disks=tuple(_read_disk(disk) for disk in domain.iterfind("devices/disk")),
        nic_keys=tuple(key for key in nics if key is not None),
    )


def _platform(spec: VmSpec, host: Capabilities) -> list[Any]:
    return [
        *os_xml(spec.settings, host),
        *cpu_xml(spec.settings, host),
        _E.clock(offset="utc"),
        _E.on_poweroff("destroy"),
        _E.on_reboot("restart"),
        _E.on_crash("destroy"),
    ]


def _read_disk(element: Any) -> AttachedDisk:
    source, target, boot = element.find("source"), element.find("target"), element.find("boot")
    driver = element.find("driver")
    return AttachedDisk(
        key=key_of_alias("disk", _alias(element)),
        target="" if target is None else target.get("dev", ""),
        path=None if source is None else source.get("file"),
        boot_order=None if boot is None else boot.get("order"),
        format="" if driver is None else driver.get("type", ""),
    )


def _alias(element: Any) -> str | None:
    alias = element.find("alias")
    return None if alias is None else alias.get("name")


def _text(tag: str, content: str) -> Any:
    element = etree.Element(tag)
    try:
        element.text = content
    except ValueError as error:
        raise InvalidRequest(f"{content!r} cannot be written as XML", field=tag) from error
    return element


def _set(element: Any, attribute: str, content: str) -> None:
    try:
        element.set(attribute, content)
    except ValueError as error:
        raise InvalidRequest(f"{content!r} cannot be written as XML", field=attribute) from error


def _print(element: Any) -> str:
    return etree.tostring(element, encoding="unicode")
