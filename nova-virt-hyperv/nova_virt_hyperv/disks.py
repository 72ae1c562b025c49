"""Disks of a VM: those that it is made with, and those that come and go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from nova_virt_interface.errors import (
    BackendError,
    Busy,
    Conflict,
    InvalidRequest,
    InvalidState,
    NotFound,
    Resource,
    Unsupported,
)
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.states import ON
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    DetachDiskRequest,
    DiskSpec,
    FromImage,
    Imported,
    Media,
    ResizeDiskRequest,
)
from nova_virt_interface.values.guest_settings import Firmware
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.volumes import Volume

from nova_virt_hyperv.cim import Embedded, Instance, Number, embedded
from nova_virt_hyperv.devices import Devices
from nova_virt_hyperv.disk_files import DiskFiles
from nova_virt_hyperv.errors import About
from nova_virt_hyperv.files import DISKS, Files
from nova_virt_hyperv.images import Images
from nova_virt_hyperv.machines import Machine, Machines
from nova_virt_hyperv.mark import DeviceName, DiskName, disk_pattern, file_name, is_fork
from nova_virt_hyperv.session import several_steps
from nova_virt_hyperv.slots import SCSI, Place, places_for
from nova_virt_hyperv.translate import check_disk, check_size, limit_of
from nova_virt_hyperv.volume_paths import volume_path
from nova_virt_hyperv.volumes import Volumes

__all__ = ["SCSI_CONTROLLER", "Attachment", "Disks"]

_RESOURCES = "Msvm_ResourceAllocationSettingData"
_STORAGE = "Msvm_StorageAllocationSettingData"
# ResourceType and ResourceSubType of the drive, and those of what is in it.
_DISK = (17, "Microsoft:Hyper-V:Synthetic Disk Drive", "Microsoft:Hyper-V:Virtual Hard Disk")
_DVD = (16, "Microsoft:Hyper-V:Synthetic DVD Drive", "Microsoft:Hyper-V:Virtual CD/DVD Disk")
_MEDIUM_TYPE = 31


@dataclass(frozen=True)
class Attachment:
    """A disk that a VM has."""

    key: str
    drive: Instance
    controller: Instance
    slot: int


SCSI_CONTROLLER = embedded(
    _RESOURCES, {"ResourceType": Number(6, "uint16"), "ResourceSubType": SCSI}
)


class Disks:
    """The disks of the VMs of one host."""

    def __init__(
        self,
        machines: Machines,
        devices: Devices,
        disk_files: DiskFiles,
        files: Files,
        images: Images,
        volumes: Volumes,
        host: HostDescription,
    ) -> None:
        self._machines = machines
        self._devices = devices
        self._disk_files = disk_files
        self._files = files
        self._images = images
        self._volumes = volumes
        self._host = host

    def attach_disk(self, vm_uuid: UUID, request: AttachDiskRequest) -> None:
        """See `IDiskHotplug.attach_disk`."""
        spec = request.disk
        check_disk(spec, self._host, request.secrets)
        machine = self._machines.ours(vm_uuid)
        about = About(f"disk {spec.key} of VM {vm_uuid}", Resource.DISK)
        drives = self._drives(machine, spec.key, about)
        if drives and self._contents(machine, drives, about):
            found = DeviceName.read(drives[0].text("ElementName"))
            _require_equal(vm_uuid, found, DeviceName.of(spec))
            return
        self._machines.require_pluggable(machine, vm_uuid)
        self.check_image(spec)
        with undone_by(lambda: self.take_off(machine, vm_uuid, spec.key)):
            # A drive without a disk, and files of one, are what a crashed call left.
            if drives:
                self._devices.remove(drives, about)
            self._files.remove_all(DISKS, disk_pattern(vm_uuid=vm_uuid, key=spec.key))
            self.make(vm_uuid, spec)
            self.connect(machine, vm_uuid, (spec,), Firmware.UEFI)

    def detach_disk(self, vm_uuid: UUID, request: DetachDiskRequest) -> None:
        """See `IDiskHotplug.detach_disk`. Hyper-V takes a SCSI disk away without the guest's
        consent.
        """
        machine = self._machines.ours(vm_uuid)
        self._machines.require_pluggable(machine, vm_uuid)
        self.take_off(machine, vm_uuid, request.key)

    def check_image(self, spec: DiskSpec) -> None:
        """The disk's image is in the cache, and not larger than the disk; its volume is reached."""
        self._volumes.require_size(spec)
        if not isinstance(spec.source, FromImage):
            return
        image = self._images.require(spec.source.image_key)
        if (spec.size_bytes or 0) < image.virtual_size_bytes:
            raise InvalidRequest(
                f"disk {spec.key} of {spec.size_bytes} bytes is smaller than its image of "
                f"{image.virtual_size_bytes}",
                remedy="ask for a larger disk, or use a smaller image",
                field=f"disks[{spec.key}].size_bytes",
            )

    def make(self, vm_uuid: UUID, spec: DiskSpec) -> None:
        """Make the disk's file."""
        name, about = (str(DiskName.of(vm_uuid, spec)), f"disk {spec.key} of VM {vm_uuid}")
        path = self._files.on_host(DISKS, name)
        if isinstance(spec.source, Volume):
            self._volumes.require_size(spec)
        elif isinstance(spec.source, Media):
            with self._files.new(DISKS, name) as file:
                file.write(spec.source.content)
        elif isinstance(spec.source, FromImage):
            image = self._images.require(spec.source.image_key)
            self._disk_files.make_from(path, self._images.path(image.key), about)
            if (spec.size_bytes or 0) > image.virtual_size_bytes:
                self._disk_files.resize(path, spec.size_bytes or 0, about)
        elif isinstance(spec.source, Imported):
            self._images.bring(spec.source, DISKS, name, spec.size_bytes or 0)
            if self._disk_files.require_growth(path, spec.size_bytes or 0, about):
                self._disk_files.resize(path, spec.size_bytes or 0, about)
        else:
            self._disk_files.make_blank(path, spec.size_bytes or 0, about)

    def connect(
        self,
        machine: Machine,
        vm_uuid: UUID,
        specs: Sequence[DiskSpec],
        firmware: Firmware,
        files: Mapping[str, str] | None = None,
    ) -> list[Instance]:
        """Connect disks whose files are made; returns their drives, in the same order.

        Args:
            machine: the VM.
            vm_uuid: of the VM.
            specs: of the disks.
            firmware: what the VM boots by.
            files: names of the files of those disks that have others than a new disk has.
        """
        if not specs:
            return []
        about = About(f"disks of VM {vm_uuid}")
        rows = self._devices.rows(machine, _RESOURCES, about)
        places = list(places_for(specs, rows, self._devices, firmware))
        self._devices.add(machine, [self._drive(place) for place in places], about)
        rows = self._devices.rows(machine, _RESOURCES, about)
        drives = [self._at(place, rows) for place in places]
        contents = [
            self._content(vm_uuid, place.spec, drive, files or {})
            for place, drive in zip(places, drives, strict=True)
        ]
        self._devices.add(machine, contents, about)
        return drives

    def remove_file(self, vm_uuid: UUID, key: str) -> None:
        """Delete the files of a disk that is attached nowhere."""
        self._files.remove_all(DISKS, disk_pattern(vm_uuid=vm_uuid, key=key))

    def files(self, vm_uuid: UUID, *, media: bool = False) -> dict[str, str]:
        """The names of the files of a VM's disks by key, with or without media; the VM itself need
        not be there.
        """
        found = [file.name for file in self._files.files(DISKS, disk_pattern(vm_uuid=vm_uuid))]
        names = {file: name for file in found if (name := DiskName.read(file)) is not None}
        return {name.key: file for file, name in names.items() if media or name.extension == "vhdx"}

    def require_volumes(self, machine: Machine, vm_uuid: UUID) -> None:
        """Raise PeerUnreachable if the host does not reach one of a VM's volumes."""
        for key, row in self.contents(machine, vm_uuid):
            path = row.text("HostResource")
            if DiskName.read(path) is None:
                self._volumes.require(path, key)

    def contents(self, machine: Machine, vm_uuid: UUID) -> list[tuple[str, Instance]]:
        """Key and row of what is in each drive of a VM."""
        about = About(f"disks of VM {vm_uuid}")
        rows = self._devices.rows(machine, _STORAGE, about)
        return [
            (found.key, row)
            for found in self.attachments(machine, vm_uuid)
            for row in rows
            if self._devices.is_child(row, found.drive)
        ]

    def remove_files(self, vm_uuid: UUID) -> None:
        """Delete the files of all disks of a VM that does not exist any more."""
        self._files.remove_all(DISKS, disk_pattern(vm_uuid=vm_uuid))

    def take_off(self, machine: Machine, vm_uuid: UUID, key: str) -> None:
        """Remove a disk, whatever there is of it: what is in its drive, the drive, its file."""
        about = About(f"disk {key} of VM {vm_uuid}", Resource.DISK)
        drives = self._drives(machine, key, about)
        with several_steps() as steps:
            if drives:
                contents = self._contents(machine, drives, about)
                forks = [path for row in contents if is_fork(path := row.text("HostResource"))]
                if contents:
                    self._devices.remove(contents, about)
                    steps.taken = True
                self._devices.remove(drives, about)
                steps.taken = True
                if forks:
                    # A checkpoint still has the rest; what has the checkpoint removes it.
                    for path in forks:
                        self._files.remove(DISKS, file_name(path))
                    return
            self._files.remove_all(DISKS, disk_pattern(vm_uuid=vm_uuid, key=key))

    def resize_disk(self, vm_uuid: UUID, request: ResizeDiskRequest) -> None:
        """See `IDiskResize.resize_disk`."""
        machine = self._machines.ours(vm_uuid)
        path = self.own_file(machine, vm_uuid, request.key, "key")
        about = f"disk {request.key} of VM {vm_uuid}"
        check_size(request.size_bytes, "size_bytes")
        if self._disk_files.require_growth(path, request.size_bytes, about):
            try:
                self._disk_files.resize(path, request.size_bytes, about)
            except Busy as error:
                state = self._machines.entry(machine, vm_uuid).state
                if state not in ON:
                    raise
                raise InvalidState(
                    f"{about} cannot grow while the VM runs: it is on IDE",
                    remedy="stop the VM first",
                    state=state.value,
                    detail=error.detail,
                ) from error

    def own_file(self, machine: Machine, vm_uuid: UUID, key: str, field: str) -> str:
        """The file, as the host names it, that a VM writes a disk of its own to."""
        about = About(f"{key}", Resource.DISK)
        drives = self._drives(machine, key, about)
        contents = self._contents(machine, drives, about) if drives else []
        if not contents:
            raise NotFound(f"VM {vm_uuid} has no disk {key}", resource=Resource.DISK, name=key)
        path = contents[0].text("HostResource")
        if DiskName.read(path) is None or path.lower().endswith(".iso"):
            raise Unsupported(f"disk {key} is a medium or a volume", field=field)
        return path

    def drives(self, machine: Machine, vm_uuid: UUID) -> dict[str, Instance]:
        """The drives of a VM's disks, by key."""
        return {found.key: found.drive for found in self.attachments(machine, vm_uuid)}

    def names(self, machine: Machine, vm_uuid: UUID) -> dict[str, DeviceName]:
        """The names of the disks that a VM has, by key."""
        found = self.attachments(machine, vm_uuid)
        read = [DeviceName.read(item.drive.text("ElementName")) for item in found]
        return {name.key: name for name in read if name is not None}

    def check_change(self, machine: Machine, vm_uuid: UUID, spec: DiskSpec) -> None:
        """Refuse a description that an existing disk cannot be brought to."""
        about = About(spec.key, Resource.DISK)
        drives = self._drives(machine, spec.key, about)
        rows = self._contents(machine, drives, about)
        name = DiskName.read(rows[0].text("HostResource")) if rows else None
        place = f"disks[{spec.key}]"
        if name is None and rows and rows[0].text("HostResource") == volume_path(spec):
            self._volumes.require_size(spec)
            return
        if name is None or not name.has_source_of(spec):
            raise InvalidRequest(
                f"disk {spec.key} was made from something else",
                remedy="use another key",
                field=f"{place}.source",
            )
        if spec.size_bytes is not None:
            path = rows[0].text("HostResource")
            self._disk_files.require_growth(path, spec.size_bytes, f"disk {spec.key}")

    def change(self, machine: Machine, vm_uuid: UUID, spec: DiskSpec) -> None:
        """Bring an existing disk of a stopped VM to another description."""
        about = About(f"disk {spec.key} of VM {vm_uuid}", Resource.DISK)
        [drive] = self._drives(machine, spec.key, about)
        [row] = self._contents(machine, [drive], about)
        path = row.text("HostResource")
        size = None if isinstance(spec.source, Volume) else spec.size_bytes
        if size is not None and self._disk_files.require_growth(path, size, about.name):
            self._disk_files.resize(path, size, about.name)
        renamed: dict[str, Embedded] = {
            "InstanceID": drive.text("InstanceID"),
            "ElementName": str(DeviceName.of(spec)),
        }
        limits: dict[str, Embedded] = {"InstanceID": row.text("InstanceID"), **limit_of(spec)}
        texts = [embedded(_RESOURCES, renamed), embedded(_STORAGE, limits)]
        self._devices.modify(texts, about)

    def remove_unused(self, machine: Machine, vm_uuid: UUID) -> None:
        """Delete the files of a VM's disks that it does not have any more."""
        rows = self._devices.rows(machine, _STORAGE, About(f"disks of VM {vm_uuid}"))
        used = {file_name(row.text("HostResource")).lower() for row in rows}
        for file in self._files.files(DISKS, disk_pattern(vm_uuid=vm_uuid)):
            if file.name.lower() not in used:
                self._files.remove(DISKS, file.name)

    def _drives(self, machine: Machine, key: str, about: About) -> list[Instance]:
        """The drive of a disk; more only if a request that was believed lost took effect later."""
        return [
            row
            for row in self._devices.rows(machine, _RESOURCES, about)
            if (name := DeviceName.read(row.text("ElementName"))) is not None and name.key == key
        ]

    def _contents(
        self, machine: Machine, drives: Sequence[Instance], about: About
    ) -> list[Instance]:
        """What is in drives."""
        return [
            row
            for row in self._devices.rows(machine, _STORAGE, about)
            if any(self._devices.is_child(row, drive) for drive in drives)
        ]

    def attachments(self, machine: Machine, vm_uuid: UUID) -> list[Attachment]:
        """The disks that a VM has."""
        rows = self._devices.rows(machine, _RESOURCES, About(f"disks of VM {vm_uuid}"))
        return [
            Attachment(name.key, row, controller, int(row.text("AddressOnParent") or 0))
            for row in rows
            if (name := DeviceName.read(row.text("ElementName"))) is not None
            for controller in rows
            if self._devices.is_child(row, controller)
        ]

    def sizes(self, vm_uuid: UUID) -> Iterator[tuple[str, int, int]]:
        """Key, size that the guest sees and bytes in storage of each of a VM's own disks."""
        for file in self._files.files(DISKS, disk_pattern(vm_uuid=vm_uuid)):
            name = DiskName.read(file.name)
            if name is not None and name.digest != "export":
                path, about = self._files.on_host(DISKS, file.name), f"disk {name.key}"
                is_medium = name.extension == "iso"
                size = file.size_bytes if is_medium else self._disk_files.read(path, about)
                yield (
                    name.key,
                    size if isinstance(size, int) else size.size_bytes,
                    file.size_bytes,
                )

    def _drive(self, place: Place) -> str:
        number, subtype, _ = _DVD if isinstance(place.spec.source, Media) else _DISK
        return embedded(
            _RESOURCES,
            {
                "ResourceType": Number(number, "uint16"),
                "ResourceSubType": subtype,
                "ElementName": str(DeviceName.of(place.spec)),
                "Parent": self._devices.path(place.controller),
                "AddressOnParent": str(place.slot),
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

    def _content(
        self, vm_uuid: UUID, spec: DiskSpec, drive: Instance, files: Mapping[str, str]
    ) -> str:
        subtype = (_DVD if isinstance(spec.source, Media) else _DISK)[2]
        name = files.get(spec.key) or str(DiskName.of(vm_uuid, spec))
        path = volume_path(spec) or self._files.on_host(DISKS, name)
        return embedded(
            _STORAGE,
            {
                "ResourceType": Number(_MEDIUM_TYPE, "uint16"),
                "ResourceSubType": subtype,
                "Parent": self._devices.path(drive),
                "HostResource": [path],
                **limit_of(spec),
            },
        )


def _require_equal(vm_uuid: UUID, found: DeviceName | None, wanted: DeviceName) -> None:
    if found != wanted:
        raise Conflict(
            f"VM {vm_uuid} has a disk {wanted.key} of another spec",
            remedy="detach it first, or use another key",
            resource=Resource.DISK,
            name=wanted.key,
        )
