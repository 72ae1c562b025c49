"""Volumes as sources of libvirt's disks, and how their secrets are named. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from lxml.builder import E
from nova_virt_interface.values.disks import DiskLimits
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.secrets import SecretPurpose
from nova_virt_interface.values.volumes import (
    BlockDeviceVolume,
    Encryption,
    FileVolume,
    IscsiVolume,
    NbdVolume,
    Volume,
)

from nova_virt_libvirt.xml_text import set_attribute

__all__ = [
    "VolumeSource",
    "encryption_xml",
    "limits_xml",
    "secret_uuid",
    "source_place",
    "volume_source",
]

_PURPOSES = {
    "encryption": SecretPurpose.ENCRYPTION,
    "auth": SecretPurpose.AUTHENTICATION,
}


@dataclass(frozen=True, kw_only=True)
class VolumeSource:
    """What a disk's element has of a volume."""

    type: str
    element: Any
    format: str = DiskFormat.RAW.value


def volume_source(vm_uuid: UUID, key: str, volume: Volume, initiator_iqn: str) -> VolumeSource:
    """The source of the disk ``key`` that is a volume."""
    source = _place(volume, initiator_iqn)
    connection = volume.connection
    if isinstance(connection, IscsiVolume) and connection.user is not None:
        secret = secret_uuid(vm_uuid, key, SecretPurpose.AUTHENTICATION)
        auth = E.auth(E.secret(type="iscsi", uuid=str(secret)))
        set_attribute(auth, "username", connection.user.name)
        source.element.append(auth)
    if volume.encryption is not None:
        source.element.append(encryption_xml(vm_uuid, key, volume.encryption))
    return source


def _place(volume: Volume, initiator_iqn: str) -> VolumeSource:
    connection = volume.connection
    element = E.source()
    match connection:
        case FileVolume():
            set_attribute(element, "file", connection.path)
            return VolumeSource(type="file", element=element, format=connection.format.value)
        case BlockDeviceVolume():
            set_attribute(element, "dev", connection.path)
            return VolumeSource(type="block", element=element)
        case NbdVolume():
            element.set("protocol", "nbd")
            if connection.export:
                set_attribute(element, "name", connection.export)
            element.append(_host(connection.host, str(connection.port)))
            return VolumeSource(type="network", element=element)
        case IscsiVolume():
            # QEMU's initiator knows one way to a target.
            host, _, port = connection.portals[0].rpartition(":")
            element.set("protocol", "iscsi")
            set_attribute(element, "name", f"{connection.target_iqn}/{connection.lun}")
            element.append(_host(host.strip("[]"), port))
            element.append(E.initiator(E.iqn(name=initiator_iqn)))
            return VolumeSource(type="network", element=element)
    raise TypeError(f"{type(connection).__name__} was not refused")


def encryption_xml(vm_uuid: UUID, key: str, encryption: Encryption) -> Any:
    """That a disk is encrypted, and which secret opens it."""
    secret = secret_uuid(vm_uuid, key, SecretPurpose.ENCRYPTION)
    return E.encryption(
        E.secret(type="passphrase", uuid=str(secret)), format=encryption.format.value
    )


def limits_xml(limits: DiskLimits) -> Any:
    """What a disk may do."""
    element = E.iotune()
    for tag, limit in (
        ("total_bytes_sec", limits.bytes_per_second),
        ("total_iops_sec", limits.requests_per_second),
    ):
        if limit is not None:
            element.append(E(tag, str(limit)))
    return element


def secret_uuid(vm_uuid: UUID, key: str, purpose: SecretPurpose) -> UUID:
    """The name of a device's secret in libvirt."""
    return uuid5(vm_uuid, f"{key}/{purpose.value}")


def source_place(source: Any) -> tuple[tuple[SecretPurpose, ...], str]:
    """Of a ``<source>`` as libvirt prints it: which secrets it needs, and where it is, the same for
    the same volume.
    """
    needs = tuple(purpose for tag, purpose in _PURPOSES.items() if source.find(tag) is not None)
    path = source.get("file") or source.get("dev")
    if path is not None:
        return needs, path
    host = source.find("host")
    server = "" if host is None else f"{host.get('name')}:{host.get('port')}"
    return needs, f"{source.get('protocol')}://{server}/{source.get('name') or ''}"


def _host(name: str, port: str) -> Any:
    element = E.host(port=port)
    set_attribute(element, "name", name)
    return element
