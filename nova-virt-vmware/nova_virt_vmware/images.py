"""The image cache: a folder of the datastore, in it a folder for each image, named by its key.

The image is a thick disk whose file is named by its size, so that one search tells all. It is
written into a folder of another name, which gets the key's name once the image is complete.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from nova_virt_interface.call import current_call
from nova_virt_interface.errors import (
    Conflict,
    ImageCorrupt,
    InvalidRequest,
    NotFound,
    Resource,
    Unsupported,
)
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.services import IImageReader, IServices
from nova_virt_interface.turns import Turns
from nova_virt_interface.values.disks import Imported
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.images import (
    CachedImage,
    CacheImageRequest,
    DeleteImageRequest,
    DiskFormat,
)
from pyVmomi import vim, vmodl

from nova_virt_vmware import devices, translate
from nova_virt_vmware.api import Api
from nova_virt_vmware.clones import CLONES, clones_of
from nova_virt_vmware.datastore import Datastore, File
from nova_virt_vmware.leases import Leases, Packed
from nova_virt_vmware.node import Node
from nova_virt_vmware.session import Session
from nova_virt_vmware.vmdk import ImageStream

__all__ = ["Images"]

_query = vmodl.query.PropertyCollector
_Folders = dict[str, dict[str, File]]


class Images:
    """The images of one compute node's datastore."""

    def __init__(
        self,
        session: Session,
        node: Node,
        datastore: Datastore,
        host: HostDescription,
        services: IServices,
        leases: Leases,
    ) -> None:
        self._session = session
        self._node = node
        self._datastore = datastore
        self._host = host
        self._services = services
        self._turns = Turns()
        self._leases = leases

    def list_cached_images(self) -> tuple[CachedImage, ...]:
        """See `IImageCache.list_cached_images`."""
        return tuple(_complete(self._datastore.search(self._datastore.images)))

    def cache_image(self, request: CacheImageRequest) -> CachedImage:
        """See `IImageCache.cache_image`."""
        if request.format not in self._host.image_formats:
            raise Unsupported(f"this host does not take {request.format} images", field="format")
        current_call().check()
        with self._turns.turn(request.key):
            folders = self._datastore.search(self._datastore.images)
            cached = _of_key(folders, request.key)
            if cached is None:
                self._remove_stale(folders, request.key)
                self._upload(request)
                cached = self.require(request.key)
        return cached

    def require(self, key: str) -> CachedImage:
        """The image of this key; raises NotFound."""
        cached = _of_key(self._datastore.search(self._datastore.images), key)
        if cached is None:
            raise NotFound(
                f"image {key} is not in the cache",
                remedy="cache it first",
                resource=Resource.IMAGE,
                name=key,
            )
        return cached

    def disk(self, image: CachedImage) -> PurePosixPath:
        """The image's disk."""
        return self._datastore.images / image.key / f"{image.virtual_size_bytes}.vmdk"

    def _upload(self, request: CacheImageRequest) -> None:
        vm_uuid = uuid.uuid4()
        folder = self._datastore.images / _unfinished(request.key, vm_uuid.hex)

        is_packed = self._session.settings.packed_images and request.format is DiskFormat.VMDK

        def take(stream: ImageStream, packed: Packed | None) -> None:
            with undone_by(lambda: self._datastore.remove(folder)):
                self._datastore.make_folder(folder)
                disk = folder / f"{stream.virtual_size_bytes}.vmdk"
                if packed is not None:
                    self._leases.bring(vm_uuid, disk, stream, packed)
                else:
                    self._write(disk, stream)
                self._publish(folder, request.key)

        self._read(request.key, request.format, request.size_bytes, take, is_packed=is_packed)

    def bring(self, source: Imported, disk: PurePosixPath, size_bytes: int) -> None:
        """Make a disk of what core has, into no cache; the folder exists.

        Raises: InvalidRequest (it holds more than this size); as `IImageCache.cache_image`.
        """

        def take(stream: ImageStream, _: Packed | None) -> None:
            if stream.virtual_size_bytes > size_bytes:
                raise InvalidRequest(
                    f"{disk.stem} of {size_bytes} bytes is smaller than its content of "
                    f"{stream.virtual_size_bytes}",
                    remedy="ask for a larger disk",
                    field=f"disks[{disk.stem}].size_bytes",
                )
            self._write(disk, stream)

        self._read(source.key, source.format, source.size_bytes, take)

    def _read(
        self,
        key: str,
        format: DiskFormat,
        size_bytes: int,
        take: Callable[[ImageStream, Packed | None], None],
        *,
        is_packed: bool = False,
    ) -> None:
        self._datastore.require_room(size_bytes)
        reader = self._services.images.open(key)
        try:
            source = _Counted(reader, size_bytes)
            packed = Packed(source.read, size_bytes) if is_packed else None
            read = packed.read if packed else source.read
            stream = ImageStream(read, format, size_bytes)
            if packed and not stream.is_packed:
                # No host takes it as it is.
                packed.drop()
                packed = None
            self._datastore.require_room(stream.virtual_size_bytes)
            take(stream, packed)
        finally:
            reader.close()

    def _write(self, disk: PurePosixPath, stream: ImageStream) -> None:
        size = stream.virtual_size_bytes
        extent = disk.with_name(f"{disk.stem}-flat.vmdk")
        spec = vim.VirtualDiskManager.FileBackedVirtualDiskSpec(
            diskType="preallocated", adapterType="lsiLogic", capacityKb=devices.capacity_kib(size)
        )

        def make(api: Api) -> vim.Task:
            manager = api.content.virtualDiskManager
            return manager.CreateVirtualDisk_Task(
                self._datastore.path(disk), self._node.datacenter(api), spec
            )

        self._session.run(f"making disk {disk}", make)
        # The extent is locked by nobody only once the server has forgotten it.
        self._datastore.remove(extent)
        self._datastore.put(extent, size, stream.chunks())

    def _publish(self, folder: PurePosixPath, key: str) -> None:
        try:
            self._datastore.move(folder, self._datastore.images / key)
        except Conflict:
            # Another process was faster; the images of one key are equal (IMG-1).
            self._datastore.remove(folder)

    def delete_cached_image(self, request: DeleteImageRequest) -> None:
        """See `IImageCache.delete_cached_image`."""
        if request.key in self._session.ask("the images of clones", self._cloned):
            raise Conflict(
                f"image {request.key} has disks that are linked clones of it",
                remedy="delete their VMs first",
                resource=Resource.IMAGE,
                name=request.key,
            )
        folder = self._datastore.images / _unfinished(request.key)
        try:
            # Renamed first, so that no image is ever seen that is half gone.
            self._datastore.move(self._datastore.images / request.key, folder)
        except NotFound:
            return
        self._datastore.remove(folder)

    def _cloned(self, api: Api) -> set[str]:
        """The images that disks of our VMs depend on, wherever in the vCenter these are."""
        mark, owner = translate.mark_path(CLONES), translate.mark_path(translate.OWNER)
        vms = _query.TraversalSpec(type=vim.Datastore, path="vm", skip=False)
        start = _query.ObjectSpec(obj=self._node.datastore_object(api), skip=True, selectSet=[vms])
        found = api.retrieve([start], {vim.VirtualMachine: [mark, owner]})
        ours = self._session.settings.owner
        marks = [f[mark].value for _, f in found if mark in f and _is_of(f.get(owner), ours)]
        return {image for text in marks for image in clones_of(text).values()}

    def _remove_stale(self, folders: _Folders, key: str) -> None:
        patience = timedelta(seconds=self._session.settings.stale_upload_seconds)
        left = [name for name in folders if name.startswith(_unfinished(key, ""))]
        if left:
            now = self._session.ask("the server's time", _time)
            for name in left:
                written = [file.modified for file in folders[name].values() if file.modified]
                if not written or now - max(written) > patience:
                    self._forget(name)
                    self._datastore.remove(self._datastore.images / name)

    def _forget(self, name: str) -> None:
        """The VM of an import whose folder is left over."""
        number = name.rpartition(".")[2]
        if re.fullmatch("[0-9a-f]{32}", number):
            self._leases.forget(uuid.UUID(number))


