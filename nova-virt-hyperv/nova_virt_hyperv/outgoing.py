"""VMs that go to another host."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.call import Call, current_call
from nova_virt_interface.errors import (
    Cancelled,
    Conflict,
    DeadlineExceeded,
    InvalidState,
    NotFound,
    Resource,
    Unsupported,
)
from nova_virt_interface.states import require_state
from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.migration import (
    AbortMigrationRequest,
    CheckOutgoingRequest,
    FinishOutgoingRequest,
    MigrateVmRequest,
    MigrationMode,
    MigrationPhase,
    MigrationPlan,
    MigrationStatus,
    OutgoingDisk,
    OutgoingVm,
)
from nova_virt_interface.values.power import PowerState

from nova_virt_hyperv.checkpoints import Checkpoints
from nova_virt_hyperv.cim import Embedded, Instance, Number, Reference, embedded, equals, select
from nova_virt_hyperv.cold_copies import ColdCopies, path_there
from nova_virt_hyperv.conf import Settings
from nova_virt_hyperv.devices import Devices
from nova_virt_hyperv.disk_files import DiskFiles
from nova_virt_hyperv.disk_store import DiskStore
from nova_virt_hyperv.drives import Drives
from nova_virt_hyperv.errors import About
from nova_virt_hyperv.events import Events
from nova_virt_hyperv.files import DISKS, MOVES
from nova_virt_hyperv.machines import Machine, Machines, Services, about_vm
from nova_virt_hyperv.mark import file_name
from nova_virt_hyperv.migration_data import packed, unpacked
from nova_virt_hyperv.moves import Move, Moves, key_file
from nova_virt_hyperv.wmi import Parameter, Wmi

__all__ = ["Outgoing", "can_migrate"]

_METHOD = "MigrateVirtualSystemToHost"
_STATES = {MigrationMode.LIVE: PowerState.RUNNING, MigrationMode.COLD: PowerState.STOPPED}
# MigrationType of Msvm_VirtualSystemMigrationSettingData: the VM alone, the VM with its storage.
_VM, _VM_AND_STORAGE = Number(32768, "uint16"), Number(32771, "uint16")
_ENDED = range(7, 12)
_SMALLEST_BYTES = 3 * 1024 * 1024


def can_migrate(wmi: Wmi) -> bool:
    """Whether the host's administrator has switched migration on."""
    rows = wmi.query(select("Msvm_VirtualSystemMigrationServiceSettingData"))
    return bool(rows) and rows[0].text("EnableVirtualSystemMigration") == "true"


