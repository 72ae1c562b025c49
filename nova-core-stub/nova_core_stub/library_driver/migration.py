"""Instances that go to another node."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nova_virt_interface.values.instance_requests import (
    CheckIncomingInstanceRequest,
    FinishIncomingInstanceRequest,
    PrepareIncomingInstanceRequest,
)
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

from nova_core_stub.library_driver import images
from nova_core_stub.library_driver.description import vm_spec

__all__ = ["MigrationMixin"]


class MigrationMixin:
    """`IInstanceMigrationSource`, `IInstanceMigrationTarget`, `IInstanceMigrationControl` and
    `IInstanceForceMigration`, each over the one of VMs.
    """

    _hypervisor: Any

    def describe_outgoing(self, instance_uuid: UUID) -> OutgoingVm:
        """See `IInstanceMigrationSource`."""
        return self._hypervisor.describe_outgoing(instance_uuid)  # type: ignore[no-any-return]

    def check_outgoing(self, instance_uuid: UUID, request: CheckOutgoingRequest) -> MigrationPlan:
        """See `IInstanceMigrationSource`."""
        return self._hypervisor.check_outgoing(instance_uuid, request)  # type: ignore[no-any-return]

    def migrate(self, instance_uuid: UUID, request: MigrateVmRequest) -> None:
        """See `IInstanceMigrationSource`."""
        self._hypervisor.migrate_vm(instance_uuid, request)

    def finish_outgoing(self, instance_uuid: UUID, request: FinishOutgoingRequest) -> None:
        """See `IInstanceMigrationSource`."""
        self._hypervisor.finish_outgoing(instance_uuid, request)

    def check_incoming(
        self, instance_uuid: UUID, request: CheckIncomingInstanceRequest
    ) -> IncomingOffer:
        """See `IInstanceMigrationTarget`."""
        spec = vm_spec(self._hypervisor, instance_uuid, request.instance)
        check = CheckIncomingRequest(vm=request.vm, spec=spec, mode=request.mode)
        return self._hypervisor.check_incoming(instance_uuid, check)  # type: ignore[no-any-return]

    def prepare_incoming(
        self, instance_uuid: UUID, request: PrepareIncomingInstanceRequest
    ) -> MigrationTicket:
        """See `IInstanceMigrationTarget`.

        The image is brought to the node first: what is copied may be only what differs from it.
        """
        instance = request.instance
        spec = vm_spec(self._hypervisor, instance_uuid, instance)
        if instance.image is not None:
            images.ensure(self._hypervisor, instance.image, instance.flavor)
        prepare = PrepareIncomingRequest(plan=request.plan, spec=spec)
        return self._hypervisor.prepare_incoming(instance_uuid, prepare)  # type: ignore[no-any-return]

    def finish_incoming(self, instance_uuid: UUID, request: FinishIncomingInstanceRequest) -> None:
        """See `IInstanceMigrationTarget`."""
        spec = vm_spec(self._hypervisor, instance_uuid, request.instance)
        self._hypervisor.finish_incoming(instance_uuid, FinishIncomingRequest(spec=spec))

    def cancel_incoming(self, instance_uuid: UUID, request: CancelIncomingRequest) -> None:
        """See `IInstanceMigrationTarget`."""
        self._hypervisor.cancel_incoming(instance_uuid, request)

    def migration_status(self, instance_uuid: UUID) -> MigrationStatus:
        """See `IInstanceMigrationControl`."""
        return self._hypervisor.migration_status(instance_uuid)  # type: ignore[no-any-return]

    def abort_migration(self, instance_uuid: UUID, request: AbortMigrationRequest) -> None:
        """See `IInstanceMigrationControl`."""
        self._hypervisor.abort_migration(instance_uuid, request)

    def force_complete_migration(self, instance_uuid: UUID, request: ForceCompleteRequest) -> None:
        """See `IInstanceForceMigration`."""
        self._hypervisor.force_complete_migration(instance_uuid, request)
