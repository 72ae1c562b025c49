"""Where a guest finds its devices."""

from __future__ import annotations

import enum

from nova_virt_interface.marks import enumeration, value

__all__ = ["DeviceBus", "DeviceMetadata"]


@enumeration(since="1.0", open=True)
class DeviceBus(enum.Enum):
    """The bus by which a guest sees a device."""

    PCI = "pci"
    USB = "usb"
    SCSI = "scsi"
    IDE = "ide"
    SATA = "sata"
    XEN = "xen"
    VMBUS = "vmbus"


@value(since="1.0")
class DeviceMetadata:
    """One device as the guest sees it."""

    key: str
    """Of the disk, NIC or host device."""
    bus: DeviceBus
    address: str
    """As the guest's system writes it: ``0000:00:03.0`` on PCI, ``0:0:0:1`` on SCSI, ``0:0`` on
    IDE, ``/dev/xvda``-like names' numbers (``51712``) on Xen, a GUID on VMBus.
    """
    serial: str | None = None
    mac: str | None = None
