"""The reference driver's VMs that come from another host."""

from __future__ import annotations

import secrets
from uuid import UUID, uuid4

from nova_virt_interface import incoming, offers
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import NotFound, Resource
from nova_virt_interface.reference import host_migration, translate
from nova_virt_interface.reference._part import Part
from nova_virt_interface.reference.errors import translated
from nova_virt_interface.reference.host_moves import Incoming
from nova_virt_interface.reference.migration_data import pack, unpack
from nova_virt_interface.secret import Secret
from nova_virt_interface.values.migration import (
    CancelIncomingRequest,
    CheckIncomingRequest,
    FinishIncomingRequest,
    IncomingOffer,
    MigrationMode,
    MigrationTicket,
    PrepareIncomingRequest,
)

__all__ = ["MigrationTargetPart"]


class MigrationTargetPart(Part):
    """Provides `IMigrationTarget`."""

    def check_incoming(self, vm_uuid: UUID, request: CheckIncomingRequest) -> IncomingOffer:
        """See `IMigrationTarget`."""
        unpack(request.vm.data)
        offers.check_offered(request.mode, self._description.migration_modes, "mode")
        translate.check_vm(request.spec, self._description)
        incoming.require_described(vm_uuid, request)
        with translated():
            if any(vm.uuid == vm_uuid for vm in self._host.vms()):
                raise incoming.taken(vm_uuid)
        storage_id = self._host.moves.storage_id
        copied = tuple(
            disk
            for disk in request.vm.disks
            if not disk.is_volume and (storage_id is None or disk.storage_id != storage_id)
        )
        self._require_room(
            request.spec.memory_bytes if request.mode is MigrationMode.LIVE else 0,
            sum(disk.size_bytes for disk in copied),
        )
        return IncomingOffer(
            hostname=self._host.name,
            copied_disks=tuple(disk.key for disk in copied),
            data=pack(host=self._host.name),
        )

    def _require_room(self, memory_bytes: int, storage_bytes: int) -> None:
        with translated():
            memory_free, storage_free = self._host.resources()
        offers.require_free(Resource.MEMORY, memory_bytes, memory_free, what="the VM")
        offers.require_free(Resource.STORAGE, storage_bytes, storage_free, what="the VM")

    def prepare_incoming(self, vm_uuid: UUID, request: PrepareIncomingRequest) -> MigrationTicket:
        """See `IMigrationTarget`."""
        plan, spec = request.plan, request.spec
        facts = unpack(plan.data)
        translate.check_vm(spec, self._description)
        self._require_room(spec.memory_bytes if plan.mode is MigrationMode.LIVE else 0, 0)
        copied = set(plan.copied_disks)
        shares = any(disk.key not in copied for disk in spec.disks)
        with translated():
            place = host_migration.prepare(
                self._host,
                Incoming(
                    vm=translate.vm(vm_uuid, spec, self._mark(vm_uuid), self._host.images()),
                    digest=spec_digest(request),
                    ticket=str(uuid4()),
                    password=secrets.token_hex(),
                    copied=plan.copied_disks,
                ),
                facts["source"] if shares else None,
            )
        return MigrationTicket(
            plan=plan,
            address=self._host.name,
            data=pack(vm=str(vm_uuid), ticket=place.ticket),
            secret=Secret(place.password),
        )

    def finish_incoming(self, vm_uuid: UUID, request: FinishIncomingRequest) -> None:
        """See `IMigrationTarget`."""
        with translated():
            host_migration.finish(self._host, vm_uuid)
        try:
            vm = self._ours(vm_uuid)
        except NotFound:
            raise incoming.not_come(vm_uuid) from None
        if vm.digest != spec_digest(request.spec):
            raise incoming.taken(vm_uuid)

    def cancel_incoming(self, vm_uuid: UUID, request: CancelIncomingRequest) -> None:
        """See `IMigrationTarget`."""
        with translated():
            come = self._host.moves.arrived.get(vm_uuid)
            state = next((vm.state for vm in self._host.vms() if vm.uuid == vm_uuid), "stopped")
            if come or (come is False and state != "stopped"):
                raise incoming.has_come(vm_uuid, translate.power_state(state))
            host_migration.cancel(self._host, vm_uuid)
