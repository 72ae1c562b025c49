"""Disks and media of a VM: their files, and plugging them into a VM that exists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from nova_virt_interface.call import current_call
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Conflict, InvalidRequest, NotFound, Resource, Unsupported
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    DetachDiskRequest,
    DiskSpec,
    FromImage,
    Imported,
    Media,
    ResizeDiskRequest,
)
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.images import CachedImage
from pyVmomi import vim

from nova_virt_vmware import devices, requirements, translate
from nova_virt_vmware.api import Api
from nova_virt_vmware.datastore import Datastore, path_in
from nova_virt_vmware.images import Images
from nova_virt_vmware.marks import DiskMark, boot_keys, disk_mark, disk_marks, kept_disks
from nova_virt_vmware.node import Node
from nova_virt_vmware.session import Session
from nova_virt_vmware.vms import Found, Vms

__all__ = ["Disks"]

_MIB = 1024 * 1024
_PATHS = ["config.extraConfig", "config.hardware.device", *translate.POWER_PATHS]


class Disks:
    """The disks of one compute node's VMs."""

    def __init__(
        self,
        session: Session,
        node: Node,
        datastore: Datastore,
        images: Images,
        vms: Vms,
        host: HostDescription,
    ) -> None:
        self._session = session
        self._node = node
        self._datastore = datastore
        self._images = images
        self._vms = vms
        self._host = host

    def file(self, vm_uuid: UUID, spec: DiskSpec) -> PurePosixPath:
        """The file of a disk or medium."""
        suffix = "iso" if isinstance(spec.source, Media) else "vmdk"
        return self._datastore.vm_folder(vm_uuid) / f"{spec.key}.{suffix}"

    def sources(self, specs: Sequence[DiskSpec]) -> dict[str, CachedImage]:
        """Image key → image, and whether all fits; touches nothing.

        Raises: NotFound (image), InvalidRequest, InsufficientResources.
        """
        keys = {spec.source.image_key for spec in specs if isinstance(spec.source, FromImage)}
        images = {key: self._images.require(key) for key in keys}
        for spec in specs:
            if isinstance(spec.source, FromImage):
                _require_size(spec, images[spec.source.image_key])
        if specs:
            largest = max(spec.size_bytes or 0 for spec in specs)
            self._datastore.require_room(_MIB * len(specs), largest)
        return images

    def prepare(
        self, vm_uuid: UUID, specs: Sequence[DiskSpec], images: dict[str, CachedImage]
    ) -> None:
        """Make the files of media and of disks from images, in a folder that exists; blank disks
        are made when they are added to the VM.
        """
        for spec in specs:
            current_call().check()
            file = self.file(vm_uuid, spec)
            if isinstance(spec.source, Media):
                content = spec.source.content
                self._datastore.put(file, len(content), iter((content,)))
            elif isinstance(spec.source, Imported):
                self._import(spec, spec.source, file)
            elif isinstance(spec.source, FromImage):
                self._copy(spec, images[spec.source.image_key], file)

    def _import(self, spec: DiskSpec, source: Imported, file: PurePosixPath) -> None:
        size = spec.size_bytes or 0
        self._images.bring(source, file, size)
        self.extend(self._datastore.path(file), devices.capacity_kib(size))

    def _copy(self, spec: DiskSpec, image: CachedImage, file: PurePosixPath) -> None:
        target = self._datastore.path(file)
        self.copy(self._datastore.path(self._images.disk(image)), target)
        size = devices.capacity_kib(spec.size_bytes)
        if size > devices.capacity_kib(image.virtual_size_bytes):
            self.extend(target, size)

    def copy(self, source: str, target: str) -> None:
        """Make a thin copy of a disk's file; what a crash left of one is overwritten."""
        thin = vim.VirtualDiskManager.VirtualDiskSpec(diskType="thin", adapterType="lsiLogic")

        def copy(api: Api) -> vim.Task:
            datacenter = self._node.datacenter(api)
            return api.content.virtualDiskManager.CopyVirtualDisk_Task(
                source, datacenter, target, datacenter, thin, True
            )

        self._session.run(f"copying {source} to {target}", copy)

    def extend(self, file: str, size_kib: int) -> None:
        """Enlarge a disk's file that no VM has; one of this size stays as it is."""

        def extend(api: Api) -> vim.Task:
            return api.content.virtualDiskManager.ExtendVirtualDisk_Task(
                file, self._node.datacenter(api), size_kib, False
            )

        self._session.run(f"extending {file}", extend)

    def delete(self, file: PurePosixPath) -> None:
        """Remove a disk or medium that no VM has; one that is gone is gone."""
        self._datastore.remove(file)
        if file.suffix == ".vmdk":
            self._datastore.remove(file.with_name(f"{file.stem}-flat.vmdk"))

    def resize_disk(self, vm_uuid: UUID, request: ResizeDiskRequest) -> None:
        """See `IDiskResize.resize_disk`."""
        found = self._vms.ours(vm_uuid, _PATHS)
        disk = self.of(vm_uuid, request.key, found)
        size = devices.capacity_kib(request.size_bytes)
        if size < disk.capacityInKB:
            raise InvalidRequest(
                f"disk {request.key} of {disk.capacityInKB} KiB would shrink",
                remedy="ask for the size that it has, or more",
                field="size_bytes",
            )
        if size > disk.capacityInKB:
            self._datastore.require_room(_MIB, request.size_bytes)
            self._reconfigure(vm_uuid, found.vm_id, [devices.grown(disk, size)], {})

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
        mark = translate.marks(found.facts["config.extraConfig"]).get(translate.DISK + spec.key)
        if mark is not None:
            _require_equal(spec, mark)
            self._reorder(vm_uuid, spec.boot_index)
            return
        translate.require_pluggable(vm_uuid, found.facts)
        _require_free(spec, translate.marks(found.facts["config.extraConfig"]))
        hardware = found.facts["config.hardware.device"]
        slot = devices.free_slots([spec], devices.slots_taken(hardware))[spec.key]
        images = self.sources([spec])
        with undone_by(lambda: self._undo(vm_uuid, spec)):
            self.prepare(vm_uuid, [spec], images)
            present = devices.controllers(hardware)
            changes = devices.added_controllers([slot.bus], present)
            file = self._datastore.path(self.file(vm_uuid, spec))
            changes.append(devices.added_disk(spec, slot, present[slot.bus], file, replace=True))
            self._reconfigure(vm_uuid, found.vm_id, changes, {spec.key: str(disk_mark(spec, slot))})
            self._reorder(vm_uuid, spec.boot_index)

    def _undo(self, vm_uuid: UUID, spec: DiskSpec) -> None:
        self.detach_disk(vm_uuid, DetachDiskRequest(key=spec.key))
        self.delete(self.file(vm_uuid, spec))

    def detach_disk(self, vm_uuid: UUID, request: DetachDiskRequest) -> None:
        """See `IDiskHotplug.detach_disk`. vSphere takes a disk away without asking the guest."""
        found = self._vms.ours(vm_uuid, _PATHS)
        key = request.key
        mark = translate.marks(found.facts["config.extraConfig"]).get(translate.DISK + key)
        if mark is None:
            return
        translate.require_pluggable(vm_uuid, found.facts)
        parsed = DiskMark.parse(mark)
        slot = parsed.slot
        device = devices.at_slot(found.facts["config.hardware.device"], slot)
        is_disk = isinstance(device, vim.vm.device.VirtualDisk)
        changes = [devices.removed(device, with_file=is_disk)] if device else []
        self._reconfigure(vm_uuid, found.vm_id, changes, {key: ""})
        if device is not None and not is_disk:
            self._datastore.remove(path_in(device.backing.fileName))
        self._reorder(vm_uuid, parsed.boot_index)

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
            deviceChange=changes,
            extraConfig=[
                vim.option.OptionValue(key=translate.DISK + key, value=mark)
                for key, mark in marks.items()
            ],
        )
        self._session.run(
            f"changing the disks of VM {vm_uuid}",
            lambda api: vim.VirtualMachine(vm_id, api.stub).ReconfigVM_Task(spec),
        )


def _require_size(spec: DiskSpec, image: CachedImage) -> None:
    if (spec.size_bytes or 0) < image.virtual_size_bytes:
        raise InvalidRequest(
            f"disk {spec.key} of {spec.size_bytes} bytes is smaller than its image "
            f"of {image.virtual_size_bytes}",
            remedy="ask for a larger disk, or use a smaller image",
            field=f"disks[{spec.key}].size_bytes",
        )


def _require_equal(spec: DiskSpec, mark: str) -> None:
    if DiskMark.parse(mark).digest != spec_digest(spec):
        raise Conflict(
            f"the VM has a disk {spec.key} of another spec",
            remedy="detach it first, or use another key",
            resource=Resource.DISK,
            name=spec.key,
        )


def _require_free(spec: DiskSpec, marks: dict[str, str]) -> None:
    if spec.key in kept_disks(marks):
        raise Conflict(
            f"a pending resize has set a disk {spec.key} aside",
            remedy="confirm or revert the resize first, or use another key",
            resource=Resource.DISK,
            name=spec.key,
        )
