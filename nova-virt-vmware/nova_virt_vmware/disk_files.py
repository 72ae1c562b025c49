"""The files of disks and media: made before a VM has them, and removed when none has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from uuid import UUID

from nova_virt_interface.call import current_call
from nova_virt_interface.values.disks import DiskSpec, FromImage, Imported, Media
from nova_virt_interface.values.images import CachedImage
from nova_virt_interface.values.volumes import Volume
from pyVmomi import vim

from nova_virt_vmware import devices, disk_checks
from nova_virt_vmware.api import Api
from nova_virt_vmware.datastore import Datastore
from nova_virt_vmware.images import Images
from nova_virt_vmware.node import Node
from nova_virt_vmware.session import Session

__all__ = ["DiskFiles"]

_MIB = 1024 * 1024
# What a disk that has only differences has beside its descriptor, by kind of datastore.
_EXTENTS = ("", "-delta", "-sesparse", "-flat")


class DiskFiles:
    """The files of one compute node's disks and media."""

    def __init__(self, session: Session, node: Node, datastore: Datastore, images: Images) -> None:
        self._session = session
        self._node = node
        self._datastore = datastore
        self._images = images

    def file(self, vm_uuid: UUID, spec: DiskSpec) -> PurePosixPath:
        """The file of a disk or medium."""
        suffix = "iso" if isinstance(spec.source, Media) else "vmdk"
        return self._datastore.vm_folder(vm_uuid) / f"{spec.key}.{suffix}"

    def mapping(self, vm_uuid: UUID, spec: DiskSpec) -> PurePosixPath:
        """The file that stands for a raw device. Another compute node may have a VM of this uuid,
        with a mapping of its own.
        """
        return self._datastore.vm_folder(vm_uuid) / f"{spec.key}.{self._node.name}.vmdk"

    def sources(self, specs: Sequence[DiskSpec]) -> dict[str, CachedImage]:
        """Image key → image, and whether all fits; touches nothing.

        Raises: NotFound (image), InvalidRequest, InsufficientResources.
        """
        keys = {spec.source.image_key for spec in specs if isinstance(spec.source, FromImage)}
        images = {key: self._images.require(key) for key in keys}
        for spec in specs:
            if isinstance(spec.source, FromImage):
                disk_checks.require_size(spec, images[spec.source.image_key])
        own = [spec for spec in specs if not isinstance(spec.source, Volume)]
        if own:
            largest = max(spec.size_bytes or 0 for spec in own)
            self._datastore.require_room(_MIB * len(own), largest)
        return images

    def prepare(
        self,
        vm_uuid: UUID,
        specs: Sequence[DiskSpec],
        images: dict[str, CachedImage],
        *,
        may_clone: bool = True,
    ) -> None:
        """Make the files of media and of disks from images, in a folder that exists; blank disks
        are made when they are added to the VM.
        """
        cloned = self.clones(specs, images) if may_clone else {}
        for spec in specs:
            current_call().check()
            if spec.key in cloned:
                continue
            file = self.file(vm_uuid, spec)
            if isinstance(spec.source, Media):
                content = spec.source.content
                self._datastore.put(file, len(content), iter((content,)))
            elif isinstance(spec.source, Imported):
                self._import(spec, spec.source, file)
            elif isinstance(spec.source, FromImage):
                self._copy(spec, images[spec.source.image_key], file)

    def clones(
        self, specs: Sequence[DiskSpec], images: Mapping[str, CachedImage]
    ) -> dict[str, str]:
        """Key → file of its image, of the disks that are to be linked clones: none could have
        another size than its image.
        """
        if not self._session.settings.linked_clones:
            return {}
        found = {
            spec.key: (spec, images[spec.source.image_key])
            for spec in specs
            if isinstance(spec.source, FromImage)
        }
        return {
            key: self._datastore.path(self._images.disk(image))
            for key, (spec, image) in found.items()
            if devices.capacity_kib(spec.size_bytes)
            == devices.capacity_kib(image.virtual_size_bytes)
        }

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

    def delete_clone(self, file: PurePosixPath) -> None:
        """Remove a linked clone that no VM has, by its files' names: whether the server takes a
        clone alone, or what it is a clone of as well, the vSphere API reference leaves open.
        """
        names = [f"{file.stem}{extent}.vmdk" for extent in _EXTENTS]
        for name in sorted(self._datastore.there(file.parent, names)):
            self._datastore.remove(file.with_name(name))
