"""Pure functions: what becomes of the devices of a VM that gets another description."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import InvalidRequest, Unsupported
from nova_virt_interface.values.disks import DiskSpec, Media
from nova_virt_interface.values.vm import VmSpec
from nova_virt_interface.values.volumes import Volume

from nova_virt_vmware import devices, translate
from nova_virt_vmware.devices import Slot
from nova_virt_vmware.keys import has_tpm
from nova_virt_vmware.marks import DiskMark, disk_mark, disk_marks
from nova_virt_vmware.nics import nic_mark
from nova_virt_vmware.volume_marks import VOLUMES, volumes_of

__all__ = ["Plan", "changes", "new_marks", "plan"]


@dataclass(frozen=True)
class Plan:
    """Disks and media, by their keys."""

    slots: Mapping[str, Slot]
    """Where those of the new description are."""
    made: tuple[DiskSpec, ...]
    """Of the new description alone."""
    copied: Mapping[str, str]
    """Disks of both → the file that is set aside."""
    moved: Mapping[str, str]
    """Media of both that get another slot → their file."""
    sizes_kib: Mapping[str, int]
    """Of the copied ones, as they are to be."""
    removed: tuple[Slot, ...]
    """Slots whose device goes."""
    old_marks: Mapping[str, str]
    """Of all devices of the old description."""


def plan(spec: VmSpec, marks: Mapping[str, str], hardware: Sequence[Any]) -> Plan:
    """Match disks by their keys.

    Raises: InvalidRequest (a disk that would shrink, or is another); Unsupported (no free slot).
    """
    if has_tpm(hardware) != (spec.settings.tpm is not None):
        raise Unsupported(
            "settings.tpm: a resize neither adds nor removes a TPM, whose state would be lost",
            remedy="use the setting that the VM has",
            field="settings.tpm",
        )
    old = disk_marks(marks)
    wanted = {disk.key: disk for disk in spec.disks}
    both = [disk for key, disk in wanted.items() if key in old]
    for disk in both:
        _require_same(disk, old[disk.key], devices.at_slot(hardware, old[disk.key].slot))
    volumes = _volumes(spec, marks, old)
    stay = {
        disk.key: old[disk.key].slot
        for disk in both
        if devices.bus_of(disk) == old[disk.key].slot.bus
    }
    others = devices.slots_taken(hardware) - {mark.slot for mark in old.values()}
    moving = [disk for key, disk in wanted.items() if key not in stay]
    slots = stay | devices.free_slots(moving, others | set(stay.values()))
    at = {disk.key: devices.at_slot(hardware, old[disk.key].slot) for disk in both}
    disks = [disk for disk in both if not isinstance(disk.source, Media | Volume)]
    media = [disk.key for disk in both if isinstance(disk.source, Media)]
    untouched = {key for key in media if key in stay} | volumes
    return Plan(
        slots=slots,
        made=tuple(disk for key, disk in wanted.items() if key not in old),
        copied={disk.key: at[disk.key].backing.fileName for disk in disks},
        moved={key: at[key].backing.fileName for key in media if key not in stay},
        sizes_kib={disk.key: devices.capacity_kib(disk.size_bytes) for disk in disks},
        removed=tuple(mark.slot for key, mark in old.items() if key not in untouched),
        old_marks={
            key: text
            for key, text in marks.items()
            if key.startswith((translate.DISK, translate.NIC))
        },
    )


def _volumes(spec: VmSpec, marks: Mapping[str, str], old: Mapping[str, DiskMark]) -> set[str]:
    """Keys of the VM's volumes, which stay as and where they are; raises Unsupported."""
    there = set(volumes_of(marks.get(VOLUMES)))
    wanted = {disk.key: disk for disk in spec.disks if isinstance(disk.source, Volume)}
    for key in there ^ wanted.keys():
        raise Unsupported(
            f"disks[{key}]: a resize neither adds nor removes a volume",
            remedy="attach or detach it before or after",
            field=f"disks[{key}].source",
        )
    for key in there:
        if devices.bus_of(wanted[key]) != old[key].slot.bus:
            raise Unsupported(
                f"disks[{key}]: a resize gives a volume no other bus",
                remedy="detach it, and attach it anew",
                field=f"disks[{key}].bus",
            )
    return there


def _require_same(disk: DiskSpec, old: DiskMark, device: Any) -> None:
    field = f"disks[{disk.key}]"
    if device is None or disk_mark(disk, old.slot).content != old.content:
        raise InvalidRequest(
            f"{field}: the VM has another disk of this key",
            remedy="use another key",
            field=f"{field}.source",
        )
    size = getattr(device, "capacityInKB", 0) or 0
    if devices.capacity_kib(disk.size_bytes) < size:
        raise InvalidRequest(
            f"{field}: it has {size} KiB and would shrink",
            remedy="ask for the size that it has, or more",
            field=f"{field}.size_bytes",
        )


def new_marks(spec: VmSpec, plan: Plan) -> dict[str, str]:
    """The VM's marks after the resize; an empty one goes."""
    return (
        dict.fromkeys(plan.old_marks, "")
        | {
            translate.DISK + disk.key: str(disk_mark(disk, plan.slots[disk.key]))
            for disk in spec.disks
        }
        | {translate.NIC + nic.key: nic_mark(nic) for nic in spec.nics}
        | {translate.DIGEST: spec_digest(spec), translate.NAME: spec.name}
    )


def changes(
    spec: VmSpec,
    plan: Plan,
    hardware: Sequence[Any],
    file: Callable[[DiskSpec], str],
    backings: Mapping[str, Any],
) -> list[Any]:
    """The changes of the hardware; what is set aside keeps its file."""
    gone = [devices.at_slot(hardware, slot) for slot in plan.removed]
    found = [devices.removed(device) for device in gone if device is not None]
    made = {disk.key for disk in plan.made}
    keys = made | plan.copied.keys() | plan.moved.keys()
    plugged = [disk for disk in spec.disks if disk.key in keys]
    present = devices.controllers(hardware)
    found += devices.added_controllers((plan.slots[disk.key].bus for disk in plugged), present)
    for disk in plugged:
        slot = plan.slots[disk.key]
        controller = present[slot.bus]
        if disk.key in made:
            found.append(devices.added_disk(disk, slot, controller, file(disk), replace=True))
        else:
            size = plan.sizes_kib.get(disk.key)
            found.append(devices.plugged(slot, controller, file(disk), size))
    return found + _nic_changes(spec, plan, hardware, backings)


def _nic_changes(
    spec: VmSpec, plan: Plan, hardware: Sequence[Any], backings: Mapping[str, Any]
) -> list[Any]:
    wanted = {translate.NIC + nic.key: nic for nic in spec.nics}
    old = {key: text for key, text in plan.old_marks.items() if key.startswith(translate.NIC)}
    same = {key for key, nic in wanted.items() if old.get(key) == nic_mark(nic)}
    cards = [
        devices.of_mac(hardware, text.partition(" ")[0])
        for key, text in old.items()
        if key not in same
    ]
    found = [devices.removed(card) for card in cards if card is not None]
    added = [nic for key, nic in wanted.items() if key not in same]
    return found + [
        devices.added_nic(nic, number, backings[nic.backing.name])
        for number, nic in enumerate(added)
    ]
