"""The image cache: whole, checked copies of images, on which disks are laid.

libvirt cannot rename a volume, so an upload has a name of its own until a marker beside it
publishes it: a copy without a marker is never seen, however its upload ended.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from nova_virt_interface import offers
from nova_virt_interface.errors import (
    Busy,
    Conflict,
    ImageCorrupt,
    NotFound,
    Resource,
    Unsupported,
)
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.services import IImageReader, IServices
from nova_virt_interface.turns import Turns
from nova_virt_interface.values.disks import Imported
from nova_virt_interface.values.images import (
    CachedImage,
    CacheImageRequest,
    DeleteImageRequest,
    DiskFormat,
)

from nova_virt_libvirt.capabilities import Capabilities
from nova_virt_libvirt.conf import Settings
from nova_virt_libvirt.image_check import ImageCheck
from nova_virt_libvirt.image_volumes import (
    attempt_volumes,
    cached_image,
    is_depended_on,
    marked,
    published,
    stale_uploads,
    written_at,
)
from nova_virt_libvirt.names import ImageName
from nova_virt_libvirt.session import Session
from nova_virt_libvirt.storage import Storage
from nova_virt_libvirt.streams import CHUNK_BYTES

__all__ = ["Images", "StoredImage"]

_log = logging.getLogger(__name__)

_RAW = DiskFormat.RAW.value
_turns = Turns()
"""Of the process, because connections share a host's cache."""


@dataclass(frozen=True, kw_only=True)
class StoredImage:
    """A cached image as disks are made of it."""

    volume: Any
    format: DiskFormat
    virtual_size_bytes: int


