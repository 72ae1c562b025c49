"""The host, or cluster, behind one connection."""

from __future__ import annotations

from nova_virt_interface.marks import value
from nova_virt_interface.values.disks import DiskBus, MediaFormat
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.nics import NicBackingKind, NicModel
from nova_virt_interface.values.vm import Firmware

__all__ = ["HostDescription", "HostInventory"]


@value(since="1.0")
class HostDescription:
    """What the host is and what it offers by value. Each tuple begins with what the driver takes by
    default.

    [CAP-1] Fixed from connect to close. When the host changes, the driver reports
    `EventKind.RECONNECT`.
    [CAP-2] What a tuple does not name is refused with `Unsupported` before anything is touched.
    """

    hypervisor_type: str
    """The product, for instance ``QEMU``."""
    hypervisor_version: str
    """The product's own version text."""
    hostname: str
    """Names the compute node; stable while the host is."""
    cpu_architecture: str
    """For instance ``x86_64``."""
    image_formats: tuple[DiskFormat, ...] = ()
    """Formats that the image cache takes."""
    disk_formats: tuple[DiskFormat, ...] = ()
    disk_buses: tuple[DiskBus, ...] = ()
    media_formats: tuple[MediaFormat, ...] = ()
    """Empty when the host takes no medium with content, so no config drive."""
    nic_backings: tuple[NicBackingKind, ...] = ()
    nic_models: tuple[NicModel, ...] = ()
    firmware: tuple[Firmware, ...] = ()


@value(since="1.0")
class HostInventory:
    """What the host has in all, and what is free of it now.

    [INV-1] Totals are the hardware's. Core alone applies reservations and overcommit.
    """

    vcpus: int
    """Logical processors."""
    memory_bytes: int
    memory_free_bytes: int
    storage_bytes: int
    """Capacity of the storage where the driver puts disks and images."""
    storage_free_bytes: int
