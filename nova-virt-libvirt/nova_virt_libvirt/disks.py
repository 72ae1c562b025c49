"""Disks: makes their volumes, and adds them to and takes them from VMs."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Conflict, InvalidRequest, Resource
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.states import ON
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    Blank,
    DetachDiskRequest,
    DiskBus,
    DiskSpec,
    FromImage,
    Imported,
    Media,
    MediaFormat,
)
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.volumes import Volume

from nova_virt_libvirt.buses_xml import media_bus
from nova_virt_libvirt.capabilities import Capabilities
from nova_virt_libvirt.disk_xml import StoredDisk, disk_xml
from nova_virt_libvirt.domain_description import DomainDescription
from nova_virt_libvirt.domains import Domains, require_pluggable
from nova_virt_libvirt.hotplug import plug, unplug
from nova_virt_libvirt.images import Images, StoredImage
from nova_virt_libvirt.mark import disk_origin
from nova_virt_libvirt.names import disk_volume
from nova_virt_libvirt.requirements import check_hot_disk
from nova_virt_libvirt.secrets import lent_secrets
from nova_virt_libvirt.session import Session
from nova_virt_libvirt.storage import Storage, whole_sectors
from nova_virt_libvirt.streams import CHUNK_BYTES
from nova_virt_libvirt.volume_xml import encryption_xml

__all__ = ["Disks"]

_EXTENSIONS = {MediaFormat.ISO9660: "iso", MediaFormat.VFAT: "vfat"}
_RAW = DiskFormat.RAW.value


class Disks:
    """The disks of one backend's VMs."""

    def __init__(
        self,
        session: Session,
        storage: Storage,
        images: Images,
        domains: Domains,
        host: Capabilities,
    ) -> None:
        self._session = session
        self._storage = storage
        self._images = images
        self._domains = domains
        self._host = host

    def check(self, connection: Any, disk: DiskSpec) -> None:
        """Raise NotFound (image) or InvalidRequest if the disk cannot be made."""
        if isinstance(disk.source, FromImage):
            with self._images.used(connection, disk.source.image_key) as image:
                _require_fit(disk, image)

    def make(self, connection: Any, vm_uuid: UUID, disk: DiskSpec) -> StoredDisk:
        """Make the disk's volume with its content."""
        if isinstance(disk.source, Media):
            return self._media(connection, vm_uuid, disk, disk.source)
        if isinstance(disk.source, Volume):
            return StoredDisk(spec=disk, path="", format=_RAW)
        form = (disk.format or self._host.description.disk_formats[0]).value
        encryption = None
        if disk.encryption is not None:
            encryption, form = encryption_xml(vm_uuid, disk.key, disk.encryption), _RAW
        name = disk_volume(vm_uuid, disk.key, form, is_encrypted=encryption is not None)
        size = whole_sectors(disk.size_bytes or 0)
        if isinstance(disk.source, Blank):
            return self.make_empty(connection, vm_uuid, disk, size, is_whole=True)
        if isinstance(disk.source, Imported):
            source = self._images.imported(connection, vm_uuid, disk.source)
            try:
                return self._converted(connection, disk, name, form, source, encryption)
            finally:
                self._storage.remove(source.volume)
        if encryption is not None:
            with self._images.used(connection, disk.source.image_key) as image:
                return self._converted(connection, disk, name, form, image, encryption)
        with self._images.used(connection, disk.source.image_key) as image:
            _require_fit(disk, image)
            if form == _RAW:
                volume = self._copy(connection, name, size, image)
            else:
                backing = (image.volume.path(), image.format.value)
                volume = self._storage.create(connection, name, size, form, backing=backing)
        return StoredDisk(spec=disk, path=volume.path(), format=form)

    def make_empty(
        self, connection: Any, vm_uuid: UUID, disk: DiskSpec, size_bytes: int, *, is_whole: bool
    ) -> StoredDisk:
        """Make the volume of a disk whose content comes from elsewhere; ``is_whole``: it is
        encrypted if the disk shall be, else the content comes with its encryption.
        """
        form = (disk.format or self._host.description.disk_formats[0]).value
        encryption = None
        if disk.encryption is not None:
            form = _RAW
            if is_whole:
                encryption = encryption_xml(vm_uuid, disk.key, disk.encryption)
        name = disk_volume(vm_uuid, disk.key, form, is_encrypted=disk.encryption is not None)
        volume = self._storage.create(connection, name, size_bytes, form, encryption=encryption)
        return StoredDisk(spec=disk, path=volume.path(), format=form)

    def _converted(
        self,
        connection: Any,
        disk: DiskSpec,
        name: str,
        form: str,
        image: StoredImage,
        encryption: Any,
    ) -> StoredDisk:
        """A whole copy, in another format or encrypted."""
        _require_fit(disk, image)
        source = self._storage.known_as(connection, image.volume, image.format.value)
        size = whole_sectors(disk.size_bytes or 0)
        volume = self._storage.create(
            connection, name, size, form, copied=source, encryption=encryption
        )
        return StoredDisk(spec=disk, path=volume.path(), format=form)

    def attach_disk(self, vm_uuid: UUID, request: AttachDiskRequest) -> None:
        """See `IDiskHotplug.attach_disk`."""
        disk = request.disk
        offers.check_disk(disk, self._host.description, request.secrets)
        with self._session.use(about=f"disk {disk.key} of VM {vm_uuid}") as connection:
            domain, description, mark = self._domains.ours(connection, vm_uuid)
            if any(known.key == disk.key for known in description.disks):
                _require_equal(disk, mark.disks.get(disk.key))
                return
            is_active = require_pluggable(vm_uuid, domain) in ON
            if is_active:
                check_hot_disk(disk, self._host)
            _require_free_boot_index(disk, description)
            self.check(connection, disk)
        with (
            undone_by(lambda: self._remove(vm_uuid, disk.key)),
            self._session.use(
                about=f"disk {disk.key} of VM {vm_uuid}", changing=True
            ) as connection,
            ExitStack() as lending,
        ):
            domain, description, mark = self._domains.ours(connection, vm_uuid)
            self._storage.remove_disk(connection, vm_uuid, disk.key)
            lending.enter_context(lent_secrets(connection, vm_uuid, request.secrets))
            stored = self.make(connection, vm_uuid, disk)
            self._domains.set_mark(
                domain, mark.with_device("disk", disk.key, spec_digest(disk), disk_origin(disk))
            )
            # QEMU adds no CD drive to a running machine but behind a SCSI controller.
            bus = DiskBus.SCSI if is_active else media_bus(description.machine)
            plug(
                domain,
                disk_xml(
                    vm_uuid,
                    stored,
                    self._host,
                    {known.target for known in description.disks},
                    bus,
                ),
            )

    def detach_disk(self, vm_uuid: UUID, request: DetachDiskRequest) -> None:
        """See `IDiskHotplug.detach_disk`."""
        with self._session.use(
            about=f"disk {request.key} of VM {vm_uuid}", changing=True
        ) as connection:
            domain, _, mark = self._domains.ours(connection, vm_uuid)
            require_pluggable(vm_uuid, domain)
            unplug(domain, "disk", request.key, request.guest_timeout_seconds)
            if request.key in mark.disks:
                self._domains.set_mark(domain, mark.with_device("disk", request.key, None))
            self._storage.remove_disk(connection, vm_uuid, request.key)

    def _remove(self, vm_uuid: UUID, key: str) -> None:
        self.detach_disk(vm_uuid, DetachDiskRequest(key=key))

    def _media(self, connection: Any, vm_uuid: UUID, disk: DiskSpec, media: Media) -> StoredDisk:
        name = disk_volume(vm_uuid, disk.key, _EXTENSIONS[media.format])
        size = len(media.content)
        volume = self._storage.create(connection, name, size, _RAW)
        chunks = (
            media.content[start : start + CHUNK_BYTES] for start in range(0, size, CHUNK_BYTES)
        )
        self._storage.upload(connection, volume, chunks, size)
        return StoredDisk(spec=disk, path=volume.path(), format=_RAW)

    def _copy(self, connection: Any, name: str, size: int, image: StoredImage) -> Any:
        source = self._storage.known_as(connection, image.volume, image.format.value)
        volume = self._storage.create(
            connection, name, image.virtual_size_bytes, _RAW, copied=source
        )
        if size > image.virtual_size_bytes:
            volume.resize(size)
        return volume


def _require_fit(disk: DiskSpec, image: StoredImage) -> None:
    if (disk.size_bytes or 0) < image.virtual_size_bytes:
        raise InvalidRequest(
            f"disk {disk.key} of {disk.size_bytes} bytes is smaller than its image, "
            f"which has {image.virtual_size_bytes}",
            field="size_bytes",
            remedy="ask for a larger disk",
        )


def _require_equal(disk: DiskSpec, known: str | None) -> None:
    if known != spec_digest(disk):
        raise Conflict(
            f"the VM has another disk {disk.key}",
            resource=Resource.DISK,
            name=disk.key,
            remedy="detach it first, or use another key",
        )


def _require_free_boot_index(disk: DiskSpec, description: DomainDescription) -> None:
    if disk.boot_index is not None and str(disk.boot_index + 1) in {
        known.boot_order for known in description.disks
    }:
        raise InvalidRequest(
            f"another disk of the VM has boot index {disk.boot_index}",
            field="boot_index",
            remedy="use a free one, or none",
        )
