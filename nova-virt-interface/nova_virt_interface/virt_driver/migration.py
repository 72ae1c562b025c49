"""Optional: instances that go to another node."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.instance_requests import (
        CheckIncomingInstanceRequest,
        FinishIncomingInstanceRequest,
        PrepareIncomingInstanceRequest,
    )
    from nova_virt_interface.values.migration import (
        AbortMigrationRequest,
        CancelIncomingRequest,
        CheckOutgoingRequest,
        FinishOutgoingRequest,
        ForceCompleteRequest,
        IncomingOffer,
        MigrateVmRequest,
        MigrationPlan,
        MigrationStatus,
        MigrationTicket,
        OutgoingVm,
    )

__all__ = [
    "IInstanceForceMigration",
    "IInstanceMigrationControl",
    "IInstanceMigrationSource",
    "IInstanceMigrationTarget",
]


class IInstanceMigrationSource(Interface):
    """A node from which instances can go; the rules are those of `IMigrationSource`."""

    taggedValue("since", "1.0")

    def describe_outgoing(instance_uuid: UUID) -> OutgoingVm:
        """See `IMigrationSource.describe_outgoing`."""

    def check_outgoing(instance_uuid: UUID, request: CheckOutgoingRequest) -> MigrationPlan:
        """See `IMigrationSource.check_outgoing`."""

    def migrate(instance_uuid: UUID, request: MigrateVmRequest) -> None:
        """See `IMigrationSource.migrate_vm`."""

    def finish_outgoing(instance_uuid: UUID, request: FinishOutgoingRequest) -> None:
        """See `IMigrationSource.finish_outgoing`."""


class IInstanceMigrationTarget(Interface):
    """A node to which instances can go; the rules are those of `IMigrationTarget`."""

    taggedValue("since", "1.0")

    def check_incoming(instance_uuid: UUID, request: CheckIncomingInstanceRequest) -> IncomingOffer:
        """See `IMigrationTarget.check_incoming`."""

    def prepare_incoming(
        instance_uuid: UUID, request: PrepareIncomingInstanceRequest
    ) -> MigrationTicket:
        """See `IMigrationTarget.prepare_incoming`."""

    def finish_incoming(instance_uuid: UUID, request: FinishIncomingInstanceRequest) -> None:
        """See `IMigrationTarget.finish_incoming`."""

    def cancel_incoming(instance_uuid: UUID, request: CancelIncomingRequest) -> None:
        """See `IMigrationTarget.cancel_incoming`."""


class IInstanceMigrationControl(Interface):
    """A node that lets one look at a migration from it, and stop it; see
    `IMigrationControl`.
    """

    taggedValue("since", "1.0")
    taggedValue("overlaps", True)

    def migration_status(instance_uuid: UUID) -> MigrationStatus:
        """See `IMigrationControl.migration_status`."""

    def abort_migration(instance_uuid: UUID, request: AbortMigrationRequest) -> None:
        """See `IMigrationControl.abort_migration`."""


class IInstanceForceMigration(Interface):
    """A node that can bring a live migration to its end that does not come to it; see
    `IForceMigration`.
    """

    taggedValue("since", "1.0")
    taggedValue("overlaps", True)

    def force_complete_migration(instance_uuid: UUID, request: ForceCompleteRequest) -> None:
        """See `IForceMigration.force_complete_migration`."""
