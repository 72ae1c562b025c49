"""Domain XML: builds libvirt's from contract values, and reads what libvirt says. Pure functions;
lxml escapes all text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from lxml import etree
from lxml.builder import ElementMaker
from nova_virt_interface.errors import InvalidRequest
from nova_virt_interface.values.disks import DiskBus, DiskSpec, Media
from nova_virt_interface.values.guest_settings import Firmware
from nova_virt_interface.values.nics import NicBackingKind, NicSpec
from nova_virt_interface.values.vm import VmSpec

from nova_virt_libvirt.capabilities import Capabilities
from nova_virt_libvirt.mark import Mark, mark_element, read_mark
from nova_virt_libvirt.names import device_alias, domain_name, key_of_alias, next_target, tap_name

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
        log = _E.source(path=console, append="off")
        devices.append(_E.serial(log, _E.target(port="0"), type="file"))
    domain = _E.domain(
        _E.name(domain_name(mark.owner, vm_uuid)),
        _E.uuid(str(vm_uuid)),
        _text("title", spec.name),
        _E.metadata(mark_element(mark)),
        _E.memory(str(spec.memory_bytes), unit="b"),
        _E.vcpu(str(spec.vcpus)),
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
    backing = nic.backing
    element = _E.interface(_E.mac(address=nic.mac), type=backing.kind.value)
    if backing.kind is not NicBackingKind.USER:
        source = etree.SubElement(element, "source")
        _set(source, backing.kind.value, backing.name)
        # A name of our own, so that bulk statistics tell which NIC they are about.
        element.append(_E.target(dev=tap_name(vm_uuid, nic.key)))
    element.append(_E.model(type=(nic.model or host.description.nic_models[0]).value))
    if nic.mtu_bytes is not None:
        element.append(_E.mtu(size=str(nic.mtu_bytes)))
    element.append(_E.alias(name=device_alias("nic", nic.key)))
    if host.is_emulator:
        # Nobody boots from the network here, and QEMU refuses to start where its boot ROMs are not
        # installed.
        element.append(_E.rom(enabled="no"))
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
    kind = _E.type("hvm", arch=host.description.cpu_architecture)
    if host.machine:
        kind.set("machine", host.machine)
    system = _E.os(kind)
    if spec.settings.firmware is Firmware.UEFI:
        system.set("firmware", "efi")
    parts = [system]
    if host.is_emulator and host.description.cpu_architecture == "x86_64":
        parts.append(_E.features(_E.acpi(), _E.apic()))
    if host.host_cpu:
        parts.append(_E.cpu(mode="host-model"))
    return [
        *parts,
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
