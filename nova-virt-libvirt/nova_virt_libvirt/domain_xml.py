"""The definition of a new domain, from contract values. Pure functions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from lxml import etree
from lxml.builder import ElementMaker
from nova_virt_interface.values.vm import VmSpec

from nova_virt_libvirt.buses_xml import media_bus, spare_ports_xml
from nova_virt_libvirt.capabilities import Capabilities
from nova_virt_libvirt.consoles_xml import screens_xml, serial_xml
from nova_virt_libvirt.disk_xml import StoredDisk, disk_xml
from nova_virt_libvirt.mark import Mark, mark_element
from nova_virt_libvirt.names import VmFiles, domain_name
from nova_virt_libvirt.nic_xml import nic_xml
from nova_virt_libvirt.settings_xml import (
    cpu_xml,
    device_settings_xml,
    machine_of,
    memory_xml,
    os_xml,
    tuning_xml,
)
from nova_virt_libvirt.xml_text import text_element

__all__ = ["domain_xml"]

_E = ElementMaker()


def domain_xml(
    vm_uuid: UUID,
    spec: VmSpec,
    disks: tuple[StoredDisk, ...],
    host: Capabilities,
    mark: Mark,
    files: VmFiles,
) -> str:
    """The definition of a new domain.

    Args:
        vm_uuid: of the VM.
        spec: what it is to be.
        disks: the disks of the spec, as they were made.
        host: what the connection can do.
        mark: of the VM.
        files: where it has what are no disks.
    """
    devices = _E.devices()
    if host.is_emulator:
        # Always there, so that a SCSI disk can be plugged in later.
        devices.append(_E.controller(type="scsi", index="0", model="virtio-scsi"))
    machine = machine_of(spec.settings, host)
    devices.extend(spare_ports_xml(machine))
    taken: set[str] = set()
    for disk in disks:
        devices.append(disk_xml(vm_uuid, disk, host, taken, media_bus(machine)))
    devices.extend(nic_xml(vm_uuid, nic, host) for nic in spec.nics)
    if files.console is not None:
        devices.append(serial_xml(files.console, host.console_address or None))
    devices.extend(screens_xml(host.description.console_kinds, host.console_address, host.video))
    devices.extend(device_settings_xml(vm_uuid, spec.settings))
    domain = _E.domain(
        _E.name(domain_name(mark.owner, vm_uuid)),
        _E.uuid(str(vm_uuid)),
        text_element("title", spec.name),
        _E.metadata(mark_element(mark)),
        _E.memory(str(spec.memory_bytes), unit="b"),
        _E.vcpu(str(spec.vcpus)),
        *memory_xml(spec.settings),
        *tuning_xml(spec.settings),
        *_platform(spec, host, files),
        devices,
        type=host.domain_type,
    )
    return etree.tostring(domain, encoding="unicode")


def _platform(spec: VmSpec, host: Capabilities, files: VmFiles) -> list[Any]:
    return [
        *os_xml(spec.settings, host, files.variables),
        *cpu_xml(spec.settings, host),
        _E.clock(offset="utc"),
        _E.on_poweroff("destroy"),
        _E.on_reboot("restart"),
        _E.on_crash("destroy"),
    ]
