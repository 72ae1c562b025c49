"""What a compute node of one host is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nova_virt_interface.values.topology import (
    CpuDescription,
    HostTopology,
    NumaCell,
    PciDevice,
    PciDeviceKind,
)
from pyVmomi import vim

from nova_virt_vmware.hosts import Hosts

__all__ = ["Topology", "host_topology"]

_PATHS = [
    "hardware.cpuInfo",
    "hardware.cpuPkg",
    "hardware.numaInfo",
    "hardware.pciDevice",
    "config.pciPassthruInfo",
]
_WORD = 0xFFFF


class Topology:
    """Asks the one host."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts

    def topology(self) -> HostTopology:
        """See `IHostTopology.topology`. One question."""
        ((_, facts),) = self._hosts.facts(_PATHS)
        return host_topology(facts)


def host_topology(facts: Mapping[str, Any]) -> HostTopology:
    """The host, from its properties. vSphere tells no names of processor features, but registers;
    and nothing of pages, distances, or which cell a GPU is on.
    """
    info, packages = facts["hardware.cpuInfo"], facts["hardware.cpuPkg"]
    return HostTopology(
        cpu=CpuDescription(
            model=packages[0].description.strip(),
            vendor=packages[0].vendor,
            sockets=info.numCpuPackages,
            cores_per_socket=info.numCpuCores // info.numCpuPackages,
            threads_per_core=info.numCpuThreads // info.numCpuCores,
            frequency_hz=info.hz or None,
        ),
        cells=_cells(facts, packages),
        pci_devices=_pci_devices(facts),
    )


def _cells(facts: Mapping[str, Any], packages: Sequence[Any]) -> tuple[NumaCell, ...]:
    numa = facts.get("hardware.numaInfo")
    threads = {tuple(sorted(package.threadId)) for package in packages}
    return tuple(
        NumaCell(
            cell=int(node.typeId),
            cpus=tuple(sorted(node.cpuID)),
            siblings=tuple(sorted(own for own in threads if set(own) <= set(node.cpuID))),
            memory_bytes=node.memorySize or node.memoryRangeLength,
        )
        for node in (numa.numaNode if numa else ())
    )


def _pci_devices(facts: Mapping[str, Any]) -> tuple[PciDevice, ...]:
    """Those that a guest could be given."""
    capable = {
        info.id: isinstance(info, vim.host.SriovInfo) and info.sriovCapable
        for info in facts.get("config.pciPassthruInfo", ())
        if info.passthruCapable or getattr(info, "sriovCapable", False)
    }
    return tuple(
        _pci(device, is_physical_function=capable[device.id])
        for device in facts.get("hardware.pciDevice", ())
        if device.id in capable
    )


def _pci(device: Any, *, is_physical_function: bool) -> PciDevice:
    """A PCI device. Ids are signed 16 bit numbers in the API: negative ones count from above."""
    return PciDevice(
        address=device.id.lower(),
        vendor_id=f"{device.vendorId & _WORD:04x}",
        product_id=f"{device.deviceId & _WORD:04x}",
        kind=PciDeviceKind.PHYSICAL_FUNCTION if is_physical_function else PciDeviceKind.STANDARD,
    )
