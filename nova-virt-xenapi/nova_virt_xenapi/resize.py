"""VMs that become larger or smaller, and may become again what they were.

A resized VM is another VM of xapi, whose disks begin as clones of the old one's. Its mark names the
old one, so that the moment in which it is complete is the moment in which it takes its place.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Conflict, InvalidRequest, Resource, Unsupported
from nova_virt_interface.states import require_state
from nova_virt_interface.values.disks import DiskSpec
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.resize import (
    ConfirmResizeRequest,
    ResizeVmRequest,
    RevertResizeRequest,
)
from nova_virt_interface.values.vm import VmSpec

from nova_virt_xenapi import translate
from nova_virt_xenapi.disk_content import source_digest
from nova_virt_xenapi.disks import OldDisk
from nova_virt_xenapi.marks import CLONE, KEPT, SPEC
from nova_virt_xenapi.pool import check_vm
from nova_virt_xenapi.records import Found
from nova_virt_xenapi.replacement import Replacement
from nova_virt_xenapi.session import undone_by

__all__ = ["Resizes"]


class Resizes(Replacement):
    """Resizes of one owner's VMs."""

    def resize_vm(self, vm_uuid: UUID, request: ResizeVmRequest) -> None:
        """See `IResize.resize_vm`."""
        spec = request.spec
        check_vm(spec, self._pool)
        with self._session.operation(f"VM {vm_uuid}"):
            vm, kept = self._found(vm_uuid)
            if vm.mark.spec == spec_digest(spec):
                return
            if kept:
                raise Conflict(
                    f"VM {vm_uuid} has a resize pending",
                    remedy="confirm or revert it first",
                    resource=Resource.VM,
                    name=str(vm_uuid),
                )
            require_state(vm_uuid, _state(vm), PowerState.STOPPED)
            old = self._disks.of_vm(vm)
            self._check(spec, old)
            keeps_tpm = bool(vm.record["VTPMs"]) and spec.settings.tpm is not None
            if keeps_tpm and self._disks.volumes_of(vm):
                raise Unsupported(
                    "settings.tpm: xapi copies a TPM along with all disks, volumes, too",
                    remedy="detach its volumes first",
                    field="settings.tpm",
                )
            self._construction.networks(spec)
            with undone_by(lambda: self._clean(vm_uuid)):
                self._clean(vm_uuid)
                mark = replace(self._records.mark(vm_uuid), replaces=vm.record["uuid"])
                if keeps_tpm:
                    new = self._construction.begin_as_clone(vm, spec, mark)
                else:
                    new = self._construction.begin(spec, mark, vm.record.get("NVRAM"))
                self._construction.fill(new, vm_uuid, spec, old=old, has_tpm=keeps_tpm)
                # The switch: one write.
                self._construction.complete(new, spec)
            # For those who remember the old one's reference.
            self._session.call("VM.add_to_other_config", vm.ref, KEPT, "yes")

    def confirm_resize(self, vm_uuid: UUID, request: ConfirmResizeRequest) -> None:
        """See `IResize.confirm_resize`."""
        with self._session.operation(f"VM {vm_uuid}"):
            _, kept = self._found(vm_uuid)
            self._lifecycle.remove(kept, vm_uuid)

    def revert_resize(self, vm_uuid: UUID, request: RevertResizeRequest) -> None:
        """See `IResize.revert_resize`."""
        with self._session.operation(f"VM {vm_uuid}"):
            vm, kept = self._found(vm_uuid)
            if kept:
                require_state(vm_uuid, _state(vm), PowerState.STOPPED)
                self._session.call("VM.remove_from_other_config", vm.ref, SPEC)
            for old in kept or [vm]:
                if old.mark.kept:
                    self._session.call("VM.remove_from_other_config", old.ref, KEPT)
            self._clean(vm_uuid)

    def _found(self, vm_uuid: UUID) -> tuple[Found, list[Found]]:
        """The VM, and what is kept of its past."""
        every = self._records.every(vm_uuid)
        complete = [vm for vm in every if vm.is_complete]
        if not complete:
            self._records.require(vm_uuid)
        return complete[0], [vm for vm in every if vm.kept]

    def _check(self, spec: VmSpec, old: dict[str, OldDisk]) -> None:
        for disk in spec.disks:
            before = old.get(disk.key)
            if before is None:
                self._disks.check(disk)
                continue
            if before.mark.source != source_digest(disk):
                raise InvalidRequest(
                    f"disk {disk.key} cannot become another one",
                    remedy="give the other one another key",
                    field=f"disks[{disk.key}].source",
                )
            _check_size(disk, before, self._pool.description.disk_step_bytes)

    def _clean(self, vm_uuid: UUID) -> None:
        """Remove what is on the way to take the place of another, and is not complete."""
        every = self._records.known(vm_uuid)
        parts = [vm for vm in every if vm.mark.spec is None and vm.mark.replaces]
        self._lifecycle.remove(parts, vm_uuid)
        for vm in every:
            if CLONE in vm.record["other_config"] and vm not in parts:
                self._construction.forget_clone(vm)


def _check_size(disk: DiskSpec, before: OldDisk, step: int) -> None:
    size = int(before.record["virtual_size"])
    if disk.size_bytes is not None and disk.size_bytes <= size - step:
        raise InvalidRequest(
            f"disk {disk.key} of {size} bytes does not shrink",
            field=f"disks[{disk.key}].size_bytes",
        )


def _state(vm: Found) -> PowerState:
    return translate.power_state(vm.record["power_state"])
