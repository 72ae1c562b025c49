"""The cache of images: VDIs on the storage repository, marked once they are complete."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import replace

from nova_virt_interface.call import current_call
from nova_virt_interface.errors import (
    Conflict,
    NotFound,
    Resource,
    Unsupported,
)
from nova_virt_interface.services import IServices
from nova_virt_interface.values.images import (
    CachedImage,
    CacheImageRequest,
    DeleteImageRequest,
)

from nova_virt_xenapi import translate
from nova_virt_xenapi.bodies import FOOTER_BYTES, ImageBody, virtual_size
from nova_virt_xenapi.cache import Cache, Row, Rows
from nova_virt_xenapi.conf import Settings
from nova_virt_xenapi.marks import ImageMark, disk_mark, image_mark
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.session import Session, undone_by
from nova_virt_xenapi.tasks import Tasks
from nova_virt_xenapi.uploads import Uploads, destroy_vdi

__all__ = ["Images"]


class Images:
    """The images of one owner on one storage repository."""

    def __init__(
        self,
        session: Session,
        cache: Cache,
        uploads: Uploads,
        tasks: Tasks,
        pool: Pool,
        settings: Settings,
        services: IServices,
    ) -> None:
        self._session = session
        self._cache = cache
        self._uploads = uploads
        self._tasks = tasks
        self._pool = pool
        self._owner = settings.owner
        self._services = services
        self._lock = threading.Lock()
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)

    def lock(self, key: str) -> threading.RLock:
        """Held by whoever makes, copies or removes an image."""
        with self._lock:
            return self._locks[key]

    def require(self, key: str) -> tuple[str, ImageMark, Row]:
        """Reference, mark and record of a complete image; raises NotFound."""
        found = self.complete(self.vdis()).get(key)
        if found is None:
            self._cache.sync()
            found = self.complete(self.vdis()).get(key)
        if found is None:
            raise NotFound(
                f"image {key} is not in the cache",
                remedy="cache it first",
                resource=Resource.IMAGE,
                name=key,
            )
        return found

    def vdis(self) -> Rows:
        """All VDIs of the storage repository."""
        return {
            ref: row
            for ref, row in self._cache.rows("VDI").items()
            if row["SR"] == self._pool.storage and not row["is_a_snapshot"]
        }

    def complete(self, vdis: Rows) -> dict[str, tuple[str, ImageMark, Row]]:
        """Reference, mark and record of every complete image, by key. When two processes made one
        at the same time, all of them see the same of the two.
        """
        found = {}
        for ref, record in sorted(vdis.items(), key=lambda item: item[1]["uuid"], reverse=True):
            mark = image_mark(record, self._owner)
            if mark is not None and mark.published:
                found[mark.key] = (ref, mark, record)
        return found

    def cache_image(self, request: CacheImageRequest) -> CachedImage:
        """See `IImageCache.cache_image`."""
        if request.format not in self._pool.description.image_formats:
            raise Unsupported(f"this pool does not take {request.format} images", field="format")
        with self._session.operation(f"image {request.key}"), self.lock(request.key):
            if request.key not in self.complete(self.vdis()):
                self._cache.sync()
            vdis = self.vdis()
            if request.key not in self.complete(vdis):
                self._remove_abandoned(request.key, vdis)
                self._fetch(request)
            return self._cached(self.require(request.key))

    def list_cached_images(self) -> tuple[CachedImage, ...]:
        """See `IImageCache.list_cached_images`."""
        with self._session.operation("the cached images"):
            return tuple(self._cached(found) for found in self.complete(self.vdis()).values())

    def delete_cached_image(self, request: DeleteImageRequest) -> None:
        """See `IImageCache.delete_cached_image`."""
        with self._session.operation(f"image {request.key}"), self.lock(request.key):
            self._cache.sync()
            vdis = self.vdis()
            disks = [disk_mark(record, self._owner) for record in vdis.values()]
            if any(disk is not None and disk.image_key == request.key for disk in disks):
                raise Conflict(
                    f"image {request.key} is in use by a VM's disk",
                    resource=Resource.IMAGE,
                    name=request.key,
                )
            for ref, record in vdis.items():
                mark = image_mark(record, self._owner)
                if mark is not None and mark.key == request.key and mark.published:
                    destroy_vdi(self._session, ref)

    def _cached(self, found: tuple[str, ImageMark, Row]) -> CachedImage:
        _, mark, record = found
        return translate.cached_image(mark, record)

    def _fetch(self, request: CacheImageRequest) -> None:
        reader = self._services.images.open(request.key)
        try:
            body = ImageBody(reader, request)
            size = virtual_size(request, body.peek(FOOTER_BYTES))
            mark = ImageMark(self._owner, request.key, request.format, size)
            task = self._uploads.begin(f"image {request.key}")
            mark = replace(mark, upload_task=task)
            with undone_by(lambda: self._remove_upload(task)):
                self._make(mark, body)
        finally:
            reader.close()

    def _make(self, mark: ImageMark, body: ImageBody) -> None:
        label = f"image {mark.key}"
        record = translate.vdi_record(label, self._pool.storage, mark.size_bytes, mark)
        vdi = self._session.call("VDI.create", record)
        self._uploads.send(mark.upload_task, vdi, body, mark.format.value, label)
        current_call().check()
        uuid = self._cache.row("VDI", vdi)["uuid"]
        published = replace(mark, upload_task="", published=uuid)
        self._session.call("VDI.set_other_config", vdi, published.as_config())

    def _remove_upload(self, task: str) -> None:
        """Remove what a failed call wrote, found by its task: even when a reply was lost."""
        self._uploads.discard(task)
        for ref, record in self.vdis().items():
            mark = image_mark(record, self._owner)
            if mark is not None and mark.upload_task == task:
                destroy_vdi(self._session, ref)

    def _remove_abandoned(self, key: str, vdis: Rows) -> None:
        """Remove what crashed calls wrote: their tasks are gone, or over without success."""
        for ref, record in vdis.items():
            mark = image_mark(record, self._owner)
            if mark is None or mark.key != key or mark.published:
                continue
            if self._tasks.status(mark.upload_task) not in ("pending", "success"):
                destroy_vdi(self._session, ref)
