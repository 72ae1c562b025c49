"""Disks that come to a VM, go from it, and grow."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import (
    Busy,
    Conflict,
    InvalidRequest,
    InvalidState,
    Resource,
    Unsupported,
)
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    DetachDiskRequest,
    DiskSpec,
    ResizeDiskRequest,
)
from nova_virt_interface.values.power import PowerState

from nova_virt_xenapi import translate
from nova_virt_xenapi.boot_order import BootOrder
from nova_virt_xenapi.cache import Cache, Row
from nova_virt_xenapi.disks import Disks, OldDisk
from nova_virt_xenapi.marks import MEDIUM, device_mark
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.records import Found, Records
from nova_virt_xenapi.session import Session, undone_by
from nova_virt_xenapi.tasks import Tasks
from nova_virt_xenapi.volumes import Volumes

__all__ = ["UNDO_SECONDS", "DiskHotplug", "require_hotplug"]

UNDO_SECONDS: Final = 30.0
"""How long a guest may take to let go of what it was given by mistake."""


class DiskHotplug:
    """The disks of VMs that are there."""

    def __init__(
        self,
        session: Session,
        cache: Cache,
        tasks: Tasks,
        records: Records,
        disks: Disks,
        pool: Pool,
        volumes: Volumes,
    ) -> None:
        self._session = session
        self._tasks = tasks
        self._records = records
        self._disks = disks
        self._pool = pool
        self._volumes = volumes
        self._boot_order = BootOrder(session, cache)

    def attach_disk(self, vm_uuid: UUID, request: AttachDiskRequest) -> None:
        """See `IDiskHotplug.attach_disk`."""
        spec = request.disk
        offers.check_disk(spec, self._pool.description, request.secrets)
        with self._session.operation(f"disk {spec.key} of {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            existing = self._disks.connection(vm, spec.key)
            if existing is None:
                require_hotplug(vm)
                self._disks.check(spec)
                with undone_by(lambda: self._undo(vm_uuid, spec.key)):
                    self._disks.remove(vm_uuid, spec.key)
                    self._plug(vm, self._disks.make(vm.ref, vm_uuid, spec, "autodetect"))
                    self._arrange(vm, spec)
                return
            vbd, record = existing
            _require_equal(spec, record)
            if not record["currently_attached"]:
                self._plug(vm, vbd)
            self._arrange(vm, spec)

    def detach_disk(self, vm_uuid: UUID, request: DetachDiskRequest) -> None:
        """See `IDiskHotplug.detach_disk`."""
        with self._session.operation(f"disk {request.key} of {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            if self._disks.connection(vm, request.key) is None:
                vm = self._records.certain(vm_uuid)
            self._detach(vm, request.key, request.guest_timeout_seconds)

    def resize_disk(self, vm_uuid: UUID, request: ResizeDiskRequest) -> None:
        """See `IDiskResize.resize_disk`."""
        with self._session.operation(f"disk {request.key} of {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            if (volume := self._disks.volumes_of(vm).get(request.key)) is not None:
                self._volumes.take_size(volume, vm, request)
                return
            disk = self._disks.require(vm, request.key)
            if disk.mark.kind == MEDIUM:
                raise Unsupported(f"disk {request.key} is a medium", field="key")
            size = int(disk.record["virtual_size"])
            if request.size_bytes < size - self._pool.description.disk_step_bytes + 1:
                raise InvalidRequest(
                    f"disk {request.key} has {size} bytes, and does not shrink", field="size_bytes"
                )
            if request.size_bytes > size:
                method = _way_to_grow(vm, disk)
                self._session.call(method, disk.ref, str(request.size_bytes))

    def _arrange(self, vm: Found, spec: DiskSpec) -> None:
        if spec.boot_index is not None:
            self._boot_order.arrange(vm)

    def _plug(self, vm: Found, vbd: str) -> None:
        if vm.record["power_state"] == "Running":
            self._session.call("VBD.plug", vbd)

    def _undo(self, vm_uuid: UUID, key: str) -> None:
        self._detach(self._records.require(vm_uuid), key, UNDO_SECONDS)

    def _detach(self, vm: Found, key: str, seconds: float) -> None:
        existing = self._disks.connection(vm, key)
        if existing is not None:
            vbd, record = existing
            require_hotplug(vm)
            if record["currently_attached"]:
                about = f"disk {key} of {vm.mark.vm_uuid}"
                if not self._tasks.run("VBD.unplug", vbd, about=about, seconds=seconds):
                    raise Busy(f"the guest does not let go of {about}", remedy="repeat it later")
            self._session.call("VBD.destroy", vbd)
        self._boot_order.arrange(vm)
        self._disks.remove(vm.mark.vm_uuid, key)
        self._volumes.release_unused()


def require_hotplug(vm: Found) -> None:
    """Refuse to change the devices of a VM that neither runs nor is stopped."""
    state = translate.power_state(vm.record["power_state"])
    if state not in (PowerState.RUNNING, PowerState.STOPPED):
        raise InvalidState(
            f"VM {vm.mark.vm_uuid} is {state.value}",
            remedy="start or stop it first",
            state=state.value,
        )


def _require_equal(spec: DiskSpec, vbd: Row) -> None:
    mark = device_mark(vbd)
    if mark is None or mark.digest != spec_digest(spec):
        raise Conflict(
            f"the VM has a disk {spec.key} of another spec",
            remedy="detach it first, or use another key",
            resource=Resource.DISK,
            name=spec.key,
        )


def _way_to_grow(vm: Found, disk: OldDisk) -> str:
    if vm.record["power_state"] == "Halted":
        return "VDI.resize"
    if "resize_online" not in disk.record["allowed_operations"]:
        raise InvalidState(
            f"its storage repository enlarges no disk of a VM that runs: {vm.mark.vm_uuid}",
            remedy="stop the VM first",
            state=translate.power_state(vm.record["power_state"]).value,
        )
    return "VDI.resize_online"
