"""More about one VM: its counters, and where its guest finds its devices."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from nova_virt_interface.errors import NotFound
from nova_virt_interface.values.devices import DeviceBus, DeviceMetadata
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.vm import DiskStatistics, NicStatistics, VmStatistics

from nova_virt_hyperv.cim import CIMV2, Instance, select, wql_text
from nova_virt_hyperv.disk_store import DiskStore
from nova_virt_hyperv.drives import Drives
from nova_virt_hyperv.inventory import statistics_of
from nova_virt_hyperv.machines import Machine, Machines
from nova_virt_hyperv.nics import Nics
from nova_virt_hyperv.slots import SCSI
from nova_virt_hyperv.wmi import Wmi

__all__ = ["Diagnostics"]

# Named by the path of the disk's file with hyphens for backslashes.
_DISK_COUNTERS = "Win32_PerfRawData_Counters_HyperVVirtualStorageDevice"
# Named by, at the end, the GUIDs of the VM and of its adapter.
_NIC_COUNTERS = "Win32_PerfRawData_NvspNicStats_HyperVVirtualNetworkAdapter"


class Diagnostics:
    """The VMs of one host, looked at one by one."""

    def __init__(
        self, wmi: Wmi, machines: Machines, drives: Drives, store: DiskStore, nics: Nics
    ) -> None:
        self._wmi = wmi
        self._machines = machines
        self._drives = drives
        self._store = store
        self._nics = nics

    def vm_statistics(self, vm_uuid: UUID) -> VmStatistics:
        """See `IVmDiagnostics.vm_statistics`."""
        return self._machines.on(vm_uuid, lambda vm: self._measure(vm, vm_uuid), reads=True)

    def device_metadata(self, vm_uuid: UUID) -> tuple[DeviceMetadata, ...]:
        """See `IDeviceMetadata.device_metadata`."""
        machine = self._machines.ours(vm_uuid)
        disks = [
            DeviceMetadata(key=found.key, bus=bus, address=address)
            for found in self._drives.find(machine, vm_uuid)
            for bus, address in [_place(found.controller, found.slot)]
        ]
        cards = [
            DeviceMetadata(key=key, bus=DeviceBus.VMBUS, address=guid.lower(), mac=mac)
            for key, guid, mac in self._nics.ports(machine, vm_uuid)
        ]
        return (*disks, *cards)

    def _measure(self, machine: Machine, vm_uuid: UUID) -> VmStatistics:
        found = statistics_of(self._machines.entry(machine, vm_uuid))
        executes = found.power_state in (PowerState.RUNNING, PowerState.PAUSED)
        disks = self._counters(_DISK_COUNTERS, f"%{vm_uuid}.%") if executes else ()
        cards = self._counters(_NIC_COUNTERS, f"%{machine.guid}%") if executes else ()
        by_key = {_key_of(row.text("Name"), vm_uuid): row for row in disks}
        return replace(
            found,
            disks=tuple(
                replace(
                    _disk(by_key.get(key)),
                    key=key,
                    size_bytes=size,
                    stored_bytes=stored,
                )
                for key, size, stored in self._store.sizes(vm_uuid)
            ),
            nics=tuple(
                _nic(key, row)
                for key, guid, _ in (self._nics.ports(machine, vm_uuid) if cards else ())
                for row in cards
                if guid.lower() in row.text("Name").lower()
            ),
        )

    def _counters(self, class_name: str, pattern: str) -> Sequence[Instance]:
        try:
            return self._wmi.query(select(class_name, f"Name LIKE {wql_text(pattern)}"), CIMV2)
        except NotFound:
            # Performance counters can be turned off: then the host has no such class.
            return ()


def _place(controller: Instance, slot: int) -> tuple[DeviceBus, str]:
    """Where a guest finds the disk of a slot: a SCSI slot is a logical unit of target 0."""
    if controller.text("ResourceSubType") == SCSI:
        return DeviceBus.SCSI, f"0:0:0:{slot}"
    return DeviceBus.IDE, f"{controller.text('Address') or 0}:{slot}"


def _key_of(name: str, vm_uuid: UUID) -> str:
    match = re.search(rf"{vm_uuid}\.([a-z0-9-]+)\.", name.lower())
    return match[1] if match else ""


def _disk(row: Instance | None) -> DiskStatistics:
    if row is None:
        return DiskStatistics(key="")
    return DiskStatistics(
        key="",
        read_bytes=row.number("ReadBytesPersec"),
        read_requests=row.number("ReadOperationsPerSec"),
        write_bytes=row.number("WriteBytesPersec"),
        write_requests=row.number("WriteOperationsPerSec"),
        errors=row.number("ErrorCount"),
    )


def _nic(key: str, row: Instance) -> NicStatistics:
    # Raw counters "per second" are sums; the rate is what somebody makes of two of them.
    return NicStatistics(
        key=key,
        received_bytes=row.number("BytesReceivedPersec"),
        received_packets=row.number("PacketsReceivedPersec"),
        received_dropped=row.number("DroppedPacketsIncomingPersec"),
        sent_bytes=row.number("BytesSentPersec"),
        sent_packets=row.number("PacketsSentPersec"),
        sent_dropped=row.number("DroppedPacketsOutgoingPersec"),
    )
