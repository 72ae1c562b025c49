"""The reference driver's VMs that go to another host."""

from __future__ import annotations

import time
from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.call import current_call
from nova_virt_interface.errors import (
    Cancelled,
    Conflict,
    DeadlineExceeded,
    InvalidState,
    NotFound,
    Resource,
    Unsupported,
)
from nova_virt_interface.reference import host_migration, translate
from nova_virt_interface.reference._part import Part, wrong_state
from nova_virt_interface.reference.errors import translated
from nova_virt_interface.reference.host import HostError, Vm
from nova_virt_interface.reference.host_moves import Job
from nova_virt_interface.reference.migration_data import pack, unpack
from nova_virt_interface.values.migration import (
    AbortMigrationRequest,
    CheckOutgoingRequest,
    FinishOutgoingRequest,
    ForceCompleteRequest,
    ForcedBy,
    MigrateVmRequest,
    MigrationMode,
    MigrationPhase,
    MigrationPlan,
    MigrationStatus,
    MigrationTicket,
    OutgoingDisk,
    OutgoingVm,
)

__all__ = ["MigrationControlPart", "MigrationSourcePart"]

_LOOK_SECONDS = 0.02


class MigrationSourcePart(Part):
    """Provides `IMigrationSource`."""

    def describe_outgoing(self, vm_uuid: UUID) -> OutgoingVm:
        """See `IMigrationSource`."""
        vm = self._ours(vm_uuid)
        disks = tuple(
            OutgoingDisk(
                key=key,
                size_bytes=disk.size_bytes,
                stored_bytes=disk.size_bytes,
                storage_id=self._host.moves.storage_id,
                is_volume=disk.is_volume,
            )
            for key, disk in vm.disks.items()
        )
        return OutgoingVm(
            vm_uuid=vm_uuid,
            power_state=translate.power_state(vm.state),
            disks=disks,
            data=pack(host=self._host.name),
        )

    def check_outgoing(self, vm_uuid: UUID, request: CheckOutgoingRequest) -> MigrationPlan:
        """See `IMigrationSource`."""
        vm = self._ours(vm_uuid)
        offer = request.offer
        offers.check_offered(request.mode, self._description.migration_modes, "mode")
        _require_state(vm, request.mode)
        copied = sum(vm.disks[key].size_bytes for key in offer.copied_disks)
        memory = vm.memory_bytes if request.mode is MigrationMode.LIVE else 0
        return MigrationPlan(
            mode=request.mode,
            copied_disks=offer.copied_disks,
            data=pack(source=self._host.name, target=unpack(offer.data)["host"]),
            expected_bytes=copied + memory,
        )

    def migrate_vm(self, vm_uuid: UUID, request: MigrateVmRequest) -> None:
        """See `IMigrationSource`."""
        ticket = request.ticket
        facts = unpack(ticket.data)
        if facts["vm"] != str(vm_uuid):
            raise Conflict(
                f"the ticket is for VM {facts['vm']}",
                remedy="use the ticket that was made for this VM",
                resource=Resource.VM,
                name=str(vm_uuid),
            )
        with translated():
            sent = host_migration.sent_from(self._host, vm_uuid)
        if sent is not None and sent.ticket == facts["ticket"]:
            return
        vm = self._ours(vm_uuid)
        _require_state(vm, ticket.plan.mode)
        password = ticket.secret.reveal().decode() if ticket.secret else ""
        with translated():
            job = host_migration.begin(self._host, vm_uuid, _job(vm, request), password)
        self._wait(vm_uuid, job)

    def _wait(self, vm_uuid: UUID, job: Job) -> None:
        call = current_call()
        while not job.ended.wait(_LOOK_SECONDS):
            call.progress(int(job.done_bytes), job.total_bytes)
            try:
                call.check(may_have_been_done=True)
            except (Cancelled, DeadlineExceeded) as error:
                with translated():
                    host_migration.abort(self._host, vm_uuid)
                if job.failed is None:
                    break
                error.may_have_been_done = False
                raise
        if job.failed is not None:
            with translated():
                raise HostError(*job.failed)

    def finish_outgoing(self, vm_uuid: UUID, request: FinishOutgoingRequest) -> None:
        """See `IMigrationSource`."""
        with translated():
            sent = host_migration.sent_from(self._host, vm_uuid)
        try:
            state = self._ours(vm_uuid).state
        except NotFound:
            state = "stopped"
        else:
            if sent is None or state != "stopped":
                wrong_state(vm_uuid, state, "is this host's", "migrate it first")
        with translated():
            host_migration.finish_sent(self._host, vm_uuid)