class _Counted:
    """Reads an image, counts its bytes, tells the progress, and notices a cancel."""

    def __init__(self, reader: IImageReader, size_bytes: int) -> None:
        self._reader = reader
        self._size = size_bytes
        self._done = 0

    def read(self, size_bytes: int) -> bytes:
        """The next bytes; ImageCorrupt at the end if it is not where it should be."""
        chunk: bytes = self._reader.read(size_bytes)
        self._done += len(chunk)
        if self._done > self._size or (not chunk and self._done < self._size):
            raise ImageCorrupt(
                f"the image has {self._done} bytes so far instead of {self._size}",
                remedy="correct its size in the image store",
            )
        current_call().check()
        current_call().progress(self._done, self._size)
        return chunk


def _is_of(option: Any, owner: str) -> bool:
    """Also of an operator's clone: its disks may depend on an image as well."""
    return option is not None and str(option.value).startswith(f"{owner} ")


def _unfinished(key: str, number: str | None = None) -> str:
    return f".unfinished-{key}.{uuid.uuid4().hex if number is None else number}"


def _complete(folders: _Folders) -> Iterator[CachedImage]:
    sizes = {
        key: {name: file.size_bytes for name, file in files.items()}
        for key, files in folders.items()
    }
    yield from translate.cached_images(sizes)


def _of_key(folders: _Folders, key: str) -> CachedImage | None:
    return next((image for image in _complete(folders) if image.key == key), None)


def _time(api: Api) -> datetime:
    moment: datetime = vim.ServiceInstance("ServiceInstance", api.stub).CurrentTime()
    return moment