class Images:
    """The cache of one backend."""

    def __init__(
        self,
        session: Session,
        storage: Storage,
        host: Capabilities,
        settings: Settings,
        services: IServices,
    ) -> None:
        self._session = session
        self._storage = storage
        self._formats = host.description.image_formats
        self._settings = settings
        self._services = services
        self._users: Counter[str] = Counter()
        self._users_guard = threading.Lock()

    def cache_image(self, request: CacheImageRequest) -> CachedImage:
        """See `IImageCache.cache_image`."""
        if request.format not in self._formats:
            raise Unsupported(
                f"the image cache takes no {request.format.value}",
                remedy="convert the image to qcow2 or raw",
                field="format",
            )
        name = ImageName(request.key, uuid4().hex, request.format.value)
        use = self._session.use
        with (
            self._turn(request.key),
            undone_by(lambda: self._discard(name)),
            use(about=f"image {request.key}", changing=True) as connection,
        ):
            volumes = self._storage.volumes(connection)
            if request.key not in published(volumes):
                self._require_space(connection, request.size_bytes)
                size = self._fetch(connection, request, name)
                self._storage.create(
                    connection, replace(name, virtual_size_bytes=size).marker, 0, _RAW
                )
                volumes = self._storage.volumes(connection)
                self._settle(volumes, name)
            return cached_image(published(volumes)[request.key][0], volumes)

    def list_cached_images(self) -> tuple[CachedImage, ...]:
        """See `IImageCache.list_cached_images`."""
        with self._session.use(about="the image cache") as connection:
            volumes = self._storage.volumes(connection)
            return tuple(cached_image(copies[0], volumes) for copies in published(volumes).values())

    def delete_cached_image(self, request: DeleteImageRequest) -> None:
        """See `IImageCache.delete_cached_image`."""
        with (
            self._turn(request.key),
            self._session.use(about=f"image {request.key}", changing=True) as connection,
        ):
            volumes = self._storage.volumes(connection)
            copies = published(volumes).get(request.key, [])
            if copies and (
                self._users[request.key]
                or is_depended_on(volumes, [copy.volume for copy in copies])
            ):
                raise Conflict(
                    f"a VM's disk depends on image {request.key}",
                    resource=Resource.IMAGE,
                    name=request.key,
                    remedy="delete the VM first",
                )
            for copy in marked(volumes, request.key):
                self._remove_attempt(volumes, copy)

    def imported(self, connection: Any, vm_uuid: UUID, source: Imported) -> StoredImage:
        """Bring what core offers to import to the host, as a volume that belongs to a VM."""
        name = f"{vm_uuid}-import.{uuid4().hex}.{source.format.value}"
        request = CacheImageRequest(
            key=source.key, format=source.format, size_bytes=source.size_bytes
        )
        reader = self._services.images.open(source.key)
        check = ImageCheck(source.format)
        try:
            self._require_space(connection, source.size_bytes)
            volume = self._storage.create(connection, name, source.size_bytes, _RAW)
            try:
                content = _checked(reader, check, request)
                self._storage.upload(connection, volume, content, source.size_bytes)
                size = check.finish() or source.size_bytes
            except BaseException:
                self._storage.remove(volume)
                raise
        finally:
            reader.close()
        return StoredImage(volume=volume, format=source.format, virtual_size_bytes=size)

    @contextmanager
    def used(self, connection: Any, key: str) -> Iterator[StoredImage]:
        """Find an image, and keep it from deletion inside the block; raises NotFound (image)."""
        with self._users_guard:
            self._users[key] += 1
        try:
            volumes = self._storage.volumes(connection)
            copies = published(volumes).get(key)
            if not copies:
                raise NotFound(
                    f"image {key} is not cached here",
                    resource=Resource.IMAGE,
                    name=key,
                    remedy="cache it first",
                )
            yield StoredImage(
                volume=volumes[copies[0].volume],
                format=DiskFormat(copies[0].format),
                virtual_size_bytes=copies[0].virtual_size_bytes or 0,
            )
        finally:
            with self._users_guard:
                self._users[key] -= 1

    def _turn(self, key: str) -> AbstractContextManager[None]:
        return _turns.turn((self._settings.uri, self._settings.storage_pool, key))

    def _fetch(self, connection: Any, request: CacheImageRequest, name: ImageName) -> int:
        """Bring the bytes to the host and return the size of the disk that they are."""
        reader = self._services.images.open(request.key)
        check = ImageCheck(request.format)
        try:
            volume = self._storage.create(connection, name.volume, request.size_bytes, _RAW)
            self._sweep(connection, written_at(volume))
            self._storage.upload(
                connection, volume, _checked(reader, check, request), request.size_bytes
            )
        finally:
            reader.close()
        return check.finish() or request.size_bytes

    def _settle(self, volumes: dict[str, Any], ours: ImageName) -> None:
        """Choose among copies that processes made at the same time; all of them choose the same."""
        copies = published(volumes).get(ours.key, [])
        if not copies:
            raise Busy(
                f"another process removed image {ours.key} while it was cached", remedy="repeat it"
            )
        if copies[0].attempt != ours.attempt and not is_depended_on(volumes, [ours.volume]):
            self._remove_attempt(volumes, ours)

    def _discard(self, name: ImageName) -> None:
        with self._session.use(about=f"image {name.key}", changing=True) as connection:
            self._remove_attempt(self._storage.volumes(connection), name)

    def _remove_attempt(self, volumes: dict[str, Any], name: ImageName) -> None:
        for volume in attempt_volumes(volumes, name):
            self._storage.remove(volumes[volume])

    def _sweep(self, connection: Any, now: float) -> None:
        """Remove what uploads of crashed processes left."""
        volumes = self._storage.volumes(connection)
        for name in stale_uploads(volumes, now, self._settings.stale_upload_seconds):
            _log.warning("removing %s, which an upload that was broken off left", name)
            self._storage.remove(volumes[name])

    def _require_space(self, connection: Any, needed: int) -> None:
        _, available = self._storage.capacity(connection)
        offers.require_free(Resource.STORAGE, needed, available, what="the image")


def _checked(
    reader: IImageReader, check: ImageCheck, request: CacheImageRequest
) -> Iterator[bytes]:
    done = 0
    while chunk := reader.read(CHUNK_BYTES):
        done += len(chunk)
        if done > request.size_bytes:
            break
        check.feed(chunk)
        yield chunk
    if done != request.size_bytes:
        more = "more than" if done > request.size_bytes else f"{done} of"
        raise ImageCorrupt(
            f"the source of image {request.key} delivered {more} {request.size_bytes} bytes",
            remedy="check the image in its store",
        )
