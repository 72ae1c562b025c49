"""Disks as elements of domain XML. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from lxml.builder import E
from nova_virt_interface.values.disks import DiskBus, DiskSpec, Media
from nova_virt_interface.values.volumes import Volume

from nova_virt_libvirt.capabilities import Capabilities
from nova_virt_libvirt.names import device_alias, next_target
from nova_virt_libvirt.volume_xml import (
    VolumeSource,
    encryption_xml,
    limits_xml,
    volume_source,
)
from nova_virt_libvirt.xml_text import text_element

__all__ = ["StoredDisk", "disk_xml"]

_TARGETS = {DiskBus.VIRTIO: "vd", DiskBus.SCSI: "sd", DiskBus.SATA: "sd", DiskBus.IDE: "hd"}
_SERIAL_LIMIT = 20
"""virtio-blk and IDE cut a serial number there, so that two long keys could look alike."""


@dataclass(frozen=True, kw_only=True)
class StoredDisk:
    """A disk that exists on the host: its spec, where it is, and how it is stored."""

    spec: DiskSpec
    path: str
    format: str


def disk_xml(
    vm_uuid: UUID,
    disk: StoredDisk,
    host: Capabilities,
    taken: set[str],
    media_bus: DiskBus | None,
) -> Any:
    """One disk's element; adds its device name to ``taken``."""
    is_media = isinstance(disk.spec.source, Media)
    bus = disk.spec.bus or (media_bus if is_media else None) or host.description.disk_buses[0]
    target = next_target(_TARGETS[bus], taken)
    taken.add(target)
    source = _source(vm_uuid, disk, host)
    element = E.disk(
        E.driver(name="qemu", type=source.format),
        source.element,
        E.target(dev=target, bus=bus.value),
        type=source.type,
        device="cdrom" if is_media and bus is not DiskBus.VIRTIO else "disk",
    )
    volume = disk.spec.source if isinstance(disk.spec.source, Volume) else None
    if is_media or (volume is not None and volume.read_only):
        element.append(E.readonly())
    if volume is not None and volume.shared:
        element.append(E.shareable())
    if disk.spec.limits is not None:
        element.append(limits_xml(disk.spec.limits))
    if disk.spec.serial is not None:
        element.append(text_element("serial", disk.spec.serial))
    elif len(disk.spec.key) <= _SERIAL_LIMIT:
        element.append(text_element("serial", disk.spec.key))
    if disk.spec.boot_index is not None:
        element.append(E.boot(order=str(disk.spec.boot_index + 1)))
    element.append(E.alias(name=device_alias("disk", disk.spec.key)))
    return element


def _source(vm_uuid: UUID, disk: StoredDisk, host: Capabilities) -> VolumeSource:
    spec = disk.spec
    if isinstance(spec.source, Volume):
        return volume_source(vm_uuid, spec.key, spec.source, host.initiator_iqn)
    element = E.source(file=disk.path)
    if spec.encryption is not None:
        element.append(encryption_xml(vm_uuid, spec.key, spec.encryption))
    return VolumeSource(type="file", element=element, format=disk.format)
