"""Disks of a VM: those that it is made with, and those that come, grow and go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from nova_virt_interface.errors import (
    Busy,
    Conflict,
    InvalidRequest,
    InvalidState,
    NotFound,
    Resource,
    Unsupported,
)
from nova_virt_interface.offers import secrets_of_disk
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.states import ON
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    DetachDiskRequest,
    DiskSpec,
    ResizeDiskRequest,
)
from nova_virt_interface.values.guest_settings import Firmware
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.secrets import DeviceSecret
from nova_virt_interface.values.volumes import Volume

from nova_virt_hyperv.boot_order import BootOrder
from nova_virt_hyperv.cim import Instance
from nova_virt_hyperv.disk_files import DiskFiles
from nova_virt_hyperv.disk_store import DiskStore
from nova_virt_hyperv.drives import Attachment, Drives, of_key
from nova_virt_hyperv.iscsi_volumes import IscsiVolumes, is_unit
from nova_virt_hyperv.machines import Machine, Machines
from nova_virt_hyperv.mark import DeviceName, DiskName, is_fork
from nova_virt_hyperv.session import several_steps
from nova_virt_hyperv.translate import check_disk, check_size, whole_sectors
from nova_virt_hyperv.unit_sessions import UnitSessions
from nova_virt_hyperv.volume_paths import volume_path
from nova_virt_hyperv.volumes import Volumes

__all__ = ["Disks"]


class Disks:
    """The disks of the VMs of one host."""

    def __init__(
        self,
        machines: Machines,
        drives: Drives,
        boot_order: BootOrder,
        store: DiskStore,
        disk_files: DiskFiles,
        volumes: Volumes,
        units: IscsiVolumes,
        sessions: UnitSessions,
        host: HostDescription,
    ) -> None:
        self._machines = machines
        self._drives = drives
        self._boot_order = boot_order
        self._store = store
        self._disk_files = disk_files
        self._volumes = volumes
        self._units = units
        self._sessions = sessions
        self._host = host

    def attach_disk(self, vm_uuid: UUID, request: AttachDiskRequest) -> None:
        """See `IDiskHotplug.attach_disk`."""
        spec = request.disk
        check_disk(spec, self._host, request.secrets)
        machine = self._machines.ours(vm_uuid)
        found = of_key(self._drives.find(machine, vm_uuid), spec.key)
        is_there = bool(found and found[0].is_filled)
        if is_there:
            _require_equal(vm_uuid, found[0].name, DeviceName.of(spec))
            if spec.boot_index is None:
                return
        else:
            self._machines.require_pluggable(machine, vm_uuid)
            self._store.check(spec)
        try:
            with undone_by(lambda: self.take_off(machine, vm_uuid, spec.key)):
                if not is_there:
                    # A drive without a disk, and files of one, are what a crashed call left.
                    if found:
                        self._drives.remove(found, vm_uuid, spec.key)
                    self._store.remove(vm_uuid, spec.key)
                    self._store.make(vm_uuid, spec)
                    given = request.secrets
                    self.connect(machine, vm_uuid, (spec,), machine.firmware, secrets=given)
                if spec.boot_index is not None:
                    self._boot_order.arrange(machine, vm_uuid)
        except InvalidState as error:
            error.state = self._machines.entry(machine, vm_uuid).state.value
            raise

    def detach_disk(self, vm_uuid: UUID, request: DetachDiskRequest) -> None:
        """See `IDiskHotplug.detach_disk`. Hyper-V takes a SCSI disk away without the guest's
        consent.
        """
        machine = self._machines.ours(vm_uuid)
        self._machines.require_pluggable(machine, vm_uuid)
        self.take_off(machine, vm_uuid, request.key)

    def connect(
        self,
        machine: Machine,
        vm_uuid: UUID,
        specs: Sequence[DiskSpec],
        firmware: Firmware,
        files: Mapping[str, str] | None = None,
        *,
        secrets: tuple[DeviceSecret, ...],
    ) -> list[Instance]:
        """Connect disks whose files are made; returns their drives, in the same order.

        Args:
            machine: the VM.
            vm_uuid: of the VM.
            specs: of the disks.
            firmware: what the VM boots by.
            files: names of the files of those disks that have others than a new disk has.
            secrets: of the disks.
        """
        paths = {spec.key: self._store.path(vm_uuid, spec) for spec in specs}
        paths |= self._store.paths(dict(files or {}))
        paths |= {spec.key: path for spec in specs if (path := volume_path(spec))}
        units = filter(is_unit, specs)
        paths |= {spec.key: self._units.connect(vm_uuid, spec, secrets) for spec in units}
        drives = self._drives.connect(machine, vm_uuid, specs, firmware, paths)
        if any(map(secrets_of_disk, specs)):
            self._sessions.rest_if_off(machine, vm_uuid)
        return drives

    def take_off(self, machine: Machine, vm_uuid: UUID, key: str) -> None:
        """Remove a disk, whatever there is of it: what is in its drive, the drive, its file."""
        found = of_key(self._drives.find(machine, vm_uuid), key)
        with several_steps() as steps:
            if found:
                self._drives.remove(found, vm_uuid, key)
                steps.taken = True
                forks = [item.path for item in found if is_fork(item.path)]
                if forks:
                    # A checkpoint still has the rest; what has the checkpoint removes it.
                    for path in forks:
                        self._store.remove_file(path)
                    return
            self._units.release(vm_uuid, key)
            self._store.remove(vm_uuid, key)

    def release_units(self, vm_uuid: UUID) -> None:
        """Let go of the logical units of a VM that is no more."""
        self._units.release(vm_uuid)

    def resize_disk(self, vm_uuid: UUID, request: ResizeDiskRequest) -> None:
        """See `IDiskResize.resize_disk`."""
        machine, key = self._machines.ours(vm_uuid), request.key
        found = self._require(machine, vm_uuid, key)
        if found.is_physical:
            self._units.require_grown(vm_uuid, key, request.size_bytes)
            return
        if found.is_volume:
            self._volumes.require_grown(found.path, key, request.size_bytes)
            return
        path = _own(found, "key")
        check_size(request.size_bytes, "size_bytes")
        size, about = whole_sectors(request.size_bytes), f"disk {key} of VM {vm_uuid}"
        if self._disk_files.require_growth(path, size, about):
            try:
                self._disk_files.resize(path, size, about)
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
        return _own(self._require(machine, vm_uuid, key), field)

    def require_volumes(self, machine: Machine, vm_uuid: UUID) -> None:
        """Raise PeerUnreachable if the host does not reach one of a VM's volumes."""
        for found in self._drives.find(machine, vm_uuid):
            if found.is_volume and not found.is_physical:
                self._volumes.require(found.path, found.key)

    def check_change(self, machine: Machine, vm_uuid: UUID, spec: DiskSpec) -> None:
        """Refuse a description that an existing disk cannot be brought to."""
        found = of_key(self._drives.find(machine, vm_uuid), spec.key)
        path = found[0].path if found else ""
        if found and found[0].is_physical and is_unit(spec):
            return
        if path and path == volume_path(spec):
            self._volumes.require_size(spec)
            return
        name = DiskName.read(path)
        if name is None or not name.has_source_of(spec):
            raise InvalidRequest(
                f"disk {spec.key} was made from something else",
                remedy="use another key",
                field=f"disks[{spec.key}].source",
            )
        if spec.size_bytes is not None:
            size = whole_sectors(spec.size_bytes)
            self._disk_files.require_growth(path, size, f"disk {spec.key}")

    def change(self, machine: Machine, vm_uuid: UUID, spec: DiskSpec) -> None:
        """Bring an existing disk of a stopped VM to another description."""
        about = f"disk {spec.key} of VM {vm_uuid}"
        found = self._require(machine, vm_uuid, spec.key)
        if spec.size_bytes is not None and not isinstance(spec.source, Volume):
            size = whole_sectors(spec.size_bytes)
            if self._disk_files.require_growth(found.path, size, about):
                self._disk_files.resize(found.path, size, about)
        self._drives.relabel(found, vm_uuid, spec)

    def remove_unused(self, machine: Machine, vm_uuid: UUID) -> None:
        """Delete the files of a VM's disks that it does not have any more."""
        self._store.remove_others(
            vm_uuid, [found.path for found in self._drives.find(machine, vm_uuid)]
        )

    def _require(self, machine: Machine, vm_uuid: UUID, key: str) -> Attachment:
        for found in of_key(self._drives.find(machine, vm_uuid), key):
            if found.is_filled:
                return found
        raise NotFound(f"VM {vm_uuid} has no disk {key}", resource=Resource.DISK, name=key)


def _own(found: Attachment, field: str) -> str:
    if found.is_volume or found.is_medium:
        raise Unsupported(f"disk {found.key} is a medium or a volume", field=field)
    return found.path


def _require_equal(vm_uuid: UUID, found: DeviceName, wanted: DeviceName) -> None:
    if found != wanted:
        raise Conflict(
            f"VM {vm_uuid} has a disk {wanted.key} of another spec",
            remedy="detach it first, or use another key",
            resource=Resource.DISK,
            name=wanted.key,
        )
