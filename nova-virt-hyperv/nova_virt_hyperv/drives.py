"""The drives of VMs: which slot of which controller holds which disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from nova_virt_interface.errors import BackendError, Resource
from nova_virt_interface.values.disks import DiskSpec, Media
from nova_virt_interface.values.guest_settings import Firmware
from nova_virt_interface.values.volumes import Volume

from nova_virt_hyperv.cim import Embedded, Instance, Number, embedded
from nova_virt_hyperv.devices import Devices
from nova_virt_hyperv.errors import About
from nova_virt_hyperv.iscsi_volumes import is_unit
from nova_virt_hyperv.machines import Machine
from nova_virt_hyperv.mark import DeviceName, DiskName
from nova_virt_hyperv.slots import Place, places_for
from nova_virt_hyperv.translate import limit_of

__all__ = ["Attachment", "Drives", "of_key"]

_RESOURCES = "Msvm_ResourceAllocationSettingData"
_STORAGE = "Msvm_StorageAllocationSettingData"
# What both of them are.
_ALL = "CIM_ResourceAllocationSettingData"
# ResourceType and ResourceSubType of the drive, and those of what is in it.
_DISK = (17, "Microsoft:Hyper-V:Synthetic Disk Drive", "Microsoft:Hyper-V:Virtual Hard Disk")
_PHYSICAL = "Microsoft:Hyper-V:Physical Disk Drive"
_DVD = (16, "Microsoft:Hyper-V:Synthetic DVD Drive", "Microsoft:Hyper-V:Virtual CD/DVD Disk")
_MEDIUM_TYPE = 31


@dataclass(frozen=True)
class Attachment:
    """A drive of a VM that the driver has made, and what is in it."""

    name: DeviceName
    drive: Instance
    controller: Instance
    slot: int
    content: Instance | None
    """None: a call that made the drive ended before it put a disk into it."""

    @property
    def key(self) -> str:
        """The key of its disk."""
        return self.name.key

    @property
    def path(self) -> str:
        """The file in it, or the host's disk that it is, as the host names it."""
        if self.is_physical:
            return self.drive.text("HostResource")
        return self.content.text("HostResource") if self.content else ""

    @property
    def is_filled(self) -> bool:
        """Whether there is a disk."""
        return self.is_physical or self.content is not None

    @property
    def is_physical(self) -> bool:
        """Whether it is a disk of the host's own, which is passed on."""
        return self.drive.text("ResourceSubType") == _PHYSICAL

    @property
    def is_medium(self) -> bool:
        """Whether it is a DVD drive."""
        return self.drive.text("ResourceSubType") == _DVD[1]

    @property
    def is_volume(self) -> bool:
        """Whether a volume is in it."""
        return self.is_filled and DiskName.read(self.path) is None


