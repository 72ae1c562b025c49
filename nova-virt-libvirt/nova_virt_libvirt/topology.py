"""What the host is made of: its capabilities, and its PCI devices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import libvirt
from lxml import etree
from nova_virt_interface.values.topology import (
    CpuDescription,
    HostTopology,
    NumaCell,
    PagePool,
    PciDevice,
    PciDeviceKind,
    VirtualGpuType,
)

from nova_virt_libvirt.session import Session

__all__ = ["Topology", "read_cells", "read_cpu", "read_device", "read_gpu_types"]

_KIB = 1024
# Names that libvirt writes otherwise than the kernel.
_FLAGS = {
    "avx512-vpopcntdq": "avx512_vpopcntdq",
    "avx512bitalg": "avx512_bitalg",
    "avx512vbmi2": "avx512_vbmi2",
    "avx512vnni": "avx512_vnni",
    "pclmuldq": "pclmulqdq",
    "sha-ni": "sha_ni",
    "sse4.1": "sse4_1",
    "sse4.2": "sse4_2",
}


class Topology:
    """Looks at one host."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def topology(self) -> HostTopology:
        """See `IHostTopology.topology`."""
        with self._session.use(about="what the host is made of") as connection:
            host = etree.fromstring(connection.getCapabilities())
            flags = libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV
            texts = [device.XMLDesc() for device in connection.listAllDevices(flags)]
            interfaces = _interfaces(connection)
        devices = [etree.fromstring(text) for text in texts]
        return HostTopology(
            cpu=read_cpu(host),
            cells=tuple(read_cells(host)),
            pci_devices=tuple(read_device(device, interfaces) for device in devices),
            virtual_gpu_types=tuple(gpu for device in devices for gpu in read_gpu_types(device)),
        )


def _interfaces(connection: Any) -> dict[str, str]:
    """Name of a PCI device at libvirt → the network interface that is on it."""
    found = {}
    for device in connection.listAllDevices(libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET):
        element = etree.fromstring(device.XMLDesc())
        interface = element.findtext("capability/interface")
        if interface:
            found[element.findtext("parent") or ""] = interface
    return found


def read_cpu(host: Any) -> CpuDescription:
    """From libvirt's capabilities."""
    cpu = host.find("host/cpu")
    topology = cpu.find("topology")
    counts = {} if topology is None else dict(topology.attrib)
    names = {feature.get("name") for feature in cpu.iterfind("feature")}
    return CpuDescription(
        model=cpu.findtext("model") or "unknown",
        vendor=cpu.findtext("vendor") or "unknown",
        features=tuple(sorted({_FLAGS.get(name, name) for name in names})),
        sockets=_number(counts.get("sockets")),
        cores_per_socket=_number(counts.get("cores")),
        threads_per_core=_number(counts.get("threads")),
    )


def read_cells(host: Any) -> Iterator[NumaCell]:
    """From libvirt's capabilities."""
    for cell in host.iterfind("host/topology/cells/cell"):
        cpus = cell.findall("cpus/cpu")
        siblings = {_numbers(cpu.get("siblings", "")) for cpu in cpus}
        yield NumaCell(
            cell=int(cell.get("id")),
            cpus=tuple(int(cpu.get("id")) for cpu in cpus),
            siblings=tuple(sorted(group for group in siblings if len(group) > 1)),
            memory_bytes=int(cell.findtext("memory") or 0) * _KIB,
            pages=tuple(
                PagePool(page_bytes=int(pages.get("size")) * _KIB, total=int(pages.text))
                for pages in cell.iterfind("pages")
            ),
            distances=tuple(int(to.get("value")) for to in cell.iterfind("distances/sibling")),
        )


def read_device(device: Any, interfaces: dict[str, str]) -> PciDevice:
    """From the definition of a PCI device.

    Args:
        device: of libvirt's node devices.
        interfaces: name of a PCI device at libvirt → its network interface.
    """
    pci = device.find("capability")
    parent = pci.find("capability[@type='phys_function']/address")
    functions = pci.find("capability[@type='virt_functions']/address")
    numa, group = pci.find("numa"), pci.find("iommuGroup")
    kind = PciDeviceKind.STANDARD
    if parent is not None:
        kind = PciDeviceKind.VIRTUAL_FUNCTION
    elif functions is not None:
        kind = PciDeviceKind.PHYSICAL_FUNCTION
    return PciDevice(
        address=_pci_address(pci),
        vendor_id=pci.find("vendor").get("id").removeprefix("0x"),
        product_id=pci.find("product").get("id").removeprefix("0x"),
        kind=kind,
        parent_address=None if parent is None else _joined(dict(parent.attrib)),
        numa_cell=None if numa is None else int(numa.get("node")),
        iommu_group=None if group is None else int(group.get("number")),
        network_interface=interfaces.get(device.findtext("name")),
    )


def read_gpu_types(device: Any) -> Iterator[VirtualGpuType]:
    """The kinds of mediated devices that a PCI device can be cut into."""
    pci = device.find("capability")
    numa = pci.find("numa")
    for kind in pci.iterfind("capability[@type='mdev_types']/type"):
        available = int(kind.findtext("availableInstances") or 0)
        existing = len(pci.findall("capability[@type='mdev']"))
        yield VirtualGpuType(
            parent=_pci_address(pci),
            type_name=kind.get("id"),
            total=available + existing,
            available=available,
            numa_cell=None if numa is None else int(numa.get("node")),
        )


def _pci_address(pci: Any) -> str:
    names = ("domain", "bus", "slot", "function")
    return "{:04x}:{:02x}:{:02x}.{:x}".format(*(int(pci.findtext(name) or 0) for name in names))


def _joined(parts: dict[str, str]) -> str:
    numbers = (int(parts[name], 16) for name in ("domain", "bus", "slot", "function"))
    return "{:04x}:{:02x}:{:02x}.{:x}".format(*numbers)


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _numbers(text: str) -> tuple[int, ...]:
    """Reads libvirt's lists of processors, for instance ``0-3,8``."""
    found: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return tuple(found)
