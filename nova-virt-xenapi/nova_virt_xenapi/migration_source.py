"""VMs that go to another host, of this pool or another one."""

from __future__ import annotations

from collections.abc import Callable
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
    OutgoingDisk,
    OutgoingVm,
)
from nova_virt_interface.values.power import PowerState

from nova_virt_xenapi import translate
from nova_virt_xenapi.cache import Cache
from nova_virt_xenapi.disks import Disks
from nova_virt_xenapi.lifecycle import Lifecycle
from nova_virt_xenapi.migration_across import AcrossPools
from nova_virt_xenapi.migration_data import pack, unpack
from nova_virt_xenapi.migration_in_pool import InPool, started
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.records import Found, Records
from nova_virt_xenapi.session import Session, attempt
from nova_virt_xenapi.tasks import Tasks

__all__ = ["MigrationSource"]

_OPERATIONS = ("pool_migrate", "migrate_send")


class MigrationSource:
    """The way out."""

    def __init__(
        self,
        session: Session,
        cache: Cache,
        tasks: Tasks,
        records: Records,
        lifecycle: Lifecycle,
        disks: Disks,
        pool: Pool,
    ) -> None:
        self._session = session
        self._cache = cache
        self._tasks = tasks
        self._records = records
        self._lifecycle = lifecycle
        self._disks = disks
        self._pool = pool
        self._in_pool = InPool(session, cache, tasks, records, disks, pool)
        self._across = AcrossPools(session, cache, tasks, records, pool)

    def describe_outgoing(self, vm_uuid: UUID) -> OutgoingVm:
        """See `IMigrationSource.describe_outgoing`."""
        with self._session.operation(f"VM {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            disks = [
                OutgoingDisk(
                    key=key,
                    size_bytes=int(disk.record["virtual_size"]),
                    stored_bytes=int(disk.record["physical_utilisation"]),
                    storage_id=self._pool.storage_id,
                )
                for key, disk in self._disks.of_vm(vm).items()
            ]
            disks += [
                OutgoingDisk(key=key, size_bytes=self._size(vdi), is_volume=True)
                for key, vdi in self._disks.volumes_of(vm).items()
            ]
        state = translate.power_state(vm.record["power_state"])
        data = pack(self._pool, version=self._pool.description.hypervisor_version)
        return OutgoingVm(vm_uuid=vm_uuid, power_state=state, disks=tuple(disks), data=data)

    def check_outgoing(self, vm_uuid: UUID, request: CheckOutgoingRequest) -> MigrationPlan:
        """See `IMigrationSource.check_outgoing`."""
        offer, mode = request.offer, request.mode
        offers.check_offered(mode, self._pool.description.migration_modes, "mode")
        data = unpack(offer.data)
        with self._session.operation(f"VM {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            _require_mode(vm, mode)
            disks = self._disks.of_vm(vm)
            sizes = [int(disks[key].record["virtual_size"]) for key in offer.copied_disks]
            expected = sum(sizes)
            if mode is MigrationMode.LIVE:
                expected += int(vm.record["memory_dynamic_max"])
                # Only the ticket lets this pool ask another one, and a destination connects itself
                # to volumes when it prepares: then xapi is asked on the way.
                if not self._is_across(data) and not self._disks.volumes_of(vm):
                    self._in_pool.check(vm, data, offer.copied_disks)
        return MigrationPlan(
            mode=mode,
            copied_disks=offer.copied_disks,
            data=offer.data,
            expected_bytes=expected,
        )

    def migrate_vm(self, vm_uuid: UUID, request: MigrateVmRequest) -> None:
        """See `IMigrationSource.migrate_vm`."""
        ticket = request.ticket
        data = unpack(ticket.data, "vm", "token", "storage")
        if data["vm"] != str(vm_uuid):
            raise _not_good(vm_uuid)
        across = self._is_across(data)
        with self._session.operation(f"VM {vm_uuid}"):
            every = [vm for vm in self._records.anywhere(vm_uuid) if vm.mark.spec]
            here = [vm for vm in every if self._records.ours(vm.record)]
            if not here:
                if every or (across and self._across.token(vm_uuid) == data["token"]):
                    return
                raise NotFound(f"there is no VM {vm_uuid}", resource=Resource.VM, name=str(vm_uuid))
            vm, way = here[0], self._across if across else self._in_pool
            with attempt():
                self._await_other(vm)
                if self._has_gone(vm):
                    return
                _require_mode(vm, ticket.plan.mode)
                if not across:
                    self._in_pool.require_ticket(vm, data)
                if ticket.plan.mode is MigrationMode.COLD:
                    way.copy(vm, ticket, data)
                else:
                    self._move(vm, lambda: way.send(vm, ticket, data))

    def finish_outgoing(self, vm_uuid: UUID, request: FinishOutgoingRequest) -> None:
        """See `IMigrationSource.finish_outgoing`."""
        with self._session.operation(f"VM {vm_uuid}"):
            found = self._records.every(vm_uuid)
            for vm in found:
                if not vm.is_complete:
                    continue
                state = vm.record["power_state"]
                copied = vm.mark.copied.partition(" ")[2]
                if state != "Halted" or copied != started(self._session, vm):
                    raise InvalidState(
                        f"VM {vm_uuid} has not gone",
                        remedy="migrate it first",
                        state=translate.power_state(state).value,
                    )
            self._lifecycle.remove(found, vm_uuid)
            self._lifecycle.leave_volumes()
            if self._across.token(vm_uuid):
                self._across.forget(vm_uuid)

    def migration_status(self, vm_uuid: UUID) -> MigrationStatus:
        """See `IMigrationControl.migration_status`."""
        with self._session.operation(f"VM {vm_uuid}"):
            every = [vm for vm in self._records.anywhere(vm_uuid) if vm.mark.spec is not None]
            here = [vm for vm in every if self._records.ours(vm.record)]
            if not here and (every or self._across.token(vm_uuid)):
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
            if not here and (gone or self._across.token(vm_uuid)):
                raise InvalidState(
                    f"VM {vm_uuid} has gone",
                    remedy="finish the migration",
                    state=PowerState.RUNNING.value,
                )

    def _size(self, vdi: str) -> int:
        return int(self._cache.row("VDI", vdi)["virtual_size"])

    def _await_other(self, vm: Found) -> None:
        """Wait for a migration of the VM that is on its way."""
        task = _task_of(vm)
        if task is not None:
            self._tasks.await_other(task, f"VM {vm.mark.vm_uuid}")

    def _move(self, vm: Found, send: Callable[[], None]) -> None:
        try:
            send()
        except (Busy, Cancelled, DeadlineExceeded) as error:
            if self._has_gone(vm):
                return
            error.may_have_been_done = False
            if isinstance(error, Busy) and error.detail.startswith("TASK_CANCELLED"):
                raise Cancelled(f"VM {vm.mark.vm_uuid}: the migration was given up") from error
            raise

    def _is_across(self, data: dict[str, Any]) -> bool:
        return bool(data["pool"] != self._pool.pool_uuid)

    def _has_gone(self, vm: Found) -> bool:
        try:
            resident = self._session.call("VM.get_resident_on", vm.ref)
        except NotFound:
            return True
        return resident not in (translate.NULL, self._pool.host)


def _require_mode(vm: Found, mode: MigrationMode) -> None:
    needed = PowerState.RUNNING if mode is MigrationMode.LIVE else PowerState.STOPPED
    require_state(vm.mark.vm_uuid, translate.power_state(vm.record["power_state"]), needed)


def _task_of(vm: Found) -> str | None:
    operations: dict[str, str] = vm.record["current_operations"]
    return next((task for task, name in operations.items() if name in _OPERATIONS), None)


def _not_good(vm_uuid: UUID) -> Conflict:
    return Conflict(
        f"the ticket is not good for VM {vm_uuid}: it is of another VM",
        remedy="let the destination prepare for this one",
        resource=Resource.VM,
        name=str(vm_uuid),
    )
