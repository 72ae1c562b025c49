"""The cache of images: VHDX files on the host, uploaded once, on which disks of VMs are built."""

from __future__ import annotations

import secrets
import time

from nova_virt_interface import offers
from nova_virt_interface.call import current_call
from nova_virt_interface.errors import (
    BackendError,
    Conflict,
    ImageCorrupt,
    InvalidRequest,
    NotFound,
    Resource,
    Unsupported,
)
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.services import IImageSource
from nova_virt_interface.turns import Turns
from nova_virt_interface.values.disks import Imported
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.images import (
    CachedImage,
    CacheImageRequest,
    DeleteImageRequest,
    DiskFormat,
)

from nova_virt_hyperv.conf import Settings
from nova_virt_hyperv.disk_files import DiskFiles
from nova_virt_hyperv.files import DISKS, IMAGES, File, Files
from nova_virt_hyperv.inventory import free_storage_bytes
from nova_virt_hyperv.mark import disk_pattern
from nova_virt_hyperv.session import Session
from nova_virt_hyperv.wmi import Wmi

__all__ = ["Images"]

_CHUNK_BYTES = 1024 * 1024
_SUFFIX = ".vhdx"
# No key begins like this, so that an unfinished upload is never taken for an image.
_UNFINISHED = "_"


class Images:
    """The images of one host. A file of its final name is complete."""

    def __init__(
        self,
        session: Session,
        wmi: Wmi,
        files: Files,
        disk_files: DiskFiles,
        host: HostDescription,
        settings: Settings,
        source: IImageSource,
    ) -> None:
        self._session = session
        self._wmi = wmi
        self._files = files
        self._disk_files = disk_files
        self._host = host
        self._settings = settings
        self._source = source
        self._turns = Turns()
        self._sizes: dict[tuple[str, int], int] = {}

    def cache_image(self, request: CacheImageRequest) -> CachedImage:
        """See `IImageCache.cache_image`."""
        if request.format not in self._host.image_formats:
            raise Unsupported(f"this host does not take {request.format} images", field="format")
        self._session.require_open()
        with self._turns.turn(request.key):
            found = self._find(request.key)
            if found is None:
                self._upload(request)
                found = self._find(request.key)
        if found is None:
            raise BackendError(f"image {request.key} vanished after it was uploaded")
        return self._describe(found)

    def list_cached_images(self) -> tuple[CachedImage, ...]:
        """See `IImageCache.list_cached_images`."""
        self._session.require_open()
        return tuple(
            self._describe(file)
            for file in self._files.files(IMAGES, f"*{_SUFFIX}")
            if not file.name.startswith(_UNFINISHED)
        )

    def delete_cached_image(self, request: DeleteImageRequest) -> None:
        """See `IImageCache.delete_cached_image`."""
        self._session.require_open()
        with self._turns.turn(request.key):
            users = self._files.files(DISKS, disk_pattern(image_key=request.key))
            if users:
                raise Conflict(
                    f"image {request.key} is in use by {len(users)} disks, one is {users[0].name}",
                    remedy="delete the VMs that were made from it first",
                    resource=Resource.IMAGE,
                    name=request.key,
                )
            self._files.remove(IMAGES, request.key + _SUFFIX)

    def require(self, key: str) -> CachedImage:
        """An image of the cache; raises NotFound."""
        found = self._find(key)
        if found is None:
            raise NotFound(f"image {key} is not in the cache", resource=Resource.IMAGE, name=key)
        return self._describe(found)

    def path(self, key: str) -> str:
        """Where the host has an image."""
        return self._files.on_host(IMAGES, key + _SUFFIX)

    def _find(self, key: str) -> File | None:
        return next(iter(self._files.files(IMAGES, key + _SUFFIX)), None)

    def _upload(self, request: CacheImageRequest) -> None:
        self._remove_abandoned(request.key)
        free = free_storage_bytes(self._wmi, self._settings)
        about = f"image {request.key}"
        offers.require_free(Resource.STORAGE, request.size_bytes, free, what=about)
        name = f"{_UNFINISHED}{request.key}.{secrets.token_hex(8)}{_SUFFIX}"
        with undone_by(lambda: self._files.remove(IMAGES, name)):
            self._copy(request, IMAGES, name)
            self._check(request.key, IMAGES, name)
            if not self._files.publish(IMAGES, name, request.key + _SUFFIX):
                # Another process has brought the same image meanwhile.
                self._files.remove(IMAGES, name)

    def bring(self, source: Imported, folder: str, name: str, most_bytes: int) -> None:
        """Write a whole disk that another host exported, which may have so many bytes at most."""
        with undone_by(lambda: self._files.remove(folder, name)):
            self._copy(source, folder, name)
            size = self._check(source.key, folder, name)
            if size > most_bytes:
                raise InvalidRequest(
                    f"a disk of {most_bytes} bytes is smaller than its content of {size}",
                    remedy="ask for a larger disk",
                    field="size_bytes",
                )

    def _copy(self, request: CacheImageRequest | Imported, folder: str, name: str) -> None:
        call, done = current_call(), 0
        reader = self._source.open(request.key)
        try:
            with self._files.new(folder, name) as file:
                while chunk := reader.read(_CHUNK_BYTES):
                    call.check()
                    done += file.write(chunk)
                    call.progress(done, request.size_bytes)
                call.check()
        finally:
            reader.close()
        if done != request.size_bytes:
            raise ImageCorrupt(
                f"image {request.key} has {done} bytes instead of {request.size_bytes}",
                remedy="correct its record in the image store, or upload it again",
            )

    def _check(self, key: str, folder: str, name: str) -> int:
        """Let the host read what was written; returns the disk's size."""
        try:
            found = self._disk_files.read(self._files.on_host(folder, name), f"image {key}")
        except BackendError as error:
            raise ImageCorrupt(
                f"the host cannot read image {key}",
                detail=error.detail,
                remedy="upload the image again, as VHDX",
            ) from error
        if found.parent_path:
            raise ImageCorrupt(
                f"image {key} is a differencing disk of {found.parent_path}",
                remedy="merge it with its parent, then upload the image again",
            )
        return found.size_bytes

    def _describe(self, file: File) -> CachedImage:
        key = file.name.removesuffix(_SUFFIX)
        known = (key, file.size_bytes)
        if known not in self._sizes:
            path = self._files.on_host(IMAGES, file.name)
            # An image never changes, so that its size has to be asked for only once.
            self._sizes[known] = self._disk_files.read(path, f"image {key}").size_bytes
        return CachedImage(
            key=key,
            format=DiskFormat.VHDX,
            virtual_size_bytes=self._sizes[known],
            stored_bytes=file.size_bytes,
        )

    def _remove_abandoned(self, key: str) -> None:
        """Remove what a crashed upload of the image left; a live one is younger, and locked."""
        for file in self._files.files(IMAGES, f"{_UNFINISHED}{key}.*{_SUFFIX}"):
            if time.time() - file.changed_at > self._settings.stale_upload_seconds:
                self._files.remove(IMAGES, file.name)
