"""The cache of images: VDIs on the storage repository, marked once they are complete."""

from __future__ import annotations

import struct
import threading
from collections import defaultdict
from dataclasses import replace
from typing import Any, Final

from nova_virt_interface.call import current_call
from nova_virt_interface.errors import (
    Conflict,
    ImageCorrupt,
    NotFound,
    Resource,
    Unsupported,
)
from nova_virt_interface.services import IImageReader, IServices
from nova_virt_interface.values.images import (
    CachedImage,
    CacheImageRequest,
    DeleteImageRequest,
    DiskFormat,
)

from nova_virt_xenapi import translate
from nova_virt_xenapi.conf import Settings
from nova_virt_xenapi.marks import DiskMark, ImageMark, disk_mark, image_mark
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.session import Session, undone_by
from nova_virt_xenapi.uploads import Uploads, destroy_vdi

__all__ = ["Images"]

_FOOTER_BYTES: Final = 512


class Images:
    """The images of one owner on one storage repository."""

    def __init__(
        self,
        session: Session,
        uploads: Uploads,
        pool: Pool,
        settings: Settings,
        services: IServices,
    ) -> None:
        self._session = session
        self._uploads = uploads
        self._pool = pool
        self._owner = settings.owner
        self._services = services
        self._lock = threading.Lock()
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)

    def lock(self, key: str) -> threading.RLock:
        """Held by whoever makes, copies or removes an image."""
        with self._lock:
            return self._locks[key]

    def vdis(self) -> dict[str, dict[str, Any]]:
        """All VDIs of the storage repository; one question."""
        records = self._session.call("VDI.get_all_records")
        return {ref: row for ref, row in records.items() if row["SR"] == self._pool.storage}

    def complete(
        self, vdis: dict[str, dict[str, Any]]
    ) -> dict[str, tuple[str, ImageMark, dict[str, Any]]]:
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
            vdis = self.vdis()
            if request.key not in self.complete(vdis):
                self._remove_abandoned(request.key, vdis)
                self._fetch(request)
                vdis = self.vdis()
            if request.key not in self.complete(vdis):
                raise NotFound(
                    f"image {request.key} was removed as soon as it was there",
                    resource=Resource.IMAGE,
                    name=request.key,
                )
            return self._cached(self.complete(vdis)[request.key])

    def list_cached_images(self) -> tuple[CachedImage, ...]:
        """See `IImageCache.list_cached_images`."""
        with self._session.operation("the cached images"):
            return tuple(self._cached(found) for found in self.complete(self.vdis()).values())

    def delete_cached_image(self, request: DeleteImageRequest) -> None:
        """See `IImageCache.delete_cached_image`."""
        with self._session.operation(f"image {request.key}"), self.lock(request.key):
            vdis = self.vdis()
            disks = [disk_mark(record, self._owner) for record in vdis.values()]
            if any(isinstance(disk, DiskMark) and disk.image_key == request.key for disk in disks):
                raise Conflict(
                    f"image {request.key} is in use by a VM's disk",
                    resource=Resource.IMAGE,
                    name=request.key,
                )
            for ref, record in vdis.items():
                mark = image_mark(record, self._owner)
                if mark is not None and mark.key == request.key and mark.published:
                    destroy_vdi(self._session, ref)

    def _cached(self, found: tuple[str, ImageMark, dict[str, Any]]) -> CachedImage:
        _, mark, record = found
        return translate.cached_image(mark, record, self._pool.description.disk_formats[0])

    def _fetch(self, request: CacheImageRequest) -> None:
        reader = self._services.images.open(request.key)
        try:
            body = _ImageBody(reader, request)
            size = _virtual_size(request, body.peek(_FOOTER_BYTES))
            mark = ImageMark(self._owner, request.key, request.format, size)
            task = self._uploads.begin(f"image {request.key}")
            mark = replace(mark, upload_task=task)
            with undone_by(lambda: self._remove_upload(task)):
                self._make(mark, body)
        finally:
            reader.close()

    def _make(self, mark: ImageMark, body: _ImageBody) -> None:
        label = f"image {mark.key}"
        record = translate.vdi_record(label, self._pool.storage, mark.size_bytes, mark)
        vdi = self._session.call("VDI.create", record)
        self._uploads.send(mark.upload_task, vdi, body, mark.format.value, label)
        current_call().check()
        uuid = self._session.call("VDI.get_uuid", vdi)
        published = replace(mark, upload_task="", published=uuid)
        self._session.call("VDI.set_other_config", vdi, published.as_config())

    def _remove_upload(self, task: str) -> None:
        """Remove what a failed call wrote, found by its task: even when a reply was lost."""
        self._uploads.discard(task)
        for ref, record in self.vdis().items():
            mark = image_mark(record, self._owner)
            if mark is not None and mark.upload_task == task:
                destroy_vdi(self._session, ref)

    def _remove_abandoned(self, key: str, vdis: dict[str, dict[str, Any]]) -> None:
        """Remove what crashed calls wrote: their tasks are gone, or over without success."""
        for ref, record in vdis.items():
            mark = image_mark(record, self._owner)
            if mark is None or mark.key != key or mark.published:
                continue
            try:
                status = self._session.call("task.get_status", mark.upload_task)
            except NotFound:
                status = "gone"
            if status not in ("pending", "success"):
                destroy_vdi(self._session, ref)


class _ImageBody:
    """What the image source delivers, as the body of a request; it is checked as it goes by."""

    def __init__(self, reader: IImageReader, request: CacheImageRequest) -> None:
        self._reader = reader
        self._request = request
        self._ahead = b""
        self._done = 0

    def __len__(self) -> int:
        return self._request.size_bytes

    def peek(self, size: int) -> bytes:
        """The first bytes; they are read again later."""
        while len(self._ahead) < size and (chunk := self._reader.read(size - len(self._ahead))):
            self._ahead += chunk
        return self._ahead

    def read(self, size: int = -1) -> bytes:
        """See `Body`; raises what the source raises, ImageCorrupt, and what `Call.check` does."""
        call = current_call()
        call.check()
        chunk, self._ahead = self._ahead or self._reader.read(size), b""
        self._done += len(chunk)
        total = self._request.size_bytes
        if self._done > total or (not chunk and self._done < total):
            raise ImageCorrupt(
                f"image {self._request.key} has {self._done} bytes or more instead of {total}"
            )
        if chunk:
            call.progress(self._done, total)
        return chunk


def _virtual_size(request: CacheImageRequest, begin: bytes) -> int:
    """Size of the disk that a guest sees; a VHD says it in its footer, of which a dynamic one has a
    copy at its beginning.
    """
    if request.format is DiskFormat.RAW:
        return request.size_bytes
    if len(begin) < _FOOTER_BYTES or begin[:8] != b"conectix":
        raise ImageCorrupt(
            f"image {request.key} is no dynamic VHD",
            remedy="convert it to a dynamic VHD, or to raw",
        )
    size: int = struct.unpack_from(">Q", begin, 48)[0]
    return size
