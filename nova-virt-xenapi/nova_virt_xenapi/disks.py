"""Disks of VMs: a VDI each, and the VBD that connects it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from nova_virt_interface.call import current_call
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import NotFound, Resource, Unsupported
from nova_virt_interface.values.disks import DiskSpec, Media
from nova_virt_interface.values.volumes import Volume

from nova_virt_xenapi import translate
from nova_virt_xenapi.cache import Cache, Row
from nova_virt_xenapi.conf import Settings
from nova_virt_xenapi.disk_content import DiskContent, source_digest
from nova_virt_xenapi.images import Images
from nova_virt_xenapi.marks import (
    DISK,
    MEDIUM,
    MIGRATION,
    DeviceMark,
    DiskMark,
    device_mark,
    disk_mark,
    vm_mark,
)
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.records import Found
from nova_virt_xenapi.session import Session
from nova_virt_xenapi.tasks import Tasks
from nova_virt_xenapi.uploads import destroy_vdi
from nova_virt_xenapi.volume_places import check_volume
from nova_virt_xenapi.volumes import Volumes

__all__ = ["Disks", "OldDisk"]


@dataclass(frozen=True)
class OldDisk:
    """A disk that a VM has: its VDI."""

    ref: str
    record: dict[str, Any]
    mark: DiskMark


class Disks:
    """The disks of one owner's VMs."""

    def __init__(
        self,
        session: Session,
        cache: Cache,
        tasks: Tasks,
        images: Images,
        content: DiskContent,
        pool: Pool,
        settings: Settings,
        volumes: Volumes,
    ) -> None:
        self._session = session
        self._cache = cache
        self._tasks = tasks
        self._images = images
        self._content = content
        self._pool = pool
        self._owner = settings.owner
        self._volumes = volumes

    def check(self, spec: DiskSpec) -> None:
        """Refuse a disk whose image is not there, or larger, and a volume that cannot be found."""
        self._content.check(spec)
        check_volume(spec)

    def make(
        self, vm: str, vm_uuid: UUID, spec: DiskSpec, device: str, *, old: OldDisk | None = None
    ) -> str:
        """Make a disk and connect it to a VM; returns the VBD.

        Args:
            vm: reference of the VM.
            vm_uuid: core's name for it.
            spec: of the disk.
            device: its number, or ``autodetect`` for the next one that is free.
            old: a disk whose content it begins with.
        """
        current_call().check()
        if isinstance(spec.source, Volume):
            with self._volumes.lock:
                return self.connect(vm, self._volumes.connect(spec.source), spec, device)
        mark = self.mark(vm_uuid, spec)
        if old is not None:
            vdi = self._session.call("VDI.clone", old.ref)
            final = replace(mark, image_key=old.mark.image_key)
            self._session.call("VDI.set_other_config", vdi, final.as_config())
            if (spec.size_bytes or 0) > int(old.record["virtual_size"]):
                self._session.call("VDI.resize", vdi, str(spec.size_bytes))
        else:
            vdi = self._content.make(spec, mark)
        return self.connect(vm, vdi, spec, device)

    def mark(self, vm_uuid: UUID, spec: DiskSpec) -> DiskMark:
        """What is written beside a disk of this spec."""
        kind = MEDIUM if isinstance(spec.source, Media) else DISK
        digest, source = spec_digest(spec), source_digest(spec)
        return DiskMark(self._owner, vm_uuid, spec.key, digest, source=source, kind=kind)

    def connect(self, vm: str, vdi: str, spec: DiskSpec, device: str) -> str:
        """Connect a VDI to a VM; returns the VBD."""
        is_volume = isinstance(spec.source, Volume)
        mark = DeviceMark(spec.key, spec_digest(spec), spec.boot_index, is_volume)
        record = translate.vbd_record(vm, vdi, spec, device, mark)
        vbd: str = self._session.call("VBD.create", record)
        return vbd

    def remove(self, vm_uuid: UUID, key: str | None = None, *, kind: str | None = None) -> None:
        """Remove a VM's disks that no VM is connected to any more, and what an export left of them:
        all, or those of a key or kind.
        """
        in_use = {row["VDI"] for row in self._cache.rows("VBD").values()}
        for ref, record in self._cache.rows("VDI").items():
            mark = disk_mark(record, self._owner)
            if mark is None or mark.vm_uuid != vm_uuid or record["SR"] != self._pool.storage:
                continue
            if key in (None, mark.key) and kind in (None, mark.kind) and ref not in in_use:
                destroy_vdi(self._session, ref)

    def of_vm(self, vm: Found) -> dict[str, OldDisk]:
        """The disks that a VM has, by key."""
        found = {}
        connected = {row["VDI"] for row in self._cache.rows("VBD").values() if row["VM"] == vm.ref}
        for ref, record in self._images.vdis().items():
            mark = disk_mark(record, self._owner)
            if mark is not None and ref in connected:
                found[mark.key] = OldDisk(ref, record, mark)
        return found

    def volumes_of(self, vm: Found) -> dict[str, str]:
        """The volumes that a VM has: key and VDI."""
        found = {}
        for record in self._cache.rows("VBD").values():
            mark = device_mark(record)
            if record["VM"] == vm.ref and mark is not None and mark.is_volume:
                found[mark.key] = str(record["VDI"])
        return found

    def of_uuid(self, vm_uuid: UUID) -> dict[str, OldDisk]:
        """The disks, but media, that are marked as a VM's, and that no other VM is connected to: an
        operator's clone of the VM has disks with the same marks.
        """
        found, taken = {}, self._of_others(vm_uuid)
        for ref, record in self._images.vdis().items():
            mark = disk_mark(record, self._owner)
            if mark is None or ref in taken:
                continue
            if (mark.vm_uuid, mark.kind) == (vm_uuid, DISK):
                found[mark.key] = OldDisk(ref, record, mark)
        return found

    def _of_others(self, vm_uuid: UUID) -> set[str]:
        """The VDIs that VMs of other uuids are connected to, and copies."""
        marks = {ref: vm_mark(record) for ref, record in self._cache.rows("VM").items()}
        meant = {
            ref
            for ref, mark in marks.items()
            if mark is not None and mark.vm_uuid == vm_uuid and not mark.is_copy
        }
        vbds = self._cache.rows("VBD").values()
        return {row["VDI"] for row in vbds if row["VM"] not in meant}

    def unattached(self, vm_uuid: UUID, token: str) -> dict[str, OldDisk]:
        """The disks on this storage that a migration has copied, or both hosts see."""
        found = self.of_uuid(vm_uuid)
        return {
            key: disk
            for key, disk in found.items()
            if disk.record["other_config"].get(MIGRATION) == token
        }

    def disconnect(self, vm: str) -> None:
        """Take all disks and NICs from a VM that is stopped; what they connect to stays."""
        for class_name in ("VBD", "VIF"):
            for ref in self._session.call(f"VM.get_{class_name}s", vm):
                with suppress(NotFound):
                    self._session.call(f"{class_name}.destroy", ref)

    def mark_copied(self, disk: OldDisk, token: str) -> None:
        """Both hosts see it: it is where it has to be."""
        config = disk.record["other_config"] | {MIGRATION: token}
        self._session.call("VDI.set_other_config", disk.ref, config)

    def copy_to(self, disk: OldDisk, storage: str, token: str, image_format: str) -> None:
        """Copy a disk to another storage repository, unless it is there. A copy is whole when it
        has the token.
        """
        size = int(disk.record["virtual_size"])
        for ref, record in self._stored(disk, storage):
            if record["other_config"].get(MIGRATION) == token:
                return
            if not record["VBDs"]:
                destroy_vdi(self._session, ref)
        about = f"disk {disk.mark.key} of {disk.mark.vm_uuid}"
        mark, label = replace(disk.mark, image_key=""), disk.record["name_label"]
        record = translate.vdi_record(label, storage, size, mark, image_format)
        copy = self._session.call("VDI.create", record)
        null = translate.NULL
        self._tasks.run("VDI.copy", disk.ref, null, null, copy, about=about, total_bytes=size)
        self._session.call("VDI.add_to_other_config", copy, MIGRATION, token)

    def _stored(self, disk: OldDisk, storage: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """All that a storage repository has of a disk."""
        for ref, record in self._cache.rows("VDI").items():
            mark = disk_mark(record, self._owner)
            if (
                record["SR"] == storage
                and isinstance(mark, DiskMark)
                and (mark.vm_uuid, mark.key) == (disk.mark.vm_uuid, disk.mark.key)
            ):
                yield ref, record

    def require(self, vm: Found, key: str) -> OldDisk:
        """A VM's disk; raises NotFound."""
        disk = self.of_vm(vm).get(key)
        if disk is None and self.connection(vm, key) is not None:
            raise Unsupported(f"disk {key} of {vm.mark.vm_uuid} is a volume", field="key")
        if disk is None:
            raise NotFound(
                f"VM {vm.mark.vm_uuid} has no disk {key}", resource=Resource.DISK, name=key
            )
        return disk

    def connection(self, vm: Found, key: str) -> tuple[str, Row] | None:
        """The VBD that connects the VM's disk of this key."""
        for ref, record in self._cache.rows("VBD").items():
            mark = device_mark(record)
            if mark is not None and mark.key == key and record["VM"] == vm.ref:
                return ref, record
        return None
