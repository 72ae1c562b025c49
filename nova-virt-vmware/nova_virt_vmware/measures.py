"""Pure functions: what vSphere measures of VMs and hosts, as contract values.

``quickStats`` are what the host measured last, over some 20 seconds; vSphere has no sums since the
start of processor time, disk and network traffic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from nova_virt_interface.values.devices import DeviceBus, DeviceMetadata
from nova_virt_interface.values.host import HostStatus
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.vm import DiskStatistics, NicStatistics, VmStatistics
from pyVmomi import vim

from nova_virt_vmware import devices
from nova_virt_vmware.devices import Slot
from nova_virt_vmware.translate import IDENTITY_PATHS, MIB, POWER_PATHS, power_state

__all__ = [
    "HOST_STATUS_PATHS",
    "STATISTICS_PATHS",
    "device_metadata",
    "device_statistics",
    "host_status",
    "vm_statistics",
]

_QUICK = "summary.quickStats."
STATISTICS_PATHS = [
    *IDENTITY_PATHS,
    *POWER_PATHS,
    "config.hardware.numCPU",
    "config.hardware.memoryMB",
    f"{_QUICK}hostMemoryUsage",
    f"{_QUICK}overallCpuUsage",
    f"{_QUICK}uptimeSeconds",
    "runtime.maxCpuUsage",
]
HOST_STATUS_PATHS = [
    f"{_QUICK}uptime",
    f"{_QUICK}overallCpuUsage",
    "hardware.cpuInfo.hz",
    "hardware.cpuInfo.numCpuCores",
    "runtime.connectionState",
]
_MHZ = 1_000_000


def vm_statistics(facts: Mapping[str, Any], vm_uuid: UUID) -> VmStatistics:
    """What a VM uses, from `STATISTICS_PATHS`. Of one that does not run nothing is measured."""
    state = power_state(facts)
    memory = facts.get("config.hardware.memoryMB")
    measured = facts if state is PowerState.RUNNING else {}
    used = measured.get(f"{_QUICK}hostMemoryUsage")
    return VmStatistics(
        vm_uuid=vm_uuid,
        power_state=state,
        vcpus=facts.get("config.hardware.numCPU"),
        cpu_load=_share(measured.get(f"{_QUICK}overallCpuUsage"), facts.get("runtime.maxCpuUsage")),
        uptime_seconds=measured.get(f"{_QUICK}uptimeSeconds"),
        memory_bytes=None if memory is None else memory * MIB,
        memory_used_bytes=None if used is None else used * MIB,
    )


def _share(used: float | None, all_there_is: float | None) -> float | None:
    if used is None or not all_there_is:
        return None
    return min(1.0, max(0.0, used / all_there_is))


def device_statistics(
    slots: Mapping[str, Slot], nics: Sequence[str], hardware: Sequence[Any]
) -> tuple[tuple[DiskStatistics, ...], tuple[NicStatistics, ...]]:
    """What is known of single devices: sizes of disks.

    Args:
        slots: key of a disk or medium → where it is.
        nics: keys of NICs.
        hardware: the VM's devices.
    """
    disks = {key: devices.at_slot(hardware, slot) for key, slot in slots.items()}
    return (
        tuple(
            DiskStatistics(key=key, size_bytes=disk.capacityInBytes)
            for key, disk in disks.items()
            if isinstance(disk, vim.vm.device.VirtualDisk)
        ),
        tuple(NicStatistics(key=key) for key in nics),
    )


def device_metadata(
    slots: Mapping[str, Slot], hardware: Sequence[Any]
) -> tuple[DeviceMetadata, ...]:
    """Where a guest finds its SCSI disks: bus of the controller, channel, target, logical unit.

    Addresses on PCI, of NICs too, are the virtual machine monitor's choice at each start.
    """
    buses = devices.bus_numbers(hardware)
    return tuple(
        DeviceMetadata(key=key, bus=DeviceBus.SCSI, address=f"{buses[slot.bus]}:0:{slot.unit}:0")
        for key, slot in slots.items()
        if slot.bus in devices.SCSI_BUSES and slot.bus in buses
    )


def host_status(hosts: Sequence[Mapping[str, Any]]) -> HostStatus:
    """How the hosts do together, from `HOST_STATUS_PATHS`: an uptime and a frequency only where
    they are the same for all, so that those of one host are its own.
    """
    up = [facts for facts in hosts if str(facts.get("runtime.connectionState")) == "connected"]
    capacity = [
        facts["hardware.cpuInfo.hz"] * facts["hardware.cpuInfo.numCpuCores"] / _MHZ for facts in up
    ]
    used = [facts.get(f"{_QUICK}overallCpuUsage") for facts in up]
    load = None
    if up and None not in used:
        load = _share(sum(usage or 0 for usage in used), sum(capacity))
    return HostStatus(
        uptime_seconds=up[0].get(f"{_QUICK}uptime") if len(hosts) == len(up) == 1 else None,
        cpu_load=load,
        cpu_frequency_hz=_same([facts["hardware.cpuInfo.hz"] for facts in up]),
    )


def _same(values: Sequence[int]) -> int | None:
    return values[0] if values and len(set(values)) == 1 and values[0] else None
