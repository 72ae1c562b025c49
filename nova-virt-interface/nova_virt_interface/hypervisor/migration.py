"""Optional: VMs that move to another host, or are copied there."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
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
        MigrationPlan,
        MigrationStatus,
        MigrationTicket,
        OutgoingVm,
        PrepareIncomingRequest,
    )

__all__ = ["IForceMigration", "IMigrationControl", "IMigrationSource", "IMigrationTarget"]


class IMigrationSource(Interface):
    """A host from which VMs can go, in the modes of `HostDescription.migration_modes`.

    The whole way, with core between both hosts: `describe_outgoing` here, `check_incoming` there,
    `check_outgoing` here, `prepare_incoming` there, `migrate_vm` here, `finish_incoming` there,
    `finish_outgoing` here. Until `migrate_vm` has switched over, `cancel_incoming` there takes all
    back.

    [MIG-2] At no moment do two hosts execute the VM. Until the switch-over of a live migration,
    which is the point of no return, the VM is the source's: the source lists it, and a failure of
    any kind leaves it running there. From then on it is the destination's, and the source does not
    list it any more. The point of no return of a cold migration is `finish_outgoing`: until then
    both may list it, and core starts at most one of them.
    [MIG-3] Before the switch-over, `cancel_incoming` at the destination leaves nothing of the VM
    there. After it, `finish_incoming` and `finish_outgoing` may be repeated until they succeed,
    also by a core that was restarted.
    [MIG-4] Who allocates, frees: what a destination made is removed by the destination, what was
    at the source by the source.
    """

    taggedValue("since", "1.0")

    def describe_outgoing(vm_uuid: UUID) -> OutgoingVm:
        """Say what a destination has to know of the VM. Changes nothing.

        Raises: NotFound (vm).
        """

    def check_outgoing(vm_uuid: UUID, request: CheckOutgoingRequest) -> MigrationPlan:
        """Say how the VM would go to a destination that has made this offer. Changes nothing.

        [MIG-5] What the hypervisor can know in advance is refused here, not on the way.

        Raises: NotFound (vm); InvalidState (a live migration of a VM that does not run, a cold one
        of a VM that is not stopped); Unsupported.
        """

    def migrate_vm(vm_uuid: UUID, request: MigrateVmRequest) -> None:
        """Move a running VM to where the ticket says, or copy a stopped one.

        [MIG-6] On return the live VM runs at the destination; of a cold one a whole copy is there,
        and the one here is as it was.
        [MIG-7] After an error the VM is here as it was, unless ``may_have_been_done``: then
        `IMigrationControl.migration_status`, or both hosts' lists, tell where it is.
        [MIG-8] Repeated with the ticket of a migration that is on its way, it waits for that; of
        one that is done, it succeeds.
        [MIG-9] A cancel, or a deadline that passes, gives the migration up if it has not switched
        over.

        Blocking: as long as it takes; tells its progress in bytes.

        Raises: NotFound (vm); InvalidState; Unsupported; Conflict (a ticket of another VM, or one
        that was cancelled); PeerUnreachable (destination); InsufficientResources.
        """

    def finish_outgoing(vm_uuid: UUID, request: FinishOutgoingRequest) -> None:
        """Remove what is left of a VM that has gone: of a cold migration the VM itself.

        [MIG-10] What the destination uses, too, stays: disks that both see, and volumes. Repeated,
        or when the VM is not here, it succeeds. A VM in the middle of a live migration, one that no
        migration copied, or one that was started since it was copied, is an `InvalidState`.

        Raises: InvalidState.
        """


class IMigrationTarget(Interface):
    """A host to which VMs can go, in the modes of `HostDescription.migration_modes`."""

    taggedValue("since", "1.0")

    def check_incoming(vm_uuid: UUID, request: CheckIncomingRequest) -> IncomingOffer:
        """Say whether, and how, the host could take the VM. Changes nothing.

        Raises: Conflict (vm: it is here already, or a foreign one is); Unsupported; InvalidRequest
        (a description with other disks than the VM's); NotFound (network); InsufficientResources.
        """

    def prepare_incoming(vm_uuid: UUID, request: PrepareIncomingRequest) -> MigrationTicket:
        """Make ready for the VM, and say where the source has to send it.

        [MIG-11] The VM is not listed here until it has come: a live one with the switch-over, a
        cold one with `finish_incoming`. Repeated with an equal request, it returns a ticket that is
        good.
        [MIG-12] What is prepared takes a place of its own: nobody else can take its uuid or its
        disks.

        Raises: Conflict (vm); Unsupported; NotFound (image, network); InsufficientResources.
        """

    def finish_incoming(vm_uuid: UUID, request: FinishIncomingRequest) -> None:
        """Make the VM that has come one of this host's like any other.

        [MIG-13] On return it is listed, running after a live migration and stopped after a cold
        one, and its description is the one that was prepared. Repeated it succeeds. A VM that has
        not come is an `InvalidState`.

        Raises: InvalidState; Conflict (vm).
        """

    def cancel_incoming(vm_uuid: UUID, request: CancelIncomingRequest) -> None:
        """Remove what was made ready, and the copy of a cold migration.

        [MIG-14] Succeeds when nothing is there. A live VM that has switched over is an
        `InvalidState`: it is this host's. What the source uses, too, stays. The copy of a cold
        migration may be finished and used already, and is an `InvalidState` only while it is not
        stopped: so an operator who does not like the VM here goes back to the one at the source.

        Raises: InvalidState.
        """


class IMigrationControl(Interface):
    """A host that lets one look at a migration from it, and stop it.

    [MIG-15] These methods may overlap `IMigrationSource.migrate_vm` of the same VM, also in another
    process.
    """

    taggedValue("since", "1.0")
    taggedValue("overlaps", True)

    def migration_status(vm_uuid: UUID) -> MigrationStatus:
        """Say how far a migration from here is.

        [MIG-16] A VM that does not migrate is in `MigrationPhase.NONE`; so is one that is not here.
        """

    def abort_migration(vm_uuid: UUID, request: AbortMigrationRequest) -> None:
        """Give a migration up.

        [MIG-17] On return the VM is the source's and runs; the waiting `migrate_vm` ends in
        `Cancelled`. Where none is on its way it succeeds. One that has switched over is an
        `InvalidState`.

        Raises: InvalidState.
        """


class IForceMigration(Interface):
    """A hypervisor that can bring a live migration to its end that does not come to it."""

    taggedValue("since", "1.0")
    taggedValue("overlaps", True)

    def force_complete_migration(vm_uuid: UUID, request: ForceCompleteRequest) -> None:
        """Bring the migration to its end, at the guest's expense.

        [MIG-18] Returns when the hypervisor has begun; the waiting `migrate_vm` goes on, without
        its limit of bytes per second. Post-copy that `MigrateVmRequest.may_post_copy` did not
        permit is an `InvalidState`, and so is a VM that does not migrate.

        Raises: InvalidState; Unsupported (a means that this hypervisor does not have).
        """
