"""The rows of the simulated host that are not about VMs, and the jobs' own method."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from nova_virt_hyperv.testing.simulator.disk_images import DiskImages
from nova_virt_hyperv.testing.simulator.host import Configuration, Host
from nova_virt_hyperv.testing.simulator.machines import Machines
from nova_virt_hyperv.testing.simulator.model import Outcome, Refused, Row
from nova_virt_hyperv.testing.simulator.power import Power
from nova_virt_hyperv.testing.simulator.resources import Resources
from nova_virt_hyperv.testing.simulator.summary import Summary

__all__ = ["Simulated", "simulate"]

_MIB = 1024 * 1024
_KIB_PER_MIB = 1024
_TERMINATE, _KILL = 4, 5


class Simulated:
    """A whole host."""

    def __init__(self, configuration: Configuration) -> None:
        self.host = Host(configuration)
        self.machines = Machines(self.host)
        self.power = Power(self.host, self.machines)
        Resources(self.host, self.machines)
        Summary(self.host, self.machines)
        DiskImages(self.host, self.machines)
        for name in configuration.switches:
            guid = str(uuid5(NAMESPACE_DNS, name)).upper()
            self.host.keep(
                self.host.make("Msvm_VirtualEthernetSwitch", Name=guid, ElementName=name)
            )
        for job in ("Msvm_ConcreteJob", "Msvm_StorageJob"):
            self.host.handlers[(job, "RequestStateChange")] = _end_job
        self.host.sources.append(lambda _: self._windows())

    def _windows(self) -> list[Row]:
        given = self.host.configuration
        free_kib = self.machines.free_memory_mib() * _KIB_PER_MIB
        return [
            self.host.make(
                "Win32_ComputerSystem",
                Name=given.name,
                DNSHostName=given.name.lower(),
                Domain="WORKGROUP",
                PartOfDomain=False,
                NumberOfLogicalProcessors=given.processors,
                NumberOfProcessors=1,
                TotalPhysicalMemory=given.memory_mib * _MIB,
                HypervisorPresent=True,
                SystemType="x64-based PC",
            ),
            self.host.make(
                "Win32_OperatingSystem",
                Name="Microsoft Windows Server 2022 Datacenter",
                Caption="Microsoft Windows Server 2022 Datacenter",
                CSName=given.name,
                Version="10.0.20348",
                BuildNumber="20348",
                OSArchitecture="64-bit",
                TotalVisibleMemorySize=given.memory_mib * _KIB_PER_MIB,
                FreePhysicalMemory=free_kib,
            ),
            self.host.make(
                "Win32_LogicalDisk",
                DeviceID="C:",
                Name="C:",
                DriveType=3,
                FileSystem="NTFS",
                Size=given.storage_bytes,
                FreeSpace=self.host.free_storage_bytes(),
            ),
        ]


def simulate(configuration: Configuration) -> Simulated:
    """Make a host."""
    return Simulated(configuration)


def _end_job(host: Host, job: Row, given: dict[str, Any]) -> Outcome:
    if given.get("RequestedState") not in (_TERMINATE, _KILL):
        raise Refused(32773, f"RequestedState {given.get('RequestedState')}")
    if not job["Cancellable"]:
        raise Refused(32770, "the job cannot be ended")
    host.terminate(job)
    return Outcome(0)
