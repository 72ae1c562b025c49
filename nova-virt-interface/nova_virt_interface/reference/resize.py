"""The reference driver's VMs that become larger or smaller."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Conflict, InvalidRequest, Resource
from nova_virt_interface.reference import host_resize, translate
from nova_virt_interface.reference._part import Part, wrong_state
from nova_virt_interface.reference.errors import translated
from nova_virt_interface.reference.host import Disk, Image, Vm
from nova_virt_interface.reference.made_disk import limits_of, origin
from nova_virt_interface.values.disks import DiskSpec, Media
from nova_virt_interface.values.resize import (
    ConfirmResizeRequest,
    ResizeVmRequest,
    RevertResizeRequest,
)
from nova_virt_interface.values.vm import VmSpec

__all__ = ["ResizePart"]


class ResizePart(Part):
    """Provides `IResize`."""

    if TYPE_CHECKING:

        def _imported(self, disks: Iterable[DiskSpec]) -> dict[str, Image]: ...

    def resize_vm(self, vm_uuid: UUID, request: ResizeVmRequest) -> None:
        """See `IResize`."""
        spec = request.spec
        translate.check_vm(spec, self._description)
        old = self._ours(vm_uuid)
        if old.digest == spec_digest(spec):
            return
        with translated():
            if host_resize.is_pending(self._host, vm_uuid):
                raise Conflict(
                    f"another resize of VM {vm_uuid} is pending",
                    remedy="confirm or revert it first",
                    resource=Resource.VM,
                    name=str(vm_uuid),
                )
            if old.state != "stopped":
                wrong_state(vm_uuid, old.state, f"is {old.state}", "stop it first")
            host_resize.resize(self._host, self._resized(old, spec))

    def _resized(self, old: Vm, spec: VmSpec) -> Vm:
        for disk in spec.disks:
            if disk.key in old.disks:
                _check_kept(disk, old.disks[disk.key])
        made = tuple(disk for disk in spec.disks if disk.key not in old.disks)
        images = self._host.images() | self._imported(made)
        new = translate.vm(old.uuid, replace(spec, disks=made), self._mark(old.uuid), images)
        new.disks |= {
            disk.key: _kept(old.disks[disk.key], disk)
            for disk in spec.disks
            if disk.key in old.disks
        }
        new.digest, new.console, new.starts = spec_digest(spec), old.console, old.starts
        return new

    def confirm_resize(self, vm_uuid: UUID, request: ConfirmResizeRequest) -> None:
        """See `IResize`."""
        self._ours(vm_uuid)
        with translated():
            host_resize.confirm(self._host, vm_uuid)

    def revert_resize(self, vm_uuid: UUID, request: RevertResizeRequest) -> None:
        """See `IResize`."""
        state = self._ours(vm_uuid).state
        with translated():
            if host_resize.is_pending(self._host, vm_uuid):
                if state != "stopped":
                    wrong_state(vm_uuid, state, f"is {state}", "stop it first")
                host_resize.revert(self._host, vm_uuid)


def _kept(disk: Disk, spec: DiskSpec) -> Disk:
    size = spec.size_bytes or disk.size_bytes
    return replace(
        disk,
        size_bytes=size,
        boot_index=spec.boot_index,
        digest=spec_digest(spec),
        limits=limits_of(spec.limits),
        serial=spec.serial,
    )


def _check_kept(spec: DiskSpec, disk: Disk) -> None:
    place = f"disks[{spec.key}]"
    if disk.origin != origin(spec):
        raise InvalidRequest(
            f"{place} is there with another source, format or encryption",
            remedy="use another key for another disk",
            field=f"{place}.source",
        )
    if not isinstance(spec.source, Media) and (spec.size_bytes or 0) < disk.size_bytes:
        raise InvalidRequest(
            f"{place} has {disk.size_bytes} bytes and cannot shrink to {spec.size_bytes}",
            remedy="ask for at least its present size",
            field=f"{place}.size_bytes",
        )
