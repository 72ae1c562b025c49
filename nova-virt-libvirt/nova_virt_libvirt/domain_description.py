"""What the driver reads from a domain's definition as libvirt prints it. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from lxml import etree
from nova_virt_interface.errors import NotFound, Resource
from nova_virt_interface.values.secrets import SecretPurpose

from nova_virt_libvirt.mark import Mark, read_mark
from nova_virt_libvirt.names import disk_key, key_of_alias
from nova_virt_libvirt.volume_xml import source_place

__all__ = ["AttachedDisk", "DomainDescription", "read_domain"]


@dataclass(frozen=True, kw_only=True)
class AttachedDisk:
    """A disk in a domain's definition."""

    key: str | None
    """None: the driver did not make it."""
    target: str
    path: str | None
    boot_order: str | None
    needs: tuple[SecretPurpose, ...] = ()
    """The secrets without which it cannot be used."""
    is_media: bool = False
    is_file: bool = False
    format: str = ""

    @property
    def is_volume(self) -> bool:
        """Whether it is none of the driver's own storage."""
        return self.path is None or disk_key(self.path) != self.key


@dataclass(frozen=True, kw_only=True)
class DomainDescription:
    """What the driver reads from a domain's definition."""

    vm_uuid: UUID
    domain_name: str
    label: str
    mark: Mark | None
    disks: tuple[AttachedDisk, ...] = ()
    nic_keys: tuple[str, ...] = ()
    machine: str = ""
    variables: str = ""
    """The file of its UEFI's; empty: it has no UEFI."""
    tpm_key: str | None = None

    def disk(self, key: str) -> AttachedDisk:
        """One of its disks; raises NotFound."""
        for disk in self.disks:
            if disk.key == key:
                return disk
        raise NotFound(f"VM {self.vm_uuid} has no disk {key}", resource=Resource.DISK, name=key)

    @property
    def needs(self) -> tuple[tuple[str, SecretPurpose], ...]:
        """Key and purpose of each secret without which it does not start."""
        of_disks = ((d.key, purpose) for d in self.disks for purpose in d.needs if d.key)
        of_tpm = ((self.tpm_key, SecretPurpose.TPM),) if self.tpm_key is not None else ()
        return (*of_disks, *of_tpm)


def read_domain(text: str) -> DomainDescription:
    """Read a domain's definition as libvirt prints it."""
    domain = etree.fromstring(text)
    name = domain.findtext("name") or ""
    nics = (key_of_alias("nic", _alias(nic)) for nic in domain.iterfind("devices/interface"))
    kind, tpm = domain.find("os/type"), domain.find("devices/tpm")
    return DomainDescription(
        vm_uuid=UUID(domain.findtext("uuid")),
        domain_name=name,
        label=domain.findtext("title") or name,
        mark=read_mark(domain.find("metadata")),
        disks=tuple(_read_disk(disk) for disk in domain.iterfind("devices/disk")),
        nic_keys=tuple(key for key in nics if key is not None),
        machine="" if kind is None else kind.get("machine", ""),
        variables=domain.findtext("os/nvram") or "",
        tpm_key=None if tpm is None else key_of_alias("tpm", _alias(tpm)),
    )


def _read_disk(element: Any) -> AttachedDisk:
    source, target, boot = element.find("source"), element.find("target"), element.find("boot")
    needs, place = ((), None) if source is None else source_place(source)
    is_local = place is not None and disk_key(place) is not None
    driver = element.find("driver")
    return AttachedDisk(
        key=key_of_alias("disk", _alias(element)),
        target="" if target is None else target.get("dev", ""),
        path=place,
        boot_order=None if boot is None else boot.get("order"),
        needs=needs,
        is_media=element.find("readonly") is not None and is_local,
        is_file=element.get("type") == "file",
        format="" if driver is None else driver.get("type", ""),
    )


def _alias(element: Any) -> str | None:
    alias = element.find("alias")
    return None if alias is None else alias.get("name")
