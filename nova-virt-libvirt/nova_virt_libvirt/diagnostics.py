"""One VM: what it uses, and where its guest finds its devices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from lxml import etree
from nova_virt_interface.values.devices import DeviceBus, DeviceMetadata
from nova_virt_interface.values.vm import DiskStatistics, VmStatistics

from nova_virt_libvirt.census import Census
from nova_virt_libvirt.domains import Domains, domain_state
from nova_virt_libvirt.inventory import ALL_STATISTICS
from nova_virt_libvirt.names import disk_key, key_of_alias
from nova_virt_libvirt.session import Session
from nova_virt_libvirt.translate import vm_statistics

__all__ = ["Diagnostics", "device_metadata"]

_PARTS = {
    DeviceBus.SCSI: ("controller", "bus", "target", "unit"),
    DeviceBus.IDE: ("bus", "unit"),
    DeviceBus.SATA: ("controller", "unit"),
}
_BUSES = {"scsi": DeviceBus.SCSI, "ide": DeviceBus.IDE, "sata": DeviceBus.SATA}


class Diagnostics:
    """Looks at single VMs of one backend."""

    def __init__(self, session: Session, domains: Domains, census: Census) -> None:
        self._session = session
        self._domains = domains
        self._census = census

    def vm_statistics(self, vm_uuid: UUID) -> VmStatistics:
        """See `IVmDiagnostics.vm_statistics`."""
        with self._session.use(about=f"VM {vm_uuid}") as connection:
            domain = self._domains.ours(connection, vm_uuid)[0]
            [(_, row)] = connection.domainListGetStats([domain], ALL_STATISTICS)
            entry = self._census.entry(domain)
            keys = entry.nic_keys if entry is not None else {}
            found = vm_statistics(vm_uuid, domain_state(domain), row, keys)
            sizes = _sizes(row)
            disks = tuple(_with_sizes(disk, sizes) for disk in found.disks)
            return replace(found, vcpu_times_ns=_vcpu_times(row), disks=disks)

    def device_metadata(self, vm_uuid: UUID) -> tuple[DeviceMetadata, ...]:
        """See `IDeviceMetadata.device_metadata`."""
        with self._session.use(about=f"VM {vm_uuid}") as connection:
            domain = self._domains.ours(connection, vm_uuid)[0]
            # The definition of what runs; of a domain that is off, where its devices will be.
            return device_metadata(domain.XMLDesc(0))


def device_metadata(text: str) -> tuple[DeviceMetadata, ...]:
    """Read the places of disks and NICs in a definition as libvirt prints it."""
    domain = etree.fromstring(text)
    found = [_device(element, "disk") for element in domain.iterfind("devices/disk")]
    found += [_device(element, "nic") for element in domain.iterfind("devices/interface")]
    return tuple(device for device in found if device is not None)


def _device(element: Any, kind: str) -> DeviceMetadata | None:
    alias, address, mac = (element.find(tag) for tag in ("alias", "address", "mac"))
    key = None if alias is None else key_of_alias(kind, alias.get("name"))
    place = None if address is None else _place(element, address)
    if key is None or place is None:
        return None
    return DeviceMetadata(
        key=key,
        bus=place[0],
        address=place[1],
        serial=element.findtext("serial"),
        mac=None if mac is None else mac.get("address"),
    )


def _place(element: Any, address: Any) -> tuple[DeviceBus, str] | None:
    if address.get("type") == "pci":
        domain, bus, slot, function = (
            int(address.get(part), 16) for part in ("domain", "bus", "slot", "function")
        )
        return DeviceBus.PCI, f"{domain:04x}:{bus:02x}:{slot:02x}.{function}"
    if address.get("type") == "drive":
        on = _BUSES.get(element.find("target").get("bus"))
        return on and (on, ":".join(address.get(part) for part in _PARTS[on]))
    return None


def _vcpu_times(row: dict[str, Any]) -> tuple[int, ...]:
    numbers = range(row.get("vcpu.maximum", 0))
    times = [row.get(f"vcpu.{number}.time") for number in numbers]
    return tuple(time for time in times if time is not None)


def _sizes(row: dict[str, Any]) -> dict[str | None, tuple[int | None, int | None]]:
    places = [f"block.{number}." for number in range(row.get("block.count", 0))]
    return {
        disk_key(row.get(place + "path", "")): (
            row.get(place + "capacity"),
            row.get(place + "physical"),
        )
        for place in places
    }


def _with_sizes(
    disk: DiskStatistics, sizes: dict[str | None, tuple[int | None, int | None]]
) -> DiskStatistics:
    size, stored = sizes.get(disk.key, (None, None))
    return replace(disk, size_bytes=size, stored_bytes=stored)
