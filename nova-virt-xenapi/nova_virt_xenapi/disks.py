"""Disks of VMs: a VDI each, and the VBD that connects it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.call import current_call
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import (
    Busy,
    Conflict,
    InvalidRequest,
    InvalidState,
    NotFound,
    Resource,
    Unsupported,
)
from nova_virt_interface.services import IServices
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    DetachDiskRequest,
    DiskSpec,
    FromImage,
    Imported,
    Media,
    ResizeDiskRequest,
)
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.volumes import Volume

from nova_virt_xenapi import translate
from nova_virt_xenapi.bodies import FOOTER_BYTES, ImageBody, virtual_size
from nova_virt_xenapi.boot_order import BootOrder
from nova_virt_xenapi.conf import Settings
from nova_virt_xenapi.images import Images
from nova_virt_xenapi.marks import (
    DISK,
    MEDIUM,
    MIGRATION,
    CloneMark,
    DeviceMark,
    DiskMark,
    device_mark,
    disk_mark,
)
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.records import Found, Records
from nova_virt_xenapi.session import Session, undone_by
from nova_virt_xenapi.tasks import Tasks
from nova_virt_xenapi.uploads import Bytes, Uploads, destroy_vdi
from nova_virt_xenapi.volumes import Volumes

__all__ = ["UNDO_SECONDS", "Disks", "OldDisk", "require_hotplug", "source_digest"]

UNDO_SECONDS: Final = 30.0
"""How long a guest may take to let go of what it was given by mistake."""
_SECTOR_BYTES: Final = 512

Vdis = dict[str, dict[str, Any]]


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
        tasks: Tasks,
        uploads: Uploads,
        images: Images,
        records: Records,
        pool: Pool,
        settings: Settings,
        services: IServices,
        volumes: Volumes,
    ) -> None:
        self._session = session
        self._tasks = tasks
        self._uploads = uploads
        self._images = images
        self._records = records
        self._pool = pool
        self._owner = settings.owner
        self._services = services
        self._volumes = volumes
        self._boot_order = BootOrder(session)

    def check_image(self, spec: DiskSpec, vdis: Vdis) -> None:
        """Refuse a disk whose image is not there, or larger."""
        if isinstance(spec.source, Imported) and spec.source.format is DiskFormat.RAW:
            require_room(spec, spec.source.size_bytes)
        if not isinstance(spec.source, FromImage):
            return
        key = spec.source.image_key
        found = self._images.complete(vdis).get(key)
        if found is None:
            raise NotFound(
                f"image {key} is not in the cache",
                remedy="cache it first",
                resource=Resource.IMAGE,
                name=key,
            )
        require_room(spec, found[1].size_bytes)

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
        elif isinstance(spec.source, FromImage):
            vdi = self._copy(spec, spec.source.image_key, mark)
        elif isinstance(spec.source, Media):
            vdi = self._write(spec, spec.source.content, mark)
        elif isinstance(spec.source, Imported):
            vdi = self._import(spec, spec.source, mark)
        else:
            vdi = self._create(spec, spec.size_bytes or 0, mark)
        return self.connect(vm, vdi, spec, device)

    def mark(self, vm_uuid: UUID, spec: DiskSpec) -> DiskMark:
        """What is written beside a disk of this spec."""
        kind = MEDIUM if isinstance(spec.source, Media) else DISK
        digest, source = spec_digest(spec), source_digest(spec)
        return DiskMark(self._owner, vm_uuid, spec.key, digest, source=source, kind=kind)

    def connect(self, vm: str, vdi: str, spec: DiskSpec, device: str) -> str:
        """Connect a VDI to a VM; returns the VBD."""
        mark = DeviceMark(spec.key, spec_digest(spec), spec.boot_index)
        record = translate.vbd_record(vm, vdi, spec, device, mark)
        vbd: str = self._session.call("VBD.create", record)
        return vbd

    def _create(self, spec: DiskSpec, size: int, mark: DiskMark) -> str:
        record = translate.vdi_record(f"{mark.vm_uuid} {spec.key}", self._pool.storage, size, mark)
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
            require_room(spec, virtual_size(source, body.peek(FOOTER_BYTES)))
            vdi = self._create(spec, spec.size_bytes or 0, mark)
            task = self._uploads.begin(about)
            self._uploads.send(task, vdi, body, source.format.value, about)
            return vdi
        finally:
            reader.close()

    def _copy(self, spec: DiskSpec, key: str, mark: DiskMark) -> str:
        with self._images.lock(key):
            found = self._images.complete(self._images.vdis()).get(key)
            if found is None:
                raise NotFound(f"image {key} is gone", resource=Resource.IMAGE, name=key)
            image, image_mark, record = found
            # A copy begins with the marks of its source: who looks after a crash must see whose
            # it was to become.
            intent = replace(image_mark, clone_for=CloneMark(mark.vm_uuid, mark.key))
            self._session.call("VDI.set_other_config", image, intent.as_config())
            vdi: str = self._session.call("VDI.clone", image)
            final = replace(mark, image_key=key)
            self._session.call("VDI.set_other_config", vdi, final.as_config())
        if (spec.size_bytes or 0) > int(record["virtual_size"]):
            self._session.call("VDI.resize", vdi, str(spec.size_bytes))
        return vdi

    def remove(self, vm_uuid: UUID, key: str | None = None, *, kind: str | None = None) -> None:
        """Remove a VM's disks that no VM is connected to any more, and what an export left of them:
        all, or those of a key or kind.
        """
        records = self._session.call("VDI.get_all_records")
        for ref, record in records.items():
            mark = disk_mark(record, self._owner)
            if mark is None or mark.vm_uuid != vm_uuid or record["SR"] != self._pool.storage:
                continue
            is_kind = kind is None or (isinstance(mark, DiskMark) and mark.kind == kind)
            if key in (None, mark.key) and is_kind and not record["VBDs"]:
                destroy_vdi(self._session, ref)

    def attach_disk(self, vm_uuid: UUID, request: AttachDiskRequest) -> None:
        """See `IDiskHotplug.attach_disk`."""
        spec = request.disk
        offers.check_disk(spec, self._pool.description, request.secrets)
        with self._session.operation(f"disk {spec.key} of {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            vbd = self._connection(vm, spec.key)
            if vbd is None:
                require_hotplug(vm)
                self.check_image(spec, self._images.vdis())
                with undone_by(lambda: self._undo(vm_uuid, spec.key)):
                    self.remove(vm_uuid, spec.key)
                    self._plug(vm, self.make(vm.ref, vm_uuid, spec, "autodetect"))
                    self._arrange(vm, spec)
                return
            self._require_equal(spec, vbd)
            if not self._session.call("VBD.get_currently_attached", vbd):
                self._plug(vm, vbd)
            self._arrange(vm, spec)

    def _arrange(self, vm: Found, spec: DiskSpec) -> None:
        if spec.boot_index is not None:
            self._boot_order.arrange(vm)

    def detach_disk(self, vm_uuid: UUID, request: DetachDiskRequest) -> None:
        """See `IDiskHotplug.detach_disk`."""
        with self._session.operation(f"disk {request.key} of {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            self._detach(vm, request.key, request.guest_timeout_seconds)

    def resize_disk(self, vm_uuid: UUID, request: ResizeDiskRequest) -> None:
        """See `IDiskResize.resize_disk`."""
        with self._session.operation(f"disk {request.key} of {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            disk = self.require(vm, request.key)
            vdi, record = disk.ref, disk.record
            if disk.mark.kind == MEDIUM:
                raise Unsupported(f"disk {request.key} is a medium", field="key")
            size = int(record["virtual_size"])
            if request.size_bytes < size - self._pool.description.disk_step_bytes + 1:
                raise InvalidRequest(
                    f"disk {request.key} has {size} bytes, and does not shrink", field="size_bytes"
                )
            if request.size_bytes <= size:
                return
            attached = vm.record["power_state"] != "Halted"
            if attached and "resize_online" not in record["allowed_operations"]:
                raise InvalidState(
                    f"its storage repository enlarges no disk of a VM that runs: {vm_uuid}",
                    remedy="stop the VM first",
                    state=translate.power_state(vm.record["power_state"]).value,
                )
            method = "VDI.resize_online" if attached else "VDI.resize"
            self._session.call(method, vdi, str(request.size_bytes))

    def all(self) -> Vdis:
        """All VDIs of the storage repository; one question."""
        return self._images.vdis()

    def of_vm(self, vm: Found) -> dict[str, OldDisk]:
        """The disks that a VM has, by key."""
        found = {}
        for ref, record in self._images.vdis().items():
            mark = disk_mark(record, self._owner)
            if isinstance(mark, DiskMark) and set(record["VBDs"]) & set(vm.record["VBDs"]):
                found[mark.key] = OldDisk(ref, record, mark)
        return found

    def of_uuid(self, vm_uuid: UUID) -> dict[str, OldDisk]:
        """The disks, but media, that are marked as a VM's, whoever is connected to them."""
        found = {}
        for ref, record in self._images.vdis().items():
            mark = disk_mark(record, self._owner)
            if isinstance(mark, DiskMark) and (mark.vm_uuid, mark.kind) == (vm_uuid, DISK):
                found[mark.key] = OldDisk(ref, record, mark)
        return found

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

    def copy_to(self, disk: OldDisk, storage: str, token: str) -> None:
        """Copy a disk to another storage repository, unless it is there. A copy has the marks of
        its source; it is whole when it has the token.
        """
        size = int(disk.record["virtual_size"])
        for ref, record in self._session.call("VDI.get_all_records").items():
            mark = disk_mark(record, self._owner)
            is_ours = isinstance(mark, DiskMark) and mark.vm_uuid == disk.mark.vm_uuid
            if (
                record["SR"] == storage
                and is_ours
                and mark is not None
                and mark.key == disk.mark.key
            ):
                if record["other_config"].get(MIGRATION) == token:
                    return
                if not record["VBDs"]:
                    destroy_vdi(self._session, ref)
        about = f"disk {disk.mark.key} of {disk.mark.vm_uuid}"
        self._tasks.run("VDI.copy", disk.ref, storage, about=about, total_bytes=size)
        config = replace(disk.mark, image_key="").as_config() | {MIGRATION: token}
        for ref, record in self._session.call("VDI.get_all_records").items():
            mark = disk_mark(record, self._owner)
            is_ours = isinstance(mark, DiskMark) and mark.vm_uuid == disk.mark.vm_uuid
            if (
                record["SR"] == storage
                and is_ours
                and mark is not None
                and mark.key == disk.mark.key
            ):
                self._session.call("VDI.set_other_config", ref, config)

    def require(self, vm: Found, key: str) -> OldDisk:
        """A VM's disk; raises NotFound."""
        disk = self.of_vm(vm).get(key)
        if disk is None and self._connection(vm, key) is not None:
            raise Unsupported(f"disk {key} of {vm.mark.vm_uuid} is a volume", field="key")
        if disk is None:
            raise NotFound(
                f"VM {vm.mark.vm_uuid} has no disk {key}", resource=Resource.DISK, name=key
            )
        return disk

    def _plug(self, vm: Found, vbd: str) -> None:
        if vm.record["power_state"] == "Running":
            self._tasks.run("VBD.plug", vbd, about=f"a disk of {vm.mark.vm_uuid}")

    def _undo(self, vm_uuid: UUID, key: str) -> None:
        self._detach(self._records.require(vm_uuid), key, UNDO_SECONDS)

    def _detach(self, vm: Found, key: str, seconds: float) -> None:
        vbd = self._connection(vm, key)
        if vbd is not None:
            require_hotplug(vm)
            if self._session.call("VBD.get_currently_attached", vbd):
                about = f"disk {key} of {vm.mark.vm_uuid}"
                if not self._tasks.run("VBD.unplug", vbd, about=about, seconds=seconds):
                    raise Busy(f"the guest does not let go of {about}", remedy="repeat it later")
            self._session.call("VBD.destroy", vbd)
        self._boot_order.arrange(vm)
        self.remove(vm.mark.vm_uuid, key)
        self._volumes.release_unused()

    def _connection(self, vm: Found, key: str) -> str | None:
        """The VBD that connects the VM's disk of this key."""
        for ref, record in self._session.call("VBD.get_all_records").items():
            mark = device_mark(record)
            if mark is not None and mark.key == key and record["VM"] == vm.ref:
                return str(ref)
        return None

    def _require_equal(self, spec: DiskSpec, vbd: str) -> None:
        mark = device_mark(self._session.call("VBD.get_record", vbd))
        if mark is None or mark.digest != spec_digest(spec):
            raise Conflict(
                f"the VM has a disk {spec.key} of another spec",
                remedy="detach it first, or use another key",
                resource=Resource.DISK,
                name=spec.key,
            )


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


def require_room(spec: DiskSpec, content_bytes: int) -> None:
    """Refuse a disk that is smaller than what it begins as."""
    if (spec.size_bytes or 0) < content_bytes:
        raise InvalidRequest(
            f"disk {spec.key} of {spec.size_bytes} bytes is smaller than its image of "
            f"{content_bytes}",
            remedy="ask for a larger disk, or use a smaller image",
            field=f"disks[{spec.key}].size_bytes",
        )


def require_hotplug(vm: Found) -> None:
    """Refuse to change the devices of a VM that neither runs nor is stopped."""
    state = translate.power_state(vm.record["power_state"])
    if state not in (PowerState.RUNNING, PowerState.STOPPED):
        raise InvalidState(
            f"VM {vm.mark.vm_uuid} is {state.value}",
            remedy="start or stop it first",
            state=state.value,
        )