class Drives:
    """The drives of the VMs of one host."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices

    def find(self, machine: Machine, vm_uuid: UUID) -> list[Attachment]:
        """Those of a VM, in one request."""
        rows = self._devices.rows(machine, _ALL, About(f"disks of VM {vm_uuid}"))
        return [
            Attachment(
                name=name,
                drive=row,
                controller=controller,
                slot=int(row.text("AddressOnParent")),
                content=next((r for r in rows if self._devices.is_child(r, row)), None),
            )
            for row in rows
            if row.text("AddressOnParent")
            and (name := DeviceName.read(row.text("ElementName"))) is not None
            for controller in rows
            if self._devices.is_child(row, controller)
        ]

    def connect(
        self,
        machine: Machine,
        vm_uuid: UUID,
        specs: Sequence[DiskSpec],
        firmware: Firmware,
        paths: Mapping[str, str],
    ) -> list[Instance]:
        """Make drives and put disks into them; returns the drives, in the same order.

        Args:
            machine: the VM.
            vm_uuid: of the VM.
            specs: of the disks.
            firmware: what the VM boots by.
            paths: the disks' files, or the host's disks, by key, as the host names them.
        """
        if not specs:
            return []
        about = About(f"disks of VM {vm_uuid}")
        rows = self._devices.rows(machine, _RESOURCES, about)
        places = places_for(specs, rows, self._devices, firmware)
        settings = [self._drive(place, paths[place.spec.key]) for place in places]
        self._devices.add(machine, settings, about)
        rows = self._devices.rows(machine, _RESOURCES, about)
        drives = [self._at(place, rows) for place in places]
        contents = [
            self._content(place.spec, drive, paths[place.spec.key])
            for place, drive in zip(places, drives, strict=True)
            if not is_unit(place.spec)
        ]
        if contents:
            self._devices.add(machine, contents, about)
        return drives

    def remove(self, found: Sequence[Attachment], vm_uuid: UUID, key: str) -> None:
        """Remove the drives of a disk with what is in them."""
        about = About(f"disk {key} of VM {vm_uuid}", Resource.DISK)
        contents = [item.content for item in found if item.content is not None]
        if contents:
            self._devices.remove(contents, about)
        self._devices.remove([item.drive for item in found], about)

    def rename_disk(self, found: Attachment, path: str) -> None:
        """Let a drive of a VM that is off pass on another disk of the host's."""
        named: dict[str, Embedded] = {
            "InstanceID": found.drive.text("InstanceID"),
            "HostResource": [path],
        }
        about = About(f"disk {found.key}", Resource.DISK)
        self._devices.modify([embedded(_RESOURCES, named)], about)

    def relabel(self, found: Attachment, vm_uuid: UUID, spec: DiskSpec) -> None:
        """Say that a disk is of this description, and limit it as that asks."""
        renamed: dict[str, Embedded] = {
            "InstanceID": found.drive.text("InstanceID"),
            "ElementName": str(DeviceName.of(spec)),
        }
        texts = [embedded(_RESOURCES, renamed)]
        if found.content is not None:
            limits = {"InstanceID": found.content.text("InstanceID"), **limit_of(spec)}
            texts.append(embedded(_STORAGE, limits))
        self._devices.modify(texts, About(f"disk {spec.key} of VM {vm_uuid}", Resource.DISK))

    def permute(self, drives: Sequence[Attachment], order: Sequence[Attachment], name: str) -> None:
        """Let each of these drives have the disk that another one has now, in one request."""
        texts = []
        for drive, disk in zip(drives, order, strict=True):
            if drive is disk or drive.content is None or disk.content is None:
                continue
            renamed: dict[str, Embedded] = {
                "InstanceID": drive.drive.text("InstanceID"),
                "ElementName": str(disk.name),
            }
            filled: dict[str, Embedded] = {
                "InstanceID": drive.content.text("InstanceID"),
                "HostResource": [disk.path],
                "IOPSLimit": Number(disk.content.number("IOPSLimit") or 0, "uint64"),
            }
            texts += [embedded(_RESOURCES, renamed), embedded(_STORAGE, filled)]
        if texts:
            self._devices.modify(texts, About(name, Resource.DISK))

    def _drive(self, place: Place, path: str) -> str:
        number, subtype, _ = _DVD if isinstance(place.spec.source, Media) else _DISK
        physical: dict[str, Embedded] = {}
        if is_unit(place.spec):
            subtype, physical = _PHYSICAL, {"HostResource": [path]}
        return embedded(
            _RESOURCES,
            {
                "ResourceType": Number(number, "uint16"),
                "ResourceSubType": subtype,
                "ElementName": str(DeviceName.of(place.spec)),
                "Parent": self._devices.path(place.controller),
                "AddressOnParent": str(place.slot),
                **physical,
            },
        )

    def _at(self, place: Place, rows: Sequence[Instance]) -> Instance:
        for row in rows:
            slot = row.text("AddressOnParent")
            if slot == str(place.slot) and self._devices.is_child(row, place.controller):
                return row
        raise BackendError(
            f"the drive of disk {place.spec.key} is not where it was put", may_have_been_done=True
        )

    def _content(self, spec: DiskSpec, drive: Instance, path: str) -> str:
        subtype = (_DVD if isinstance(spec.source, Media) else _DISK)[2]
        shared: dict[str, Embedded] = {}
        if isinstance(spec.source, Volume) and spec.source.shared:
            shared["PersistentReservationsSupported"] = True
        return embedded(
            _STORAGE,
            {
                "ResourceType": Number(_MEDIUM_TYPE, "uint16"),
                "ResourceSubType": subtype,
                "Parent": self._devices.path(drive),
                "HostResource": [path],
                **limit_of(spec),
                **shared,
            },
        )


def of_key(found: Sequence[Attachment], key: str) -> list[Attachment]:
    """The drive of a disk; more only if a request that was believed lost took effect later."""
    return [item for item in found if item.key == key]
