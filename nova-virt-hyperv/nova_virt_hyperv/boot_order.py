"""Which of a VM's disks its firmware boots."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from nova_virt_interface.errors import BackendError, InvalidState
from nova_virt_interface.values.guest_settings import Firmware

from nova_virt_hyperv.cim import Embedded, Instance, Number, embedded
from nova_virt_hyperv.devices import Devices
from nova_virt_hyperv.drives import Attachment, Drives
from nova_virt_hyperv.machines import SETTINGS, Machine, Services, about_vm
from nova_virt_hyperv.slots import is_ide
from nova_virt_hyperv.wmi import Wmi

__all__ = ["BootOrder", "Candidate"]

# BootOrder of the first generation: hard disk, CD, network, floppy.
_DISK_FIRST = [Number(code, "uint16") for code in (2, 1, 3, 0)]
_CD_FIRST = [Number(code, "uint16") for code in (1, 2, 3, 0)]

Candidate = tuple[int, bool, Instance]
"""Boot index of a disk, whether it is a medium, and its drive."""


class BootOrder:
    """What the firmware of the VMs of one host tries, and in which order.

    A VM of the second generation has a list of its drives. One of the first has kinds of drives,
    and tries the hard disks in the order of the IDE controllers' slots.
    """

    def __init__(self, wmi: Wmi, devices: Devices, drives: Drives, services: Services) -> None:
        self._wmi = wmi
        self._devices = devices
        self._drives = drives
        self._service = services.machines

    def settings(self, candidates: Sequence[Candidate], firmware: Firmware) -> dict[str, Embedded]:
        """Properties of a VM's settings that make it boot the disks of the lowest indexes first."""
        ordered = sorted(candidates, key=lambda candidate: candidate[0])
        if not ordered:
            return {}
        if firmware is Firmware.BIOS:
            return {"BootOrder": _CD_FIRST if ordered[0][1] else _DISK_FIRST}
        return {"BootSourceOrder": [self._boot_source(drive) for _, _, drive in ordered]}

    def arrange(self, machine: Machine, vm_uuid: UUID) -> None:
        """Bring a VM to boot its disks by their indexes, whenever they were attached.

        Raises: InvalidState (the VM is on, and has another order).
        """
        if machine.firmware is Firmware.BIOS:
            self.bring_forward(machine, vm_uuid)
        found = self._drives.find(machine, vm_uuid)
        candidates = [
            (item.name.boot_index, item.is_medium, item.drive)
            for item in found
            if item.name.boot_index is not None
        ]
        about, wanted = about_vm(vm_uuid), self.settings(candidates, machine.firmware)
        if _has(self._wmi.get(machine.settings, about), wanted):
            return
        name = {"InstanceID": machine.settings.key("InstanceID")}
        named = [("SystemSettings", embedded(SETTINGS, name | wanted))]
        try:
            self._wmi.invoke(self._service, "ModifySystemSettings", named, about=about)
        except InvalidState as error:
            error.remedy = "stop the VM first: what boots does not change while it runs"
            raise

    def bring_forward(self, machine: Machine, vm_uuid: UUID) -> None:
        """Let the IDE disks of a VM that is off be in the order of their boot indexes."""
        found = self._drives.find(machine, vm_uuid)
        disks = sorted(
            (item for item in found if is_ide(item.controller) and not item.is_medium),
            key=lambda item: (item.controller.text("Address"), item.slot),
        )
        self._drives.permute(disks, sorted(disks, key=_rank), f"disks of VM {vm_uuid}")

    def _boot_source(self, drive: Instance) -> str:
        path = self._devices.path(drive)
        found = self._wmi.query(
            f"ASSOCIATORS OF {{{path}}} WHERE AssocClass = Msvm_LogicalIdentity "
            "ResultClass = Msvm_BootSourceSettingData"
        )
        if not found:
            raise BackendError("the host's firmware does not see a drive", detail=path)
        return self._devices.path(found[0])


def _has(row: Instance, wanted: dict[str, Embedded]) -> bool:
    """Whether settings are as wanted already."""
    for name, content in wanted.items():
        texts = [str(item.value) if isinstance(item, Number) else item for item in _items(content)]
        if [text.lower() for text in row.texts(name)] != [text.lower() for text in texts]:
            return False
    return True


def _items(content: Embedded) -> Sequence[str | Number]:
    return [] if isinstance(content, str | bool | Number) else content


def _rank(item: Attachment) -> tuple[bool, int]:
    index = item.name.boot_index
    return index is None, index or 0
