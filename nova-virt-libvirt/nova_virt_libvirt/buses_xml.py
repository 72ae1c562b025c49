"""What a machine type of QEMU has for devices to be plugged into. Pure functions."""

from __future__ import annotations

from typing import Any

from lxml.builder import E
from nova_virt_interface.values.disks import DiskBus

__all__ = ["media_bus", "spare_ports_xml"]

_SPARE_PORTS = 8


def media_bus(machine: str) -> DiskBus | None:
    """Where a medium goes while the VM is stopped; None: to the host's first bus."""
    if not machine:
        return None
    # A PC of 1996 has IDE, a q35 has SATA; adding the other's controller is a device that guests
    # may not drive.
    return DiskBus.SATA if "q35" in machine else DiskBus.IDE


def spare_ports_xml(machine: str) -> list[Any]:
    """Places for devices that come while the VM runs: a q35 takes each in a port of its own."""
    if "q35" not in machine:
        return []
    root = E.controller(type="pci", index="0", model="pcie-root")
    ports = (E.controller(type="pci", model="pcie-root-port") for _ in range(_SPARE_PORTS))
    return [root, *ports]
