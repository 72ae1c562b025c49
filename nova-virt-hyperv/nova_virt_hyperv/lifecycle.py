"""Makes and deletes VMs."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID, uuid4

from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import BackendError, Conflict, InvalidState, NotFound, Resource
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.values.disks import Media
from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.guest_settings import Firmware
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec
from nova_virt_interface.values.volumes import Volume

from nova_virt_hyperv.boot_order import BootOrder
from nova_virt_hyperv.cim import Embedded, Instance, Number, embedded
from nova_virt_hyperv.conf import Settings
from nova_virt_hyperv.disk_store import DiskStore
from nova_virt_hyperv.disks import Disks
from nova_virt_hyperv.events import Events
from nova_virt_hyperv.machines import SETTINGS, Machine, Machines, Services, about_vm
from nova_virt_hyperv.mark import Copied, Mark
from nova_virt_hyperv.moves import Moves
from nova_virt_hyperv.nics import Nics
from nova_virt_hyperv.power import Power
from nova_virt_hyperv.security import Security
from nova_virt_hyperv.session import Steps, several_steps
from nova_virt_hyperv.settings import firmware_settings, hardware_settings
from nova_virt_hyperv.slots import SCSI
from nova_virt_hyperv.translate import GENERATION, bios_guid, check_moves, check_vm, firmware_of
from nova_virt_hyperv.wmi import Parameter, Wmi

__all__ = ["Lifecycle"]

_log = logging.getLogger(__name__)

# AutomaticStartupAction: none, because core decides what runs.
_NO_AUTOMATIC_START = Number(2, "uint16")
_SCSI_CONTROLLER = embedded(
    "Msvm_ResourceAllocationSettingData",
    {"ResourceType": Number(6, "uint16"), "ResourceSubType": SCSI},
)


class Lifecycle:
    """The VMs of one host, from definition to deletion."""

    def __init__(
        self,
        wmi: Wmi,
        machines: Machines,
        disks: Disks,
        store: DiskStore,
        boot_order: BootOrder,
        security: Security,
        nics: Nics,
        power: Power,
        events: Events,
        services: Services,
        host: HostDescription,
        settings: Settings,
        moves: Moves,
    ) -> None:
        self._wmi = wmi
        self._machines = machines
        self._disks = disks
        self._store = store
        self._boot_order = boot_order
        self._security = security
        self._nics = nics
        self._power = power
        self._events = events
        self._service = services.machines
        self._host = host
        self._owner = settings.owner
        self._moves = moves
        self._template = settings.secure_boot_template
        self._memory_ratio = settings.dynamic_memory_ratio

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        """See `IHypervisor.create_vm`.

        The VM is marked as ours from the first step on, but as complete only in the last: what a
        crash leaves in between is found and removed.
        """
        check_vm(spec, self._host)
        mark = Mark(self._owner, vm_uuid, str(uuid4()).upper())
        found = self._machines.find(vm_uuid)
        for machine in found:
            if not self._machines.is_ours(machine, vm_uuid):
                raise _conflict(vm_uuid, "somebody else's VM")
            if machine.mark and machine.mark.spec:
                if machine.mark.spec != spec_digest(spec):
                    raise _conflict(vm_uuid, "a VM of another spec")
                return
        if self._moves.incoming(vm_uuid) is not None:
            raise _conflict(vm_uuid, "a VM that is to come from another host")
        switches = self._nics.switches(spec.nics)
        for disk in spec.disks:
            self._store.check(disk)
        with undone_by(lambda: self._remove(vm_uuid, self._machines.find(vm_uuid))):
            # A VM that is not complete, and files without a VM, are what a crashed call left.
            self._remove(vm_uuid, found)
            for disk in spec.disks:
                self._store.make(vm_uuid, disk)
            self._assemble(mark, spec, switches, {})

    def adopt(self, vm_uuid: UUID, spec: VmSpec, files: Mapping[str, str]) -> None:
        """Make a VM of disks whose files are there already, and of media that are made.

        Args:
            vm_uuid: of the VM.
            spec: its description.
            files: names of the files in the folder of disks, by the disks' keys.
        """
        check_moves(spec)
        mark = Mark(self._owner, vm_uuid, str(uuid4()).upper())
        found = self._machines.find(vm_uuid)
        for machine in found:
            if not self._machines.is_ours(machine, vm_uuid):
                raise _conflict(vm_uuid, "somebody else's VM")
            if machine.spec and machine.spec != spec_digest(spec):
                raise _conflict(vm_uuid, "a VM of another spec")
            if machine.spec:
                return
        switches = self._nics.switches(spec.nics)
        missing = [
            disk.key
            for disk in spec.disks
            if disk.key not in files and not isinstance(disk.source, Media | Volume)
        ]
        if missing:
            raise NotFound(
                f"VM {vm_uuid} has no disks {missing} here", resource=Resource.DISK, name=missing[0]
            )
        media = [disk for disk in spec.disks if disk.key not in files]

        def undo() -> None:
            self.forget(vm_uuid)
            for disk in media:
                self._store.remove(vm_uuid, disk.key)

        with undone_by(undo):
            self.forget(vm_uuid)
            for disk in media:
                self._store.remove(vm_uuid, disk.key)
                self._store.make(vm_uuid, disk)
            self._assemble(mark, spec, switches, files)

    def forget(self, vm_uuid: UUID) -> bool:
        """Remove a VM that is ours, complete or not, but none of its files."""
        ours = [vm for vm in self._machines.find(vm_uuid) if self._machines.is_ours(vm, vm_uuid)]
        with several_steps() as steps:
            for machine in ours:
                self._remove_one(machine, vm_uuid, steps)
            self._disks.release_units(vm_uuid)
        return bool(ours)

    def _assemble(
        self, mark: Mark, spec: VmSpec, switches: Mapping[str, Instance], files: Mapping[str, str]
    ) -> None:
        firmware = firmware_of(spec, self._host)
        machine = self._define(mark, spec, firmware)
        if spec.settings.tpm is not None:
            self._security.set_tpm(machine, mark.uuid, wanted=True)
        drives = self._disks.connect(
            machine, mark.uuid, spec.disks, firmware, files, secrets=spec.secrets
        )
        self._nics.connect(machine, mark.uuid, spec.nics, switches)
        done = replace(mark, vm=machine.guid, spec=spec_digest(spec))
        self.complete(machine, done, spec, drives)

    def delete_vm(self, vm_uuid: UUID, request: DeleteVmRequest) -> None:
        """See `IHypervisor.delete_vm`."""
        if self._remove(vm_uuid, self._machines.find(vm_uuid)):
            self._events.note(EventKind.DELETED, vm_uuid)
        self._moves.forget(vm_uuid)

    def _remove(self, vm_uuid: UUID, found: Sequence[Machine]) -> bool:
        """Remove what is ours of these, complete or not, and all files of the VM.

        Returns: whether a complete one was among them.
        """
        ours = [machine for machine in found if self._machines.is_ours(machine, vm_uuid)]
        with several_steps() as steps:
            for machine in ours:
                self._remove_one(machine, vm_uuid, steps)
            self._disks.release_units(vm_uuid)
            self._store.remove(vm_uuid)
        return any(machine.mark and machine.mark.spec for machine in ours)

    def _remove_one(self, machine: Machine, vm_uuid: UUID, steps: Steps) -> None:
        try:
            self._destroy(machine, vm_uuid)
        except InvalidState:
            self._power.stop(machine, vm_uuid, 0.0)
            steps.taken = True
            self._destroy(machine, vm_uuid)
        except NotFound:
            _log.info("VM %s was deleted by somebody else", vm_uuid)
        steps.taken = True

    def _destroy(self, machine: Machine, vm_uuid: UUID) -> None:
        named = [("AffectedSystem", machine.system)]
        self._wmi.invoke(self._service, "DestroySystem", named, about=about_vm(vm_uuid))

    def _define(self, mark: Mark, spec: VmSpec, firmware: Firmware) -> Machine:
        settings: dict[str, Embedded] = {
            "ElementName": spec.name,
            "Notes": [str(mark)],
            "BIOSGUID": bios_guid(mark.uuid),
            "VirtualSystemSubType": GENERATION[firmware],
            "AutomaticStartupAction": _NO_AUTOMATIC_START,
        }
        settings |= firmware_settings(spec, firmware, self._template)
        named: list[tuple[str, Parameter]] = [("SystemSettings", embedded(SETTINGS, settings))]
        hardware = hardware_settings(spec, self._memory_ratio)
        texts = [embedded(name, found) for name, found in hardware.items()]
        named += [("ResourceSettings", text) for text in (*texts, _SCSI_CONTROLLER)]
        about = about_vm(mark.uuid)
        self._wmi.invoke(self._service, "DefineSystem", named, about=about)
        # The output names the system only when the host made it without a job.
        for machine in self._machines.find(mark.uuid):
            if machine.mark == mark:
                return machine
        raise BackendError(f"VM {mark.uuid} vanished after it was defined", may_have_been_done=True)

    def complete(
        self, machine: Machine, mark: Mark, spec: VmSpec, drives: Sequence[Instance]
    ) -> None:
        """Say that a VM is as described: its mark, label, firmware and boot order.

        Args:
            machine: the VM.
            mark: with the digest of the description.
            spec: the description.
            drives: those of its disks, in the same order.
        """
        firmware = firmware_of(spec, self._host)
        candidates = [
            (disk.boot_index, isinstance(disk.source, Media), drive)
            for disk, drive in zip(spec.disks, drives, strict=True)
            if disk.boot_index is not None
        ]
        more = self._boot_order.settings(candidates, firmware)
        more |= firmware_settings(spec, firmware, self._template)
        self.label(machine, mark, spec.name, more)

    def note_copy(self, machine: Machine, copy: Copied) -> None:
        """Write into a VM's notes that a cold migration has copied it."""
        mark = machine.mark_of_ours
        settings: dict[str, Embedded] = {
            "InstanceID": machine.settings.key("InstanceID"),
            "Notes": [str(mark), str(copy)],
        }
        self._write(mark, settings)

    def relabel(self, machine: Machine, spec: VmSpec) -> None:
        """Say that a VM, running or not, is of this description."""
        self.label(machine, replace(machine.mark_of_ours, spec=spec_digest(spec)), spec.name)

    def label(
        self, machine: Machine, mark: Mark, name: str, more: Mapping[str, Embedded] | None = None
    ) -> None:
        """Write a VM's mark and label, and what else changes with them."""
        settings: dict[str, Embedded] = {
            "InstanceID": machine.settings.key("InstanceID"),
            "ElementName": name,
            "Notes": [str(mark)],
            **(more or {}),
        }
        self._write(mark, settings)

    def _write(self, mark: Mark, settings: dict[str, Embedded]) -> None:
        self._wmi.invoke(
            self._service,
            "ModifySystemSettings",
            [("SystemSettings", embedded(SETTINGS, settings))],
            about=about_vm(mark.uuid),
        )


def _conflict(vm_uuid: UUID, what: str) -> Conflict:
    return Conflict(
        f"{vm_uuid} is {what}",
        resource=Resource.VM,
        name=str(vm_uuid),
        remedy="use another uuid, or delete that VM first",
    )
