"""Bugs in migrations."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from nova_virt_interface.call import Call
from nova_virt_interface.errors import (
    Cancelled,
    Conflict,
    InvalidState,
    NotFound,
    PeerUnreachable,
    Resource,
    Unsupported,
)
from nova_virt_interface.reference.host import host_named
from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.testing.mutants._running import caught_by
from nova_virt_interface.values.migration import (
    AbortMigrationRequest,
    CancelIncomingRequest,
    CheckIncomingRequest,
    CheckOutgoingRequest,
    FinishIncomingRequest,
    FinishOutgoingRequest,
    ForceCompleteRequest,
    IncomingOffer,
    MigrateVmRequest,
    MigrationPhase,
    MigrationPlan,
    MigrationStatus,
    MigrationTicket,
    PrepareIncomingRequest,
)
from nova_virt_interface.values.vm import VmSpec

__all__: list[str] = []


@caught_by("MigrationSuite.test_a_running_vm_moves_with_its_disks")
class DisksAreNotCopied(ReferenceHypervisor):
    """The destination's disks are made, but nothing is copied to them."""

    def migrate_vm(self, vm_uuid: UUID, request: MigrateVmRequest) -> None:
        super().migrate_vm(vm_uuid, request)
        for disk in host_named(request.ticket.address)._vms[vm_uuid].disks.values():
            disk.content = b""


@caught_by("MigrationSuite.test_a_running_vm_moves_with_its_disks")
class BothHostsExecuteTheVm(ReferenceHypervisor):
    """The VM goes on at the source after the switch-over."""

    def migrate_vm(self, vm_uuid: UUID, request: MigrateVmRequest) -> None:
        vm = self._host._vms[vm_uuid]
        super().migrate_vm(vm_uuid, request)
        vm.state = "running"
        self._host._vms[vm_uuid] = vm


@caught_by("MigrationSuite.test_a_running_vm_moves_with_its_disks")
class VmIsListedBeforeItHasCome(ReferenceHypervisor):
    """What is prepared is listed as a VM."""

    def prepare_incoming(self, vm_uuid: UUID, request: PrepareIncomingRequest) -> MigrationTicket:
        ticket = super().prepare_incoming(vm_uuid, request)
        self._host._vms[vm_uuid] = self._host.moves.incoming[vm_uuid].vm
        return ticket


@caught_by("MigrationSuite.test_the_guest_goes_on_where_it_was")
class GuestIsBootedAnew(ReferenceHypervisor):
    """The VM is booted at the destination instead of going on."""

    def finish_incoming(self, vm_uuid: UUID, request: FinishIncomingRequest) -> None:
        super().finish_incoming(vm_uuid, request)
        if self._ours(vm_uuid).state == "running":
            self._host.power_off(vm_uuid)
            self._host.start(vm_uuid)


@caught_by("MigrationSuite.test_nothing_of_a_vm_that_has_gone_is_left_at_the_source")
class SourceKeepsItsDisks(ReferenceHypervisor):
    """The disks of a VM that has gone stay at the source."""

    def finish_outgoing(self, vm_uuid: UUID, request: FinishOutgoingRequest) -> None:
        sent = self._host.moves.sent.get(vm_uuid)
        super().finish_outgoing(vm_uuid, request)
        if sent is not None:
            self._host._vms[vm_uuid] = sent.vm


@caught_by("MigrationSuite.test_every_step_may_be_repeated_by_a_core_that_was_restarted")
class MigratedVmIsNotFoundAnyMore(ReferenceHypervisor):
    """Asking again for a migration that is done is an error."""

    def migrate_vm(self, vm_uuid: UUID, request: MigrateVmRequest) -> None:
        self._ours(vm_uuid)
        super().migrate_vm(vm_uuid, request)


@caught_by("MigrationSuite.test_every_step_may_be_repeated_by_a_core_that_was_restarted")
class PreparingAgainIsRefused(ReferenceHypervisor):
    """Making ready a second time is a conflict, though the request is equal."""

    def prepare_incoming(self, vm_uuid: UUID, request: PrepareIncomingRequest) -> MigrationTicket:
        if vm_uuid in self._host.moves.incoming:
            raise Conflict("it is prepared", resource=Resource.VM, name=str(vm_uuid))
        return super().prepare_incoming(vm_uuid, request)


@caught_by("MigrationSuite.test_what_was_prepared_is_taken_back")
class CancelLeavesWhatWasPrepared(ReferenceHypervisor):
    """What was made ready stays when the VM does not come."""

    def cancel_incoming(self, vm_uuid: UUID, request: CancelIncomingRequest) -> None:
        return


