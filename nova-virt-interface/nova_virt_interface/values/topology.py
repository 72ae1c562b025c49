"""What a host is made of."""

from __future__ import annotations

import enum

from nova_virt_interface.marks import enumeration, value

__all__ = [
    "CpuDescription",
    "HostTopology",
    "NumaCell",
    "PagePool",
    "PciDevice",
    "PciDeviceKind",
    "VirtualGpuType",
]


@value(since="1.0")
class CpuDescription:
    """The host's processors."""

    model: str
    """By the hypervisor's name."""
    vendor: str
    features: tuple[str, ...] = ()
    """By the names of the kernel's ``/proc/cpuinfo``, sorted; a driver translates its hypervisor's
    names, and tells those that it has no translation for as they are.
    """
    sockets: int | None = None
    cores_per_socket: int | None = None
    threads_per_core: int | None = None
    frequency_hz: int | None = None


@value(since="1.0")
class PagePool:
    """Memory pages of one size."""

    page_bytes: int
    total: int
    """Pieces."""
    free: int | None = None


@value(since="1.0")
class NumaCell:
    """Processors and memory that are close to each other."""

    cell: int
    cpus: tuple[int, ...]
    siblings: tuple[tuple[int, ...], ...] = ()
    """Processors that are threads of one core."""
    memory_bytes: int = 0
    pages: tuple[PagePool, ...] = ()
    distances: tuple[int, ...] = ()
    """To each cell in the order of `HostTopology.cells`, as ACPI's SLIT tells them."""


@enumeration(since="1.0", open=True)
class PciDeviceKind(enum.Enum):
    """What a PCI device is."""

    STANDARD = "standard"
    PHYSICAL_FUNCTION = "physical-function"
    VIRTUAL_FUNCTION = "virtual-function"


@value(since="1.0")
class PciDevice:
    """A PCI device that a guest could be given."""

    address: str
    """``DOMAIN:BUS:SLOT.FUNCTION`` in hexadecimal digits, lower case."""
    vendor_id: str
    """Four hexadecimal digits, like ``product_id``."""
    product_id: str
    kind: PciDeviceKind = PciDeviceKind.STANDARD
    parent_address: str | None = None
    """Of a virtual function: its physical function."""
    numa_cell: int | None = None
    iommu_group: int | None = None
    network_interface: str | None = None
    """The host's name of the network card."""


@value(since="1.0")
class VirtualGpuType:
    """A kind of part that a GPU, or a group of like GPUs, can be cut into: mediated devices,
    profiles of vSphere, vGPU types of XenServer, partitions of Hyper-V.
    """

    parent: str
    """The GPU or group, by the hypervisor's name."""
    type_name: str
    total: int
    """How many of them it could be cut into, if it were cut into nothing else."""
    available: int | None = None
    """How many more now."""
    numa_cell: int | None = None


@value(since="1.0")
class HostTopology:
    """The whole host.

    [TOPO-1] Names and numbers are the hypervisor's own and stay the same while the hardware is the
    same, so that core may keep them.
    """

    cpu: CpuDescription
    cells: tuple[NumaCell, ...] = ()
    pci_devices: tuple[PciDevice, ...] = ()
    virtual_gpu_types: tuple[VirtualGpuType, ...] = ()
