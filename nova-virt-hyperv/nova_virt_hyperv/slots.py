"""Where a VM's disks go: controllers and their slots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nova_virt_interface.errors import InsufficientResources, Resource
from nova_virt_interface.values.disks import DiskBus, DiskSpec, Media
from nova_virt_interface.values.guest_settings import Firmware

from nova_virt_hyperv.cim import Instance
from nova_virt_hyperv.devices import Devices

__all__ = ["SCSI", "Place", "is_ide", "places_for"]

SCSI = "Microsoft:Hyper-V:Synthetic SCSI Controller"
_IDE = "Microsoft:Hyper-V:Emulated IDE Controller"
_SLOTS = {SCSI: 64, _IDE: 2}


@dataclass(frozen=True)
class Place:
    """The slot of a disk."""

    spec: DiskSpec
    controller: Instance
    slot: int


def places_for(
    specs: Sequence[DiskSpec], rows: Sequence[Instance], devices: Devices, firmware: Firmware
) -> list[Place]:
    """A free slot for each disk, on the kind of controller that it needs.

    Those that boot first get the first slots, because a BIOS tries them in this order.
    """
    controllers = {
        kind: [row for row in rows if row.text("ResourceSubType") == kind] for kind in _SLOTS
    }
    free = {
        kind: iter(
            [
                (controller, slot)
                for controller in found
                for slot in range(_SLOTS[kind])
                if not any(
                    devices.is_child(row, controller) and row.text("AddressOnParent") == str(slot)
                    for row in rows
                )
            ]
        )
        for kind, found in controllers.items()
    }
    places = {}
    for spec in sorted(specs, key=lambda spec: (spec.boot_index is None, spec.boot_index or 0)):
        kind = _IDE if _needs_ide(spec, firmware) else SCSI
        place = next(free[kind], None)
        if place is None:
            raise InsufficientResources(
                f"the VM has no free slot for disk {spec.key}", resource=Resource.DISK
            )
        places[spec.key] = Place(spec, *place)
    return [places[spec.key] for spec in specs]


def is_ide(controller: Instance) -> bool:
    """Whether a controller is one that a BIOS boots from."""
    return controller.text("ResourceSubType") == _IDE


def _needs_ide(spec: DiskSpec, firmware: Firmware) -> bool:
    # A BIOS boots from IDE only, and the first generation has its DVD drives there.
    boots = spec.boot_index is not None or isinstance(spec.source, Media)
    return spec.bus is DiskBus.IDE or (firmware is Firmware.BIOS and spec.bus is None and boots)
