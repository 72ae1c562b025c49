"""Instances that go from one host in memory to another."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.reference.virt_description import check_flavor, vm_spec
from nova_virt_interface.values.instance_requests import (
    CheckIncomingInstanceRequest,
    FinishIncomingInstanceRequest,
    PrepareIncomingInstanceRequest,
)
from nova_virt_interface.values.instances import Image
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

__all__ = ["VirtMigrationPart"]


class VirtMigrationPart:
    """Provides `IInstanceMigrationSource`, `IInstanceMigrationTarget`, `IInstanceMigrationControl`
    and `IInstanceForceMigration`.
    """

    _vms: ReferenceHypervisor

    def cache_image(self, image: Image) -> object:
        """See `IImageCaching`."""
        raise NotImplementedError

    def describe_outgoing(self, instance_uuid: UUID) -> OutgoingVm:
        """See `IInstanceMigrationSource`."""
        return self._vms.describe_outgoing(instance_uuid)

    def check_outgoing(self, instance_uuid: UUID, request: CheckOutgoingRequest) -> MigrationPlan:
        """See `IInstanceMigrationSource`."""
        return self._vms.check_outgoing(instance_uuid, request)

    def migrate(self, instance_uuid: UUID, request: MigrateVmRequest) -> None:
        """See `IInstanceMigrationSource`."""
        self._vms.migrate_vm(instance_uuid, request)

    def finish_outgoing(self, instance_uuid: UUID, request: FinishOutgoingRequest) -> None:
        """See `IInstanceMigrationSource`."""
        self._vms.finish_outgoing(instance_uuid, request)

    def check_incoming(
        self, instance_uuid: UUID, request: CheckIncomingInstanceRequest
    ) -> IncomingOffer:
        """See `IInstanceMigrationTarget`."""
        instance = request.instance
        if instance.image is not None:
            check_flavor(instance.flavor, instance.image)
        return self._vms.check_incoming(
            instance_uuid,
            CheckIncomingRequest(
                vm=request.vm, spec=vm_spec(instance_uuid, instance), mode=request.mode
            ),
        )

    def prepare_incoming(
        self, instance_uuid: UUID, request: PrepareIncomingInstanceRequest
    ) -> MigrationTicket:
        """See `IInstanceMigrationTarget`."""
        if request.instance.image is not None:
            self.cache_image(request.instance.image)
        spec = vm_spec(instance_uuid, request.instance)
        return self._vms.prepare_incoming(
            instance_uuid, PrepareIncomingRequest(plan=request.plan, spec=spec)
        )

    def finish_incoming(self, instance_uuid: UUID, request: FinishIncomingInstanceRequest) -> None:
        """See `IInstanceMigrationTarget`."""
        spec = vm_spec(instance_uuid, request.instance)
        self._vms.finish_incoming(instance_uuid, FinishIncomingRequest(spec=spec))

    def cancel_incoming(self, instance_uuid: UUID, request: CancelIncomingRequest) -> None:
        """See `IInstanceMigrationTarget`."""
        self._vms.cancel_incoming(instance_uuid, request)

    def migration_status(self, instance_uuid: UUID) -> MigrationStatus:
        """See `IInstanceMigrationControl`."""
        return self._vms.migration_status(instance_uuid)

    def abort_migration(self, instance_uuid: UUID, request: AbortMigrationRequest) -> None:
        """See `IInstanceMigrationControl`."""
        self._vms.abort_migration(instance_uuid, request)

    def force_complete_migration(self, instance_uuid: UUID, request: ForceCompleteRequest) -> None:
        """See `IInstanceForceMigration`."""
        self._vms.force_complete_migration(instance_uuid, request)
