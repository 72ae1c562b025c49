"""The operating system of the simulated host: its clock, drive, processors, counters and power.

https://learn.microsoft.com/windows/win32/cimwin32prov/win32-operatingsystem
https://learn.microsoft.com/windows/win32/cimwin32prov/win32-logicaldisk
https://learn.microsoft.com/windows/win32/cimwin32prov/win32shutdown-method-in-class-win32-operatingsystem
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from nova_virt_hyperv.testing.simulator.host import CIMV2, VERSION, Host
from nova_virt_hyperv.testing.simulator.machines import (
    PAUSED,
    RUNNING,
    Machine,
    Machines,
)
from nova_virt_hyperv.testing.simulator.model import Outcome, Refused, Row, WsFault

__all__ = ["Windows", "hardware"]

_MIB = 1024 * 1024
_KIB_PER_MIB = 1024
_TICKS_PER_SECOND = 10_000_000
# How a logical processor of this host spends its time, in percent.
_GUESTS, _HYPERVISOR, _IDLE = 20, 5, 75
_MEGAHERTZ = 2400
_WMI_READ_ONLY = 0x80041023
_ORDERS = {12: "shut-down", 6: "reboot"}


class Windows:
    """What Win32_ classes tell, and the host's own power."""

    def __init__(self, host: Host, machines: Machines) -> None:
        self._host = host
        self._machines = machines
        self.orders: list[str] = []
        self._volume_name = ""
        host.add_source(self._system, CIMV2)
        host.add_source(self._counters, CIMV2)
        host.handlers[("Win32_OperatingSystem", "Win32Shutdown")] = self._shut_down
        host.writers["Win32_LogicalDisk"] = self._label

    def _label(self, disk: Row, wanted: Row) -> None:
        """Give the drive a label: all else that it has is for reading alone, and sent as it is."""
        changed = {n for n, value in wanted.values.items() if value not in (None, disk[n])}
        # What is free is another number a moment later.
        if changed - {"VolumeName", "FreeSpace"}:
            text = "The property is read-only"
            raise WsFault("w:InternalError", _WMI_READ_ONLY, text, is_wmi=True)
        self._volume_name = wanted["VolumeName"] or self._volume_name

    def ticks(self) -> int:
        """Time since the host was started, in units of 100 ns."""
        return int((datetime.now(UTC) - self._host.booted_at).total_seconds() * _TICKS_PER_SECOND)

    def idle_ns(self) -> int:
        """How long all processors together have been idle."""
        return self.ticks() * _IDLE // 100 * 100 * self._host.configuration.processors

    def _shut_down(self, host: Host, system: Row, given: dict[str, Any]) -> Outcome:
        order = _ORDERS.get(given.get("Flags", -1))
        if order is None:
            raise Refused(87, f"Flags {given.get('Flags')} are not simulated")
        # The tests go on with this host: that it would go off is only noted.
        self.orders.append(order)
        return Outcome(0)

    def _system(self) -> Iterator[Row]:
        given, make = self._host.configuration, self._host.make
        yield make(
            "Win32_ComputerSystem",
            Name=given.name,
            DNSHostName=given.name.lower(),
            Domain="WORKGROUP",
            PartOfDomain=False,
            Manufacturer="nova-virt, a simulator",
            NumberOfLogicalProcessors=given.processors,
            NumberOfProcessors=1,
            TotalPhysicalMemory=given.memory_mib * _MIB,
            HypervisorPresent=True,
            SystemType="x64-based PC",
        )
        yield make(
            "Win32_OperatingSystem",
            Name="Microsoft Windows Server 2022 Datacenter",
            Caption="Microsoft Windows Server 2022 Datacenter",
            CSName=given.name,
            Version=VERSION,
            BuildNumber=VERSION.rpartition(".")[2],
            OSArchitecture="64-bit",
            TotalVisibleMemorySize=given.memory_mib * _KIB_PER_MIB,
            FreePhysicalMemory=self._machines.free_memory_mib() * _KIB_PER_MIB,
            LastBootUpTime=self._host.booted_at,
            LocalDateTime=datetime.now(UTC),
        )
        yield make(
            "Win32_LogicalDisk",
            DeviceID="C:",
            Name="C:",
            DriveType=3,
            FileSystem="NTFS",
            Size=given.storage_bytes,
            FreeSpace=self._host.free_storage_bytes(),
            VolumeName=self._volume_name,
        )
        yield make(
            "Win32_Processor",
            DeviceID="CPU0",
            Name="Simulated Processor @ 2.40GHz",
            Manufacturer="GenuineIntel",
            NumberOfCores=given.processors // 2,
            NumberOfLogicalProcessors=given.processors,
            MaxClockSpeed=_MEGAHERTZ,
            CurrentClockSpeed=_MEGAHERTZ,
            SocketDesignation="CPU 0",
        )

    def _counters(self) -> Iterator[Row]:
        processors = self._host.configuration.processors
        name = "HvStats_HyperVHypervisorLogicalProcessor"
        for number in ("_Total", *(f"Hv LP {n}" for n in range(processors))):
            for kind, scale in (("Raw", self.ticks()), ("Formatted", 100)):
                yield self._host.make(
                    f"Win32_Perf{kind}Data_{name}",
                    Name=number,
                    PercentGuestRunTime=_GUESTS * scale // 100,
                    PercentHypervisorRunTime=_HYPERVISOR * scale // 100,
                    PercentIdleTime=_IDLE * scale // 100,
                    PercentTotalRunTime=(_GUESTS + _HYPERVISOR) * scale // 100,
                )
        for machine in self._machines.by_guid.values():
            if machine.state in (RUNNING, PAUSED):
                yield from self._device_counters(machine)

    def _device_counters(self, machine: Machine) -> Iterator[Row]:
        uptime = machine.uptime_ms()
        for row in machine.resources:
            if row["ResourceSubType"] == "Microsoft:Hyper-V:Virtual Hard Disk":
                yield self._host.make(
                    "Win32_PerfRawData_Counters_HyperVVirtualStorageDevice",
                    Name=str(row["HostResource"][0]).replace("\\", "-"),
                    ErrorCount=0,
                    QueueLength=0,
                    ReadBytesPersec=512 * uptime,
                    ReadOperationsPerSec=uptime,
                    WriteBytesPersec=1024 * uptime,
                    WriteOperationsPerSec=2 * uptime,
                )
            elif row["ResourceSubType"] == "Microsoft:Hyper-V:Synthetic Ethernet Port":
                port = str(row["InstanceID"]).rpartition("\\")[2]
                yield self._host.make(
                    "Win32_PerfRawData_NvspNicStats_HyperVVirtualNetworkAdapter",
                    Name=f"{row['ElementName']}_{machine.guid}--{port}",
                    BytesReceivedPersec=64 * uptime,
                    BytesSentPersec=128 * uptime,
                    DroppedPacketsIncomingPersec=0,
                    DroppedPacketsOutgoingPersec=0,
                    PacketsReceivedPersec=uptime,
                    PacketsSentPersec=2 * uptime,
                )


def hardware(host: Host) -> None:
    """The host's NUMA nodes, with their processors and memory."""
    given = host.configuration
    for node in range(given.numa_nodes):
        cpus = range(given.processors)[node :: given.numa_nodes]
        cell = host.make(
            "Msvm_NumaNode",
            InstanceID=f"Microsoft:PhysicalNode\\{node}",
            ElementName=f"NUMA Node {node}",
            NodeID=f"Microsoft:PhysicalNode\\{node}",
            NumberOfLogicalProcessors=len(cpus),
        )
        memory = host.make(
            "Msvm_Memory",
            SystemName=given.name,
            DeviceID=f"Microsoft:{given.name}\\{node}",
            NumberOfBlocks=given.memory_mib // given.numa_nodes,
        )
        parts = [
            host.make(
                "Msvm_Processor",
                SystemName=given.name,
                DeviceID=f"Microsoft:{given.name}\\{n}",
            )
            for n in cpus
        ]
        for row in (cell, memory, *parts):
            host.keep(row)
        for row in (memory, *parts):
            host.keep(host.make("Msvm_HostedDependency", Antecedent=row.ref, Dependent=cell.ref))
