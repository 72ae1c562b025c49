"""Disks and media of a VM that exists: they come, grow and go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from nova_virt_interface.errors import InvalidRequest, NotFound, Resource, Unsupported
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    DetachDiskRequest,
    DiskSpec,
    ResizeDiskRequest,
)
from nova_virt_interface.values.host import HostDescription
from pyVmomi import vim

from nova_virt_vmware import devices, disk_checks, requirements, translate
from nova_virt_vmware.clones import added_clone, clone_marks, without_clones
from nova_virt_vmware.datastore import Datastore, path_in
from nova_virt_vmware.devices import Slot
from nova_virt_vmware.disk_files import DiskFiles
from nova_virt_vmware.marks import boot_keys, disk_mark, disk_marks
from nova_virt_vmware.node import Node
from nova_virt_vmware.policies import under_policy
from nova_virt_vmware.session import Session
from nova_virt_vmware.vms import Found, Vms
from nova_virt_vmware.volume_marks import (
    VOLUMES,
    Backing,
    added_volume,
    volume_marks,
    volumes_of,
    volumes_text,
    with_file,
)
from nova_virt_vmware.volumes import Volumes

__all__ = ["Disks", "Plans"]

_MIB = 1024 * 1024


class Plans(NamedTuple):
    """How disks are made that are no files of their own, by their keys."""

    reached: Mapping[str, Backing]
    """Volumes."""
    cloned: Mapping[str, str] = MappingProxyType({})
    """Linked clones → the file of their image."""


_PATHS = ["config.extraConfig", "config.hardware.device", *translate.POWER_PATHS]


class Disks:
    """The disks of one compute node's VMs."""

    def __init__(
        self,
        session: Session,
        node: Node,
        datastore: Datastore,
        files: DiskFiles,
        vms: Vms,
        host: HostDescription,
        volumes: Volumes,
    ) -> None:
        self._session = session
        self._node = node
        self._datastore = datastore
        self.files = files
        self._vms = vms
        self._host = host
        self.volumes = volumes

    def resize_disk(self, vm_uuid: UUID, request: ResizeDiskRequest) -> None:
        """See `IDiskResize.resize_disk`."""
        found = self._vms.ours(vm_uuid, _PATHS)
        disk = self.of(vm_uuid, request.key, found)
        size = devices.capacity_kib(request.size_bytes)
        marks = translate.marks(found.facts["config.extraConfig"])
        volume = volumes_of(marks.get(VOLUMES)).get(request.key)
        if size < disk.capacityInKB:
            raise InvalidRequest(
                f"disk {request.key} of {disk.capacityInKB} KiB would shrink",
                remedy="ask for the size that it has, or more",
                field="size_bytes",
            )
        if size > disk.capacityInKB:
            if volume is not None:
                self.volumes.require_size(request, volume)
            else:
                self._datastore.require_room(_MIB, request.size_bytes)
            self.unlink(vm_uuid, request.key, found, disk)
            self._reconfigure(vm_uuid, found.vm_id, [devices.grown(disk, size)], {})

    def unlink(self, vm_uuid: UUID, key: str, found: Found, disk: Any) -> None:
        """Make a linked clone a whole disk: no other one grows, or leaves its datastore."""
        gone = without_clones(translate.marks(found.facts["config.extraConfig"]), [key])
        if gone:
            self._session.run(
                f"unlinking disk {key} of VM {vm_uuid}",
                lambda api: found.on(api).PromoteDisks_Task(True, [disk]),
            )
            self._reconfigure(vm_uuid, found.vm_id, [], gone)
            disk.backing.parent = None

    def of(self, vm_uuid: UUID, key: str, found: Found) -> Any:
        """The device of a disk; raises NotFound, and Unsupported for a medium."""
        mark = disk_marks(translate.marks(found.facts["config.extraConfig"])).get(key)
        device = devices.at_slot(found.facts["config.hardware.device"], mark.slot) if mark else None
        if device is None:
            raise NotFound(f"VM {vm_uuid} has no disk {key}", resource=Resource.DISK, name=key)
        if not isinstance(device, vim.vm.device.VirtualDisk):
            raise Unsupported(f"{key} is a medium", remedy="name a disk", field="key")
        return device

    def attach_disk(self, vm_uuid: UUID, request: AttachDiskRequest) -> None:
        """See `IDiskHotplug.attach_disk`."""
        spec = request.disk
        requirements.check_disk(spec, self._host, request.secrets)
        found = self._vms.ours(vm_uuid, _PATHS)
        marks = translate.marks(found.facts["config.extraConfig"])
        mark = marks.get(translate.DISK + spec.key)
        if mark is not None:
            disk_checks.require_equal(spec, mark)
            self._reorder(vm_uuid, spec.boot_index)
            return
        translate.require_pluggable(vm_uuid, found.facts)
        disk_checks.require_free(spec, marks)
        hardware = found.facts["config.hardware.device"]
        slot = devices.free_slots([spec], devices.slots_taken(hardware))[spec.key]
        disk_checks.require_off(vm_uuid, slot, found)
        images = self.files.sources([spec])
        with (
            undone_by(lambda: self._undo(vm_uuid, spec)),
            self.volumes.connected([spec]) as reached,
        ):
            cloned = self.files.clones([spec], images)
            if cloned:
                # An earlier one may have been left.
                self.files.delete_clone(self.files.file(vm_uuid, spec))
            self.files.prepare(vm_uuid, [spec], images)
            present = devices.controllers(hardware)
            changes = devices.added_controllers([slot.bus], present)
            plans = Plans(reached, cloned)
            changes.append(self.added(vm_uuid, spec, slot, present[slot.bus], plans, replace=True))
            wanted = {translate.DISK + spec.key: str(disk_mark(spec, slot))}
            wanted |= volume_marks([spec], marks) | clone_marks([spec], plans.cloned, marks)
            self._reconfigure(vm_uuid, found.vm_id, changes, wanted)
            self._reorder(vm_uuid, spec.boot_index)

    def added(
        self,
        vm_uuid: UUID,
        spec: DiskSpec,
        slot: Slot,
        controller_key: int,
        plans: Plans,
        file: str | None = None,
        *,
        replace: bool = False,
    ) -> Any:
        """The change that adds a disk which was prepared, is cloned, or is a volume that the hosts
        reach; in a file that is not where `file` says if one is named.
        """
        if spec.key in plans.reached:
            mapping = self._datastore.path(self.files.mapping(vm_uuid, spec))
            return added_volume(spec, slot, controller_key, plans.reached[spec.key], mapping)
        file = file or self._datastore.path(self.files.file(vm_uuid, spec))
        if spec.key in plans.cloned:
            return added_clone(spec, slot, controller_key, file, plans.cloned[spec.key])
        return devices.added_disk(spec, slot, controller_key, file, replace=replace)

    def under_policy(self, changes: Sequence[Any]) -> list[Any]:
        """The changes with the node's storage policy for each disk that is added."""
        return under_policy(changes, self._node.policy_id)

    def _undo(self, vm_uuid: UUID, spec: DiskSpec) -> None:
        self.detach_disk(vm_uuid, DetachDiskRequest(key=spec.key))
        self.files.delete(self.files.file(vm_uuid, spec))

    def detach_disk(self, vm_uuid: UUID, request: DetachDiskRequest) -> None:
        """See `IDiskHotplug.detach_disk`. vSphere takes a disk away without asking the guest."""
        found = self._vms.ours(vm_uuid, _PATHS)
        marks = translate.marks(found.facts["config.extraConfig"])
        mark = disk_marks(marks).get(request.key)
        if mark is None:
            self.volumes.settle()
            return
        translate.require_pluggable(vm_uuid, found.facts)
        disk_checks.require_off(vm_uuid, mark.slot, found)
        device = devices.at_slot(found.facts["config.hardware.device"], mark.slot)
        self._unplug(vm_uuid, found, marks, request.key, device)
        if device is not None and not isinstance(device, vim.vm.device.VirtualDisk):
            self._datastore.remove(path_in(device.backing.fileName))
        self._reorder(vm_uuid, mark.boot_index)

    def _unplug(
        self, vm_uuid: UUID, found: Found, marks: dict[str, str], key: str, device: Any
    ) -> None:
        """Take a disk from a VM, with its file if that is not a volume."""
        volumes, gone = volumes_of(marks.get(VOLUMES)), {translate.DISK + key: ""}
        volume = volumes.pop(key, None)
        if volume is not None:
            gone[VOLUMES] = volumes_text(volumes)
        unlinked = without_clones(marks, [key])
        is_whole = not unlinked and with_file(device, volume)
        changes = [devices.removed(device, with_file=is_whole)] if device else []
        with self.volumes.letting_go([volume] if volume else []):
            self._reconfigure(vm_uuid, found.vm_id, changes, gone | unlinked)
        if unlinked and device:
            self.files.delete_clone(path_in(device.backing.fileName))

    def _reorder(self, vm_uuid: UUID, boot_index: int | None) -> None:
        if boot_index is not None:
            self.order_boot(vm_uuid)

    def order_boot(self, vm_uuid: UUID) -> None:
        """Let the firmware try the disks in the order of their indexes (DISK-9)."""
        paths = ["config.extraConfig", "config.hardware.device", "config.bootOptions"]
        found = self._vms.ours(vm_uuid, paths)
        wanted = boot_keys(
            translate.marks(found.facts["config.extraConfig"]),
            found.facts["config.hardware.device"],
        )
        now = getattr(found.facts.get("config.bootOptions"), "bootOrder", None) or ()
        if wanted and wanted != [getattr(entry, "deviceKey", None) for entry in now]:
            self._session.run(
                f"ordering the disks of VM {vm_uuid}",
                lambda api: found.on(api).ReconfigVM_Task(devices.boot_order(wanted)),
            )

    def _reconfigure(
        self, vm_uuid: UUID, vm_id: str, changes: list[Any], marks: dict[str, str]
    ) -> None:
        spec = vim.vm.ConfigSpec(
            deviceChange=self.under_policy(changes),
            extraConfig=[
                vim.option.OptionValue(key=key, value=mark) for key, mark in marks.items()
            ],
        )
        self._session.run(
            f"changing the disks of VM {vm_uuid}",
            lambda api: vim.VirtualMachine(vm_id, api.stub).ReconfigVM_Task(spec),
        )
