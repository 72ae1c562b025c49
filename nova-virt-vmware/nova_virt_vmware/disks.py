"""Disks and media of a VM: their files, and plugging them into a VM that exists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from nova_virt_interface.call import current_call
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Conflict, InvalidRequest, Resource
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    DetachDiskRequest,
    DiskSpec,
    FromImage,
    Media,
)
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.images import CachedImage
from pyVmomi import vim

from nova_virt_vmware import devices, requirements, translate
from nova_virt_vmware.api import Api
from nova_virt_vmware.datastore import Datastore
from nova_virt_vmware.devices import Slot
from nova_virt_vmware.images import Images
from nova_virt_vmware.node import Node
from nova_virt_vmware.session import Session
from nova_virt_vmware.vms import Vms

__all__ = ["Disks"]

_MIB = 1024 * 1024


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
            elif isinstance(spec.source, FromImage):
                self._copy(spec, images[spec.source.image_key], file)

    def _copy(self, spec: DiskSpec, image: CachedImage, file: PurePosixPath) -> None:
        source, target = self._images.disk(image), self._datastore.path(file)
        thin = vim.VirtualDiskManager.VirtualDiskSpec(diskType="thin", adapterType="lsiLogic")

        def copy(api: Api) -> vim.Task:
            datacenter = self._node.datacenter(api)
            return api.content.virtualDiskManager.CopyVirtualDisk_Task(
                self._datastore.path(source), datacenter, target, datacenter, thin, True
            )

        def extend(api: Api) -> vim.Task:
            return api.content.virtualDiskManager.ExtendVirtualDisk_Task(
                target, self._node.datacenter(api), size, False
            )

        self._session.run(f"copying image {image.key} to {file}", copy)
        size = devices.capacity_kib(spec.size_bytes)
        if size > devices.capacity_kib(image.virtual_size_bytes):
            self._session.run(f"extending {file}", extend)

    def attach_disk(self, vm_uuid: UUID, request: AttachDiskRequest) -> None:
        """See `IDiskHotplug.attach_disk`."""
        spec = request.disk
        requirements.check_disk(spec, self._host, request.secrets)
        found = self._vms.ours(vm_uuid, ["config.extraConfig", "config.hardware.device"])
        mark = translate.marks(found.facts["config.extraConfig"]).get(translate.DISK + spec.key)
        if mark is not None:
            _require_equal(spec, mark)
            return
        hardware = found.facts["config.hardware.device"]
        slot = devices.free_slots([spec], devices.slots_taken(hardware))[spec.key]
        images = self.sources([spec])
        with undone_by(lambda: self._undo(vm_uuid, spec)):
            self.prepare(vm_uuid, [spec], images)
            present = devices.controllers(hardware)
            changes = devices.added_controllers([slot.bus], present)
            file = self._datastore.path(self.file(vm_uuid, spec))
            changes.append(devices.added_disk(spec, slot, present[slot.bus], file, replace=True))
            self._reconfigure(vm_uuid, found.vm_id, changes, {spec.key: disk_mark(spec, slot)})

    def _undo(self, vm_uuid: UUID, spec: DiskSpec) -> None:
        self.detach_disk(vm_uuid, DetachDiskRequest(key=spec.key))
        file = self.file(vm_uuid, spec)
        self._datastore.remove(file)
        if not isinstance(spec.source, Media):
            self._datastore.remove(file.with_name(f"{spec.key}-flat.vmdk"))

    def detach_disk(self, vm_uuid: UUID, request: DetachDiskRequest) -> None:
        """See `IDiskHotplug.detach_disk`. vSphere takes a disk away without asking the guest."""
        found = self._vms.ours(vm_uuid, ["config.extraConfig", "config.hardware.device"])
        key = request.key
        mark = translate.marks(found.facts["config.extraConfig"]).get(translate.DISK + key)
        if mark is None:
            return
        slot = Slot.parse(mark.partition(" ")[0])
        device = devices.at_slot(found.facts["config.hardware.device"], slot)
        is_disk = isinstance(device, vim.vm.device.VirtualDisk)
        changes = [devices.removed(device, with_file=is_disk)] if device else []
        self._reconfigure(vm_uuid, found.vm_id, changes, {key: ""})
        if not is_disk:
            self._datastore.remove(self._datastore.vm_folder(vm_uuid) / f"{key}.iso")

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


def disk_mark(spec: DiskSpec, slot: Slot) -> str:
    """What the VM keeps about a disk: where it is, and what it was made from."""
    return f"{slot} {spec_digest(spec)}"


def _require_size(spec: DiskSpec, image: CachedImage) -> None:
    if (spec.size_bytes or 0) < image.virtual_size_bytes:
        raise InvalidRequest(
            f"disk {spec.key} of {spec.size_bytes} bytes is smaller than its image "
            f"of {image.virtual_size_bytes}",
            remedy="ask for a larger disk, or use a smaller image",
            field=f"disks[{spec.key}].size_bytes",
        )


def _require_equal(spec: DiskSpec, mark: str) -> None:
    if mark.partition(" ")[2] != spec_digest(spec):
        raise Conflict(
            f"the VM has a disk {spec.key} of another spec",
            remedy="detach it first, or use another key",
            resource=Resource.DISK,
            name=spec.key,
        )