class MigrationControlPart(Part):
    """Provides `IMigrationControl` and `IForceMigration`."""

    def migration_status(self, vm_uuid: UUID) -> MigrationStatus:
        """See `IMigrationControl`."""
        with translated():
            sent = host_migration.sent_from(self._host, vm_uuid)
        job = self._host.moves.jobs.get(vm_uuid)
        if job is None:
            gone = sent is not None and sent.is_live
            return MigrationStatus(phase=MigrationPhase.SWITCHED if gone else MigrationPhase.NONE)
        disk_done = min(job.disk_bytes, int(job.done_bytes))
        memory_done = int(job.done_bytes) - disk_done
        return MigrationStatus(
            phase=MigrationPhase.POST_COPY if job.in_post_copy else MigrationPhase.COPYING,
            elapsed_ms=int((time.monotonic() - job.began) * 1000),
            memory_total_bytes=job.memory_bytes,
            memory_remaining_bytes=job.memory_bytes - memory_done,
            disk_total_bytes=job.disk_bytes,
            disk_remaining_bytes=job.disk_bytes - disk_done,
        )

    def abort_migration(self, vm_uuid: UUID, request: AbortMigrationRequest) -> None:
        """See `IMigrationControl`."""
        with translated():
            host_migration.abort(self._host, vm_uuid)
            sent = host_migration.sent_from(self._host, vm_uuid)
        if sent is not None and sent.is_live:
            wrong_state(vm_uuid, "running", "is the destination's already", "finish the migration")

    def force_complete_migration(self, vm_uuid: UUID, request: ForceCompleteRequest) -> None:
        """See `IForceMigration`."""
        offers.check_offered(request.by, (ForcedBy.PAUSE, ForcedBy.POST_COPY), "by")
        with translated():
            try:
                host_migration.force(self._host, vm_uuid, request.by.value)
            except HostError as error:
                if error.code != "BAD_STATE":
                    raise
                raise InvalidState(
                    f"VM {vm_uuid} does not migrate, or may not be forced by {request.by.value}",
                    state="running",
                    remedy="permit it when the migration begins",
                ) from error


def _require_state(vm: Vm, mode: MigrationMode) -> None:
    expected = "running" if mode is MigrationMode.LIVE else "stopped"
    if vm.state != expected:
        wrong_state(vm.uuid, vm.state, f"is {vm.state}, not {expected}", f"have it {expected}")


def _job(vm: Vm, request: MigrateVmRequest) -> Job:
    ticket: MigrationTicket = request.ticket
    is_live = ticket.plan.mode is MigrationMode.LIVE
    missing = set(ticket.plan.copied_disks) - vm.disks.keys()
    if missing:
        raise Unsupported(
            f"VM {vm.uuid} has no disks {sorted(missing)} to copy",
            remedy="plan the migration anew",
            field="ticket.plan.copied_disks",
        )
    return Job(
        ticket=unpack(ticket.data)["ticket"],
        target=ticket.address,
        memory_bytes=vm.memory_bytes if is_live else 0,
        disk_bytes=sum(vm.disks[key].size_bytes for key in ticket.plan.copied_disks),
        bytes_per_second=request.bytes_per_second,
        may_post_copy=request.may_post_copy,
        is_live=is_live,
    )
