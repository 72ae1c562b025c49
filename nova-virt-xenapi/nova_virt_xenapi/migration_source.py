"""VMs that go to another host of the pool."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.errors import (
    Busy,
    Cancelled,
    Conflict,
    DeadlineExceeded,
    InvalidState,
    NotFound,
    Resource,
    VirtError,
)
from nova_virt_interface.states import require_state
from nova_virt_interface.values.migration import (
    AbortMigrationRequest,
    CheckOutgoingRequest,
    FinishOutgoingRequest,
    MigrateVmRequest,
    MigrationMode,
    MigrationPhase,
    MigrationPlan,
    MigrationStatus,
    MigrationTicket,
    OutgoingDisk,
    OutgoingVm,
)
from nova_virt_interface.values.power import PowerState

from nova_virt_xenapi import translate
from nova_virt_xenapi.disks import Disks
from nova_virt_xenapi.lifecycle import Lifecycle
from nova_virt_xenapi.migration_data import pack, unpack
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.records import Found, Records
from nova_virt_xenapi.session import Session, attempt
from nova_virt_xenapi.tasks import Tasks

__all__ = ["MigrationSource"]

_OPERATIONS = ("pool_migrate", "migrate_send")


@dataclass(frozen=True)
class _Destination:
    """Where a ticket leads to."""

    host: str
    storage: str
    token: str


class MigrationSource:
    """The way out."""

    def __init__(
        self,
        session: Session,
        tasks: Tasks,
        records: Records,
        lifecycle: Lifecycle,
        disks: Disks,
        pool: Pool,
    ) -> None:
        self._session = session
        self._tasks = tasks
        self._records = records
        self._lifecycle = lifecycle
        self._disks = disks
        self._pool = pool

    def describe_outgoing(self, vm_uuid: UUID) -> OutgoingVm:
        """See `IMigrationSource.describe_outgoing`."""
        with self._session.operation(f"VM {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            disks = tuple(
                OutgoingDisk(
                    key=key,
                    size_bytes=int(disk.record["virtual_size"]),
                    stored_bytes=int(disk.record["physical_utilisation"]),
                    storage_id=self._pool.storage_id,
                )
                for key, disk in self._disks.of_vm(vm).items()
            )
        state = translate.power_state(vm.record["power_state"])
        data = pack(self._pool, host=self._pool.host_uuid)
        return OutgoingVm(vm_uuid=vm_uuid, power_state=state, disks=disks, data=data)

    def check_outgoing(self, vm_uuid: UUID, request: CheckOutgoingRequest) -> MigrationPlan:
        """See `IMigrationSource.check_outgoing`."""
        offer, mode = request.offer, request.mode
        offers.check_offered(mode, self._pool.description.migration_modes, "mode")
        data = unpack(offer.data, self._pool)
        with self._session.operation(f"VM {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            _require_mode(vm, mode)
            disks = self._disks.of_vm(vm)
            sizes = [int(disks[key].record["virtual_size"]) for key in offer.copied_disks]
            expected = sum(sizes)
            if mode is MigrationMode.LIVE:
                expected += int(vm.record["memory_dynamic_max"])
                self._assert_possible(vm, data, offer.copied_disks)
        return MigrationPlan(
            mode=mode,
            copied_disks=offer.copied_disks,
            data=offer.data,
            expected_bytes=expected,
        )

    def migrate_vm(self, vm_uuid: UUID, request: MigrateVmRequest) -> None:
        """See `IMigrationSource.migrate_vm`."""
        ticket = request.ticket
        data = unpack(ticket.data, self._pool)
        if data.get("vm") != str(vm_uuid):
            raise _not_good(vm_uuid, "it is of another VM")
        with self._session.operation(f"VM {vm_uuid}"):
            every = self._records.anywhere(vm_uuid)
            token = str(data["token"])
            here = [vm for vm in every if vm.mark.spec and self._records.ours(vm.record)]
            if not here:
                if any(vm.mark.spec is not None for vm in every):
                    return
                raise NotFound(f"there is no VM {vm_uuid}", resource=Resource.VM, name=str(vm_uuid))
            if _task_of(here[0]) is None:
                _require_mode(here[0], ticket.plan.mode)
            if not any(token in (vm.mark.incoming + vm.mark.came) for vm in every):
                raise _not_good(vm_uuid, "it was cancelled")
            place = self._destination(data, token)
            if ticket.plan.mode is MigrationMode.COLD:
                self._copy(here[0], ticket, place)
            else:
                with attempt():
                    self._move(here[0], ticket, place)

    def finish_outgoing(self, vm_uuid: UUID, request: FinishOutgoingRequest) -> None:
        """See `IMigrationSource.finish_outgoing`."""
        with self._session.operation(f"VM {vm_uuid}"):
            found = self._records.every(vm_uuid)
            for vm in found:
                if not vm.is_complete:
                    continue
                state = vm.record["power_state"]
                if state != "Halted" or vm.mark.copied.partition(" ")[2] != self._started(vm):
                    raise InvalidState(
                        f"VM {vm_uuid} has not gone",
                        remedy="migrate it first",
                        state=translate.power_state(state).value,
                    )
            self._lifecycle.remove(found, vm_uuid)

    def migration_status(self, vm_uuid: UUID) -> MigrationStatus:
        """See `IMigrationControl.migration_status`."""
        with self._session.operation(f"VM {vm_uuid}"):
            every = [vm for vm in self._records.anywhere(vm_uuid) if vm.mark.spec is not None]
            here = [vm for vm in every if self._records.ours(vm.record)]
            if not here and every:
                return MigrationStatus(phase=MigrationPhase.SWITCHED)
            task = _task_of(here[0]) if here else None
            if task is None:
                return MigrationStatus(phase=MigrationPhase.NONE)
            memory = int(here[0].record["memory_dynamic_max"])
            tasks = self._session.call("task.get_all_records")
            done = float(tasks[task]["progress"]) if task in tasks else 0.0
        return MigrationStatus(
            phase=MigrationPhase.COPYING,
            memory_total_bytes=memory,
            memory_remaining_bytes=int(memory * (1.0 - done)),
        )

    def abort_migration(self, vm_uuid: UUID, request: AbortMigrationRequest) -> None:
        """See `IMigrationControl.abort_migration`."""
        with self._session.operation(f"VM {vm_uuid}"):
            every = [vm for vm in self._records.anywhere(vm_uuid) if vm.mark.spec is not None]
            here = [vm for vm in every if self._records.ours(vm.record)]
            task = _task_of(here[0]) if here else None
            if task is not None:
                self._tasks.cancel(task)
                here = [vm for vm in here if not self._has_gone(vm)]
            # One that went and was finished there is another host's VM like any other.
            gone = [vm for vm in every if vm not in here and not vm.mark.came]
            if gone and not here:
                raise InvalidState(
                    f"VM {vm_uuid} has gone",
                    remedy="finish the migration",
                    state=translate.power_state(gone[0].record["power_state"]).value,
                )

    def _move(self, vm: Found, ticket: MigrationTicket, place: _Destination) -> None:
        about = f"VM {vm.mark.vm_uuid}"
        task = _task_of(vm)
        if task is not None:
            self._tasks.await_other(task, about)
            if self._has_gone(vm):
                return
        _require_mode(vm, MigrationMode.LIVE)
        try:
            self._send(vm, ticket, place, about)
        except (Busy, Cancelled, DeadlineExceeded) as error:
            if self._has_gone(vm):
                return
            error.may_have_been_done = False
            if isinstance(error, Busy) and error.detail.startswith("TASK_CANCELLED"):
                raise Cancelled(f"{about}: the migration was given up") from error
            raise

    def _send(self, vm: Found, ticket: MigrationTicket, place: _Destination, about: str) -> None:
        total = ticket.plan.expected_bytes or int(vm.record["memory_dynamic_max"])
        if not ticket.plan.copied_disks:
            options = {"live": "true"}
            self._tasks.run(
                "VM.pool_migrate", vm.ref, place.host, options, about=about, total_bytes=total
            )
            return
        where = self._session.call("host.migrate_receive", place.host, self._network(), {})
        try:
            vdis = self._vdi_map(vm, ticket.plan.copied_disks, place.storage)
            self._tasks.run(
                "VM.migrate_send", vm.ref, where, True, vdis, {}, {}, about=about, total_bytes=total
            )
        finally:
            self._session.end(where["session_id"])

    def _assert_possible(self, vm: Found, data: dict[str, Any], copied: tuple[str, ...]) -> None:
        place = self._destination(data, "")
        where = self._session.call("host.migrate_receive", place.host, self._network(), {})
        try:
            vdis = self._vdi_map(vm, copied, place.storage)
            self._session.call("VM.assert_can_migrate", vm.ref, where, True, vdis, {}, {})
        except VirtError as error:
            error.may_have_been_done = False
            raise
        finally:
            self._session.end(where["session_id"])

    def _vdi_map(self, vm: Found, copied: tuple[str, ...], storage: str) -> dict[str, str]:
        disks = self._disks.of_vm(vm)
        return {disks[key].ref: storage for key in copied}

    def _network(self) -> str:
        """The network of the pool's management, over which disks and memory go."""
        for record in self._session.call("PIF.get_all_records").values():
            if record["management"]:
                return str(record["network"])
        raise NotFound(
            "the pool has no network of management", resource=Resource.NETWORK, name="management"
        )

    def _copy(self, vm: Found, ticket: MigrationTicket, place: _Destination) -> None:
        disks = self._disks.of_vm(vm)
        for key, disk in disks.items():
            if key in ticket.plan.copied_disks:
                self._disks.copy_to(disk, place.storage, place.token)
            else:
                self._disks.mark_copied(disk, place.token)
        copied = f"{place.token} {self._started(vm)}"
        self._records.set_mark(vm, replace(vm.mark, copied=copied))

    def _started(self, vm: Found) -> str:
        """When the VM was started last."""
        return str(self._session.call("VM_metrics.get_start_time", vm.record["metrics"]))

    def _has_gone(self, vm: Found) -> bool:
        resident: str = self._session.call("VM.get_resident_on", vm.ref)
        return resident not in (translate.NULL, self._pool.host)

    def _destination(self, data: dict[str, Any], token: str) -> _Destination:
        host = self._session.call("host.get_by_uuid", data["host"])
        storage = self._session.call("SR.get_by_uuid", data["storage"])
        return _Destination(host, storage, token)


def _require_mode(vm: Found, mode: MigrationMode) -> None:
    needed = PowerState.RUNNING if mode is MigrationMode.LIVE else PowerState.STOPPED
    require_state(vm.mark.vm_uuid, translate.power_state(vm.record["power_state"]), needed)


def _task_of(vm: Found) -> str | None:
    operations: dict[str, str] = vm.record["current_operations"]
    return next((task for task, name in operations.items() if name in _OPERATIONS), None)


def _not_good(vm_uuid: UUID, why: str) -> Conflict:
    return Conflict(
        f"the ticket is not good for VM {vm_uuid}: {why}",
        remedy="let the destination prepare for it again",
        resource=Resource.VM,
        name=str(vm_uuid),
    )
