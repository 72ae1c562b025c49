"""VMs that become larger or smaller, and may become again what they were.

A checkpoint keeps the old VM while a resize is pending: its settings, and its disks, which go on in
new files. It bears the mark of the old description, the VM that of the new one; when both are the
same, a call ended in the middle.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Conflict, Resource, Unsupported
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.states import require_state
from nova_virt_interface.values.disks import DiskSpec
from nova_virt_interface.values.guest_settings import Firmware
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.nics import NicSpec
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.resize import (
    ConfirmResizeRequest,
    ResizeVmRequest,
    RevertResizeRequest,
)
from nova_virt_interface.values.vm import VmSpec

from nova_virt_hyperv.boot_order import BootOrder
from nova_virt_hyperv.checkpoints import Checkpoint, Checkpoints
from nova_virt_hyperv.cim import Instance
from nova_virt_hyperv.disk_store import DiskStore
from nova_virt_hyperv.disks import Disks
from nova_virt_hyperv.drives import Drives
from nova_virt_hyperv.lifecycle import Lifecycle
from nova_virt_hyperv.machines import Machine, Machines
from nova_virt_hyperv.nics import Nics
from nova_virt_hyperv.security import Security
from nova_virt_hyperv.session import several_steps
from nova_virt_hyperv.settings import Hardware
from nova_virt_hyperv.translate import check_vm, firmware_of

__all__ = ["Resize"]

_NAME = "nova-virt resize of "


@dataclass(frozen=True)
class _Plan:
    """What differs between a VM and its new description."""

    gone_disks: tuple[str, ...]
    new_disks: tuple[DiskSpec, ...]
    changed_disks: tuple[DiskSpec, ...]
    gone_nics: tuple[str, ...]
    new_nics: tuple[NicSpec, ...]
    switches: dict[str, Instance]


class Resize:
    """Resizes of the VMs of one host."""

    def __init__(
        self,
        machines: Machines,
        checkpoints: Checkpoints,
        hardware: Hardware,
        security: Security,
        disks: Disks,
        drives: Drives,
        store: DiskStore,
        boot_order: BootOrder,
        nics: Nics,
        lifecycle: Lifecycle,
        host: HostDescription,
    ) -> None:
        self._machines = machines
        self._checkpoints = checkpoints
        self._hardware = hardware
        self._security = security
        self._disks = disks
        self._drives = drives
        self._store = store
        self._boot_order = boot_order
        self._nics = nics
        self._lifecycle = lifecycle
        self._host = host

    def resize_vm(self, vm_uuid: UUID, request: ResizeVmRequest) -> None:
        """See `IResize.resize_vm`."""
        spec = request.spec
        check_vm(spec, self._host)
        machine = self._machines.ours(vm_uuid)
        if machine.spec == spec_digest(spec):
            return
        kept = self._kept(machine, vm_uuid)
        if kept is not None and _is_pending(machine, kept):
            raise Conflict(
                f"VM {vm_uuid} has another resize pending",
                remedy="confirm or revert that first",
                resource=Resource.VM,
                name=str(vm_uuid),
            )
        entry = self._machines.entry(machine, vm_uuid)
        require_state(vm_uuid, entry.state, PowerState.STOPPED)
        if kept is not None:
            self._back(machine, vm_uuid, kept)
        plan = self._plan(machine, vm_uuid, spec)
        with undone_by(lambda: self._undo(machine, vm_uuid)):
            self._checkpoints.make(machine, vm_uuid, _NAME + entry.name)
            self._change(machine, vm_uuid, spec, plan)

    def confirm_resize(self, vm_uuid: UUID, request: ConfirmResizeRequest) -> None:
        """See `IResize.confirm_resize`."""
        machine = self._machines.ours(vm_uuid)
        kept = self._kept(machine, vm_uuid)
        if kept is None or not _is_pending(machine, kept):
            return
        with several_steps() as steps:
            self._checkpoints.remove(kept, vm_uuid)
            steps.taken = True
            self._disks.remove_unused(machine, vm_uuid)

    def revert_resize(self, vm_uuid: UUID, request: RevertResizeRequest) -> None:
        """See `IResize.revert_resize`."""
        machine = self._machines.ours(vm_uuid)
        kept = self._kept(machine, vm_uuid)
        if kept is not None:
            state = self._machines.entry(machine, vm_uuid).state
            require_state(vm_uuid, state, PowerState.STOPPED)
            self._back(machine, vm_uuid, kept)

    def _kept(self, machine: Machine, vm_uuid: UUID) -> Checkpoint | None:
        found = self._checkpoints.find(machine, vm_uuid)
        return next((item for item in found if item.name.startswith(_NAME)), None)

    def _undo(self, machine: Machine, vm_uuid: UUID) -> None:
        kept = self._kept(machine, vm_uuid)
        if kept is not None:
            self._back(machine, vm_uuid, kept)

    def _back(self, machine: Machine, vm_uuid: UUID, kept: Checkpoint) -> None:
        """Make the VM what it was; the checkpoint goes last, so that a repeat finds it."""
        with several_steps() as steps:
            self._checkpoints.apply(kept, vm_uuid)
            steps.taken = True
            if kept.mark is not None:
                # The checkpoint has lost the VM's label to its own name.
                self._lifecycle.label(machine, kept.mark, kept.name.removeprefix(_NAME))
            self._checkpoints.remove(kept, vm_uuid)
            self._disks.remove_unused(machine, vm_uuid)

    def _plan(self, machine: Machine, vm_uuid: UUID, spec: VmSpec) -> _Plan:
        """Compare a VM with a description; refuses what cannot be, and touches nothing."""
        if machine.firmware is not firmware_of(spec, self._host):
            raise Unsupported(
                "Hyper-V does not change the firmware of a VM",
                remedy="keep it, or make another VM",
                field="settings.firmware",
            )
        disks = {found.key: found.name for found in self._drives.find(machine, vm_uuid)}
        changed = tuple(disk for disk in spec.disks if disk.key in disks)
        changed = tuple(disk for disk in changed if not disks[disk.key].is_of(disk))
        for disk in changed:
            self._disks.check_change(machine, vm_uuid, disk)
        new_disks = tuple(disk for disk in spec.disks if disk.key not in disks)
        for disk in new_disks:
            self._store.check(disk)
        nics = self._nics.names(machine, vm_uuid)
        same = {nic.key for nic in spec.nics if nic.key in nics and nics[nic.key].is_of(nic)}
        new_nics = tuple(nic for nic in spec.nics if nic.key not in same)
        return _Plan(
            gone_disks=tuple(disks.keys() - {disk.key for disk in spec.disks}),
            new_disks=new_disks,
            changed_disks=changed,
            gone_nics=tuple(nics.keys() - same),
            new_nics=new_nics,
            switches=self._nics.switches(new_nics),
        )

    def _change(self, machine: Machine, vm_uuid: UUID, spec: VmSpec, plan: _Plan) -> None:
        for key in plan.gone_disks:
            self._disks.take_off(machine, vm_uuid, key)
        for key in plan.gone_nics:
            self._nics.take_off(machine, vm_uuid, key)
        self._hardware.change(machine, vm_uuid, spec)
        self._security.set_tpm(machine, vm_uuid, wanted=spec.settings.tpm is not None)
        for disk in plan.changed_disks:
            self._disks.change(machine, vm_uuid, disk)
        for disk in plan.new_disks:
            self._store.make(vm_uuid, disk)
        firmware = firmware_of(spec, self._host)
        given = spec.secrets
        self._disks.connect(machine, vm_uuid, plan.new_disks, firmware, secrets=given)
        if firmware is Firmware.BIOS:
            self._boot_order.bring_forward(machine, vm_uuid)
        self._nics.connect(machine, vm_uuid, plan.new_nics, plan.switches)
        drives = {found.key: found.drive for found in self._drives.find(machine, vm_uuid)}
        mark = replace(machine.mark_of_ours, spec=spec_digest(spec))
        self._lifecycle.complete(machine, mark, spec, [drives[disk.key] for disk in spec.disks])


def _is_pending(machine: Machine, kept: Checkpoint) -> bool:
    return kept.mark is None or kept.mark.spec != machine.spec