@caught_by(
    "MigrationSuite.test_a_vm_that_has_come_is_not_cancelled_and_one_that_has_not_is_not_finished"
)
class CancelRemovesALiveVm(ReferenceHypervisor):
    """A live VM that has switched over is removed by a late cancel."""

    def cancel_incoming(self, vm_uuid: UUID, request: CancelIncomingRequest) -> None:
        try:
            super().cancel_incoming(vm_uuid, request)
        except InvalidState:
            del self._host._vms[vm_uuid]


@caught_by("MigrationSuite.test_what_is_prepared_takes_a_place")
class PreparedUuidIsFree(ReferenceHypervisor):
    """A VM can be created with the uuid of one that is to come."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        self._host.moves.incoming.pop(vm_uuid, None)
        super().create_vm(vm_uuid, spec)


@caught_by("MigrationSuite.test_data_of_other_drivers_are_refused")
class DataOfAnyFormatAreTaken(ReferenceHypervisor):
    """The number of the format is not looked at."""

    def check_incoming(self, vm_uuid: UUID, request: CheckIncomingRequest) -> IncomingOffer:
        data = replace(request.vm.data, format=1, driver="reference")
        request = replace(request, vm=replace(request.vm, data=data))
        return super().check_incoming(vm_uuid, request)


@caught_by("MigrationSuite.test_wrong_states_and_unknown_vms_are_refused")
class StateIsFoundOutOnTheWay(ReferenceHypervisor):
    """A VM that cannot go is planned for, and fails on the way."""

    def check_outgoing(self, vm_uuid: UUID, request: CheckOutgoingRequest) -> MigrationPlan:
        vm = self._ours(vm_uuid)
        self._host._vms[vm_uuid].state = "running"
        try:
            return super().check_outgoing(vm_uuid, request)
        finally:
            self._host._vms[vm_uuid].state = vm.state


@caught_by("MigrationSuite.test_a_destination_that_cannot_take_the_vm_says_so_first")
class RoomIsNotLookedAt(ReferenceHypervisor):
    """The destination offers what it has no room for."""

    def _require_room(self, memory_bytes: int, storage_bytes: int) -> None:
        return


@caught_by("MigrationSuite.test_a_ticket_of_another_vm_is_a_conflict")
class TicketOfAnotherVmIsIgnored(ReferenceHypervisor):
    """With the ticket of another VM nothing is done, and success is told."""

    def migrate_vm(self, vm_uuid: UUID, request: MigrateVmRequest) -> None:
        try:
            super().migrate_vm(vm_uuid, request)
        except Conflict:
            return


@caught_by("MigrationSuite.test_a_vm_moves_on_one_storage")
class SharedDisksAreCopied(ReferenceHypervisor):
    """Disks that both hosts see are copied onto themselves."""

    def check_incoming(self, vm_uuid: UUID, request: CheckIncomingRequest) -> IncomingOffer:
        offer = super().check_incoming(vm_uuid, request)
        return replace(offer, copied_disks=tuple(disk.key for disk in request.vm.disks))


@caught_by("MigrationControlSuite.test_a_migration_is_looked_at_and_aborted")
class AbortIsIgnored(ReferenceHypervisor):
    """An abort changes nothing, and the migration goes on."""

    def abort_migration(self, vm_uuid: UUID, request: AbortMigrationRequest) -> None:
        return


@caught_by("MigrationControlSuite.test_a_vm_that_does_not_migrate")
class StatusOfAnIdleVmIsAnError(ReferenceHypervisor):
    """A VM that does not migrate has no status."""

    def migration_status(self, vm_uuid: UUID) -> MigrationStatus:
        self._ours(vm_uuid)
        return super().migration_status(vm_uuid)


@caught_by("MigrationControlSuite.test_a_migration_that_has_switched_over_is_not_aborted")
class SwitchOverIsNotTold(ReferenceHypervisor):
    """Whether a VM has gone cannot be seen from its status."""

    def migration_status(self, vm_uuid: UUID) -> MigrationStatus:
        status = super().migration_status(vm_uuid)
        gone = status.phase is MigrationPhase.SWITCHED
        return MigrationStatus(phase=MigrationPhase.NONE) if gone else status


@caught_by("MigrationControlSuite.test_a_cancelled_migration_is_given_up")
class CancelledMigrationGoesOn(ReferenceHypervisor):
    """The call ends when it is cancelled, and the migration goes on."""

    def migrate_vm(self, vm_uuid: UUID, request: MigrateVmRequest) -> None:
        try:
            super().migrate_vm(vm_uuid, request)
        except Cancelled:
            with Call("req-secretly"):
                super().migrate_vm(vm_uuid, replace(request, bytes_per_second=None))
            raise


@caught_by(
    "MigrationControlSuite.test_whoever_asks_again_waits_for_the_migration_that_is_on_its_way"
)
class AskingAgainIsRefused(ReferenceHypervisor):
    """A migration that is on its way is a conflict for whoever asks again."""

    def migrate_vm(self, vm_uuid: UUID, request: MigrateVmRequest) -> None:
        if vm_uuid in self._host.moves.jobs:
            raise Conflict("it is on its way", resource=Resource.VM, name=str(vm_uuid))
        super().migrate_vm(vm_uuid, request)


@caught_by("MigrationControlSuite.test_what_was_not_permitted_is_not_forced")
class PostCopyNeedsNoLeave(ReferenceHypervisor):
    """Post-copy is begun, whether it was permitted or not."""

    def force_complete_migration(self, vm_uuid: UUID, request: ForceCompleteRequest) -> None:
        job = self._host.moves.jobs.get(vm_uuid)
        if job is not None:
            job.may_post_copy = True
        super().force_complete_migration(vm_uuid, request)


@caught_by("MigrationControlSuite.test_a_migration_is_brought_to_its_end_by_a_pause")
class ForceDoesNothing(ReferenceHypervisor):
    """The migration is not brought to its end, and success is told."""

    def force_complete_migration(self, vm_uuid: UUID, request: ForceCompleteRequest) -> None:
        return


@caught_by("MigrationOutageSuite.test_the_destination_dies_on_the_way")
class DeadDestinationIsUnsupported(ReferenceHypervisor):
    """A destination that dies looks as if it could not be migrated to."""

    def migrate_vm(self, vm_uuid: UUID, request: MigrateVmRequest) -> None:
        try:
            super().migrate_vm(vm_uuid, request)
        except PeerUnreachable as error:
            raise Unsupported("this destination cannot be used") from error


@caught_by("MigrationOutageSuite.test_the_source_dies_after_the_switch_over")
class FinishNeedsTheMigrationInMemory(ReferenceHypervisor):
    """A migration can be finished only by the call that comes first."""

    def finish_outgoing(self, vm_uuid: UUID, request: FinishOutgoingRequest) -> None:
        sent = self._host.moves.sent.pop(vm_uuid, None)
        self._host.round_trips += 1
        if sent is None or self._host.away:
            raise NotFound("no such migration", resource=Resource.VM, name=str(vm_uuid))


@caught_by("ColdMigrationSuite.test_a_stopped_vm_is_copied")
class ColdMigrationMovesTheVm(ReferenceHypervisor):
    """A stopped VM is gone from the source as soon as it is copied."""

    def migrate_vm(self, vm_uuid: UUID, request: MigrateVmRequest) -> None:
        super().migrate_vm(vm_uuid, request)
        self._host._vms.pop(vm_uuid, None)


@caught_by("ColdMigrationSuite.test_an_operator_goes_back_to_the_vm_at_the_source")
class UsedCopyIsNotCancelled(ReferenceHypervisor):
    """A copy that was finished stays when the operator goes back."""

    def cancel_incoming(self, vm_uuid: UUID, request: CancelIncomingRequest) -> None:
        if self._host.moves.arrived.get(vm_uuid) is not False:
            super().cancel_incoming(vm_uuid, request)


@caught_by("ColdMigrationSuite.test_an_operator_goes_back_to_the_vm_at_the_source")
class FinishRemovesAVmThatWasUsedSince(ReferenceHypervisor):
    """A VM that was started since it was copied is removed with all that was written."""

    def finish_outgoing(self, vm_uuid: UUID, request: FinishOutgoingRequest) -> None:
        sent = self._host.moves.sent.get(vm_uuid)
        if sent is not None and vm_uuid in self._host._vms:
            sent.vm.starts = self._host._vms[vm_uuid].starts
        super().finish_outgoing(vm_uuid, request)


@caught_by("ColdMigrationSuite.test_what_both_hosts_use_stays")
class FinishEmptiesSharedDisks(ReferenceHypervisor):
    """The source deletes disks that the destination uses."""

    def finish_outgoing(self, vm_uuid: UUID, request: FinishOutgoingRequest) -> None:
        vm = self._host._vms.get(vm_uuid)
        super().finish_outgoing(vm_uuid, request)
        for disk in vm.disks.values() if vm is not None else ():
            disk.content = b""
