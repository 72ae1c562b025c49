"""What disks begin as: nothing, bytes at hand, somebody's content, or a clone of an image."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import InvalidRequest, NotFound, Resource, Unsupported
from nova_virt_interface.services import IServices
from nova_virt_interface.values.disks import DiskSpec, FromImage, Imported, Media
from nova_virt_interface.values.images import DiskFormat

from nova_virt_xenapi import translate
from nova_virt_xenapi.bodies import FOOTER_BYTES, ImageBody, virtual_size
from nova_virt_xenapi.cache import Cache
from nova_virt_xenapi.images import Images
from nova_virt_xenapi.marks import DiskMark, disk_mark
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.session import Session
from nova_virt_xenapi.uploads import Bytes, Uploads

__all__ = ["DiskContent", "source_digest"]

_SECTOR_BYTES: Final = 512


class DiskContent:
    """Makes VDIs on the storage repository of this compute node."""

    def __init__(
        self,
        session: Session,
        cache: Cache,
        uploads: Uploads,
        images: Images,
        pool: Pool,
        services: IServices,
    ) -> None:
        self._session = session
        self._cache = cache
        self._uploads = uploads
        self._images = images
        self._pool = pool
        self._services = services

    def check(self, spec: DiskSpec) -> None:
        """Refuse a disk whose content is larger, or whose image is not there."""
        source = spec.source
        if isinstance(source, Imported) and source.format is DiskFormat.RAW:
            _require_room(spec, source.size_bytes)
        if isinstance(source, FromImage):
            _, mark, record = self._images.require(source.image_key)
            _require_room(spec, mark.size_bytes)
            _require_format(spec, translate.stored_as(record))

    def make(self, spec: DiskSpec, mark: DiskMark) -> str:
        """Make a disk of its own; returns the VDI."""
        source = spec.source
        if isinstance(source, FromImage):
            return self._copy(spec, source.image_key, mark)
        if isinstance(source, Media):
            return self._write(spec, source.content, mark)
        if isinstance(source, Imported):
            return self._import(spec, source, mark)
        return self._create(spec, spec.size_bytes or 0, mark)

    def _create(self, spec: DiskSpec, size: int, mark: DiskMark) -> str:
        label, format = f"{mark.vm_uuid} {spec.key}", translate.image_format(spec, self._pool)
        record = translate.vdi_record(label, self._pool.storage, size, mark, format)
        vdi: str = self._session.call("VDI.create", record)
        return vdi

    def _write(self, spec: DiskSpec, content: bytes, mark: DiskMark) -> str:
        padded = content + bytes(-len(content) % _SECTOR_BYTES)
        about = f"medium {spec.key} of {mark.vm_uuid}"
        vdi = self._create(spec, len(padded), mark)
        task = self._uploads.begin(about)
        self._uploads.send(task, vdi, Bytes(padded), "raw", about)
        return vdi

    def _import(self, spec: DiskSpec, source: Imported, mark: DiskMark) -> str:
        about = f"disk {spec.key} of {mark.vm_uuid}"
        reader = self._services.images.open(source.key)
        try:
            body = ImageBody(reader, source)
            _require_room(spec, virtual_size(source, body.peek(FOOTER_BYTES)))
            vdi = self._create(spec, spec.size_bytes or 0, mark)
            task = self._uploads.begin(about)
            self._uploads.send(task, vdi, body, source.format.value, about)
            return vdi
        finally:
            reader.close()

    def _copy(self, spec: DiskSpec, key: str, mark: DiskMark) -> str:
        mark = replace(mark, image_key=key)
        with self._images.lock(key):
            image, image_mark, record = self._images.require(key)
            # A clone begins with the marks of its source: even when a reply is lost it is seen
            # whose it is.
            intent = replace(image_mark, clone=mark)
            try:
                self._session.call("VDI.set_other_config", image, intent.as_config())
                vdi: str = self._session.call("VDI.clone", image)
            except NotFound as error:
                raise _image_gone(key) from error
            if disk_mark(self._cache.row("VDI", vdi), mark.owner) != mark:
                # The driver of another host was about to clone the same image.
                self._session.call("VDI.set_other_config", vdi, mark.as_config())
        if (spec.size_bytes or 0) > int(record["virtual_size"]):
            self._session.call("VDI.resize", vdi, str(spec.size_bytes))
        return vdi


def source_digest(spec: DiskSpec) -> str:
    """Digest of what a disk begins as and how it is stored."""
    size = None if spec.size_bytes is None else 1
    return spec_digest(
        DiskSpec(
            key=spec.key,
            source=spec.source,
            size_bytes=size,
            format=spec.format,
            encryption=spec.encryption,
        )
    )


def _require_room(spec: DiskSpec, content_bytes: int) -> None:
    """Refuse a disk that is smaller than what it begins as."""
    if (spec.size_bytes or 0) < content_bytes:
        raise InvalidRequest(
            f"disk {spec.key} of {spec.size_bytes} bytes is smaller than its image of "
            f"{content_bytes}",
            remedy="ask for a larger disk, or use a smaller image",
            field=f"disks[{spec.key}].size_bytes",
        )


def _require_format(spec: DiskSpec, stored: DiskFormat) -> None:
    """Refuse a clone that is to be stored otherwise than what it is a clone of."""
    if spec.format not in (None, stored):
        raise Unsupported(
            f"disk {spec.key} is stored as its image is: {stored.value}",
            remedy="leave its format open",
            field=f"disks[{spec.key}].format",
        )


def _image_gone(key: str) -> NotFound:
    return NotFound(f"image {key} is gone", resource=Resource.IMAGE, name=key)