class Outgoing:
    """See `IMigrationSource` and `IMigrationControl`."""

    def __init__(
        self,
        wmi: Wmi,
        machines: Machines,
        moves: Moves,
        checkpoints: Checkpoints,
        drives: Drives,
        store: DiskStore,
        disk_files: DiskFiles,
        cold: ColdCopies,
        events: Events,
        services: Services,
        host: HostDescription,
        settings: Settings,
    ) -> None:
        self._wmi = wmi
        self._machines = machines
        self._moves = moves
        self._checkpoints = checkpoints
        self._drives = drives
        self._store = store
        self._disk_files = disk_files
        self._cold = cold
        self._events = events
        self._services = services
        self._host = host
        self._storage_id = settings.storage_id or None

    def describe_outgoing(self, vm_uuid: UUID) -> OutgoingVm:
        """See `IMigrationSource.describe_outgoing`."""
        machine = self._machines.ours(vm_uuid)
        entry = self._machines.entry(machine, vm_uuid)
        sizes = {key: (size, stored) for key, size, stored in self._store.sizes(vm_uuid)}
        disks = [
            OutgoingDisk(
                key=found.key,
                size_bytes=sizes.get(found.key, (0, 0))[0],
                stored_bytes=sizes.get(found.key, (0, 0))[1],
                storage_id=self._storage_id,
                is_volume=found.is_volume,
            )
            for found in self._drives.find(machine, vm_uuid)
        ]
        return OutgoingVm(
            vm_uuid=vm_uuid, power_state=entry.state, disks=tuple(disks), data=packed()
        )

    def check_outgoing(self, vm_uuid: UUID, request: CheckOutgoingRequest) -> MigrationPlan:
        """See `IMigrationSource.check_outgoing`."""
        unpacked(request.offer.data)
        offers.check_offered(request.mode, self._host.migration_modes, "mode")
        machine = self._machines.ours(vm_uuid)
        entry = self._machines.entry(machine, vm_uuid)
        require_state(vm_uuid, entry.state, _STATES[request.mode])
        if self._checkpoints.find(machine, vm_uuid):
            raise Unsupported(
                f"VM {vm_uuid} has checkpoints, which stay where they are",
                remedy="confirm or revert its resize, and delete an operator's checkpoints, first",
                field="mode",
            )
        if request.mode is MigrationMode.LIVE and any(
            found.is_physical for found in self._drives.find(machine, vm_uuid)
        ):
            raise Unsupported(
                f"VM {vm_uuid} has a physical disk, which is another one on another host",
                remedy="stop it, and migrate it cold",
                field="mode",
            )
        copied = request.offer.copied_disks
        content = sum(stored for key, _, stored in self._store.sizes(vm_uuid) if key in copied)
        names = [
            file_name(found.path)
            for found in self._drives.find(machine, vm_uuid)
            if not found.is_volume and not found.is_medium
        ]
        return MigrationPlan(
            mode=request.mode,
            copied_disks=copied,
            data=packed({"disks": " ".join(names)}),
            expected_bytes=content + (entry.memory_mib or 0) * 1024 * 1024,
        )

    def migrate_vm(self, vm_uuid: UUID, request: MigrateVmRequest) -> None:
        """See `IMigrationSource.migrate_vm`. Hyper-V takes no limits: neither of bytes nor of the
        guest's standstill.
        """
        ticket = request.ticket
        told = unpacked(ticket.data)
        if told.get("vm") != str(vm_uuid):
            raise _bad_ticket(vm_uuid, "is for another VM")
        try:
            machine = self._machines.ours(vm_uuid)
        except NotFound:
            if self._has_gone(vm_uuid, ticket.plan, told):
                return
            raise
        if self._cold.is_copied(machine, vm_uuid, told["token"]):
            return
        job = self._job(machine)
        if job is None:
            state = self._machines.entry(machine, vm_uuid).state
            require_state(vm_uuid, state, _STATES[ticket.plan.mode])
            if not self._is_good(vm_uuid, told):
                raise _bad_ticket(vm_uuid, "was cancelled")
        if ticket.plan.mode is MigrationMode.COLD:
            self._cold.copy(machine, vm_uuid, ticket.plan, told)
        else:
            self._move(machine, vm_uuid, ticket.plan, told, job)

    def finish_outgoing(self, vm_uuid: UUID, request: FinishOutgoingRequest) -> None:
        """See `IMigrationSource.finish_outgoing`."""
        found = [vm for vm in self._machines.find(vm_uuid) if self._machines.is_ours(vm, vm_uuid)]
        for machine in found:
            if machine.spec:
                self._cold.remove(machine, vm_uuid)
        move = self._moves.outgoing(vm_uuid)
        if move is not None:
            if move.copied:
                self._store.remove(vm_uuid)
            self._moves.forget_outgoing(vm_uuid)

    def migration_status(self, vm_uuid: UUID) -> MigrationStatus:
        """See `IMigrationControl.migration_status`."""
        move = self._moves.outgoing(vm_uuid)
        found = [vm for vm in self._machines.find(vm_uuid) if self._machines.is_ours(vm, vm_uuid)]
        if not found:
            gone = move is not None and move.mode == MigrationMode.LIVE.value
            return MigrationStatus(phase=MigrationPhase.SWITCHED if gone else MigrationPhase.NONE)
        job = self._job(found[0])
        return MigrationStatus(phase=MigrationPhase.COPYING if job else MigrationPhase.NONE)

    def abort_migration(self, vm_uuid: UUID, request: AbortMigrationRequest) -> None:
        """See `IMigrationControl.abort_migration`."""
        if self.migration_status(vm_uuid).phase is MigrationPhase.SWITCHED:
            raise _switched(vm_uuid)
        for machine in self._machines.find(vm_uuid):
            job = self._job(machine) if self._machines.is_ours(machine, vm_uuid) else None
            if job is not None:
                self._wmi.end_job(job, about_vm(vm_uuid))
                if not self._machines.find(vm_uuid):
                    raise _switched(vm_uuid)

    def _is_good(self, vm_uuid: UUID, told: dict[str, str]) -> bool:
        """Whether the destination still expects the VM."""
        name = key_file(vm_uuid, told["host"], told["token"])
        return self._disk_files.exists(path_there(told, MOVES, name), f"the ticket of VM {vm_uuid}")

    def _has_gone(self, vm_uuid: UUID, plan: MigrationPlan, told: dict[str, str]) -> bool:
        """Whether a VM that is not here went with this ticket."""
        move = self._moves.outgoing(vm_uuid)
        if move is not None:
            return move.token == told["token"]
        # One that is expected, and whose disks are there, has gone, and its call ended before it
        # could note that; one that was deleted has no disks anywhere.
        names = unpacked(plan.data).get("disks", "").split()
        about = f"a disk of VM {vm_uuid}"
        there = [self._disk_files.exists(path_there(told, DISKS, name), about) for name in names]
        return all(there) and self._is_good(vm_uuid, told)

    def _move(
        self,
        machine: Machine,
        vm_uuid: UUID,
        plan: MigrationPlan,
        told: dict[str, str],
        job: Reference | None,
    ) -> None:
        about = about_vm(vm_uuid)
        if job is None:
            named = self._orders(machine, vm_uuid, plan, told)
            job = self._wmi.start(self._services.migration, _METHOD, named, about)
        if job is not None:
            self._wait(job, vm_uuid, plan.expected_bytes)
        self._events.note(EventKind.MIGRATED, vm_uuid)
        self._moves.write_outgoing(
            vm_uuid, Move(told["token"], plan.mode.value, "", plan.copied_disks)
        )

    def _orders(
        self, machine: Machine, vm_uuid: UUID, plan: MigrationPlan, told: dict[str, str]
    ) -> list[tuple[str, Parameter]]:
        kind = _VM_AND_STORAGE if plan.copied_disks else _VM
        settings = embedded("Msvm_VirtualSystemMigrationSettingData", {"MigrationType": kind})
        named: list[tuple[str, Parameter]] = [
            ("ComputerSystem", machine.system),
            ("DestinationHost", told["host"]),
            ("MigrationSettingData", settings),
        ]
        if plan.copied_disks:
            for found in self._drives.find(machine, vm_uuid):
                if found.content is None or found.is_volume:
                    # A volume is where it is.
                    continue
                place: dict[str, Embedded] = {
                    "InstanceID": found.content.text("InstanceID"),
                    "HostResource": [f"{told['path']}\\{DISKS}\\{file_name(found.path)}"],
                }
                text = embedded("Msvm_StorageAllocationSettingData", place)
                named.append(("NewResourceSettingData", text))
        return named

    def _wait(self, job: Reference, vm_uuid: UUID, expected: int | None) -> None:
        about, call = About(str(vm_uuid), Resource.VM), current_call()

        def look(found: Instance) -> None:
            total = expected or 100
            call.progress(total * (found.number("PercentComplete") or 0) // 100, total)
            call.check()

        try:
            ended = self._wmi.watch(job, _METHOD, about, look)
        except (Cancelled, DeadlineExceeded) as error:
            # Outside of the call, which is over; what cannot be ended comes to its own end.
            with Call(call.request_id):
                self._wmi.end_job(job, about)
                if not self._machines.find(vm_uuid):
                    error.may_have_been_done = True
                    raise
            error.may_have_been_done = False
            raise
        if ended:
            raise Cancelled(f"the migration of VM {vm_uuid} was given up")

    def _job(self, machine: Machine) -> Reference | None:
        """The migration of a VM that is on its way."""
        query = select("Msvm_MigrationJob", equals("VirtualSystemName", machine.guid))
        for row in self._wmi.query(query):
            if row.number("JobState") not in (*_ENDED, 32768):
                return Devices.reference(row)
        return None


def _bad_ticket(vm_uuid: UUID, why: str) -> Conflict:
    return Conflict(
        f"the ticket for VM {vm_uuid} {why}",
        remedy="let the destination prepare anew",
        resource=Resource.VM,
        name=str(vm_uuid),
    )


def _switched(vm_uuid: UUID) -> InvalidState:
    return InvalidState(
        f"VM {vm_uuid} has switched over, and is the destination's",
        remedy="migrate it back",
        state=PowerState.RUNNING.value,
    )
