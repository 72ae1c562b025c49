"""The reference driver's VMs that come from another host."""

from __future__ import annotations

import secrets
from uuid import UUID, uuid4

from nova_virt_interface import offers
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import (
    Conflict,
    InsufficientResources,
    InvalidRequest,
    NotFound,
    Resource,
)
from nova_virt_interface.reference import host_migration, translate
from nova_virt_interface.reference._part import Part, wrong_state
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
from nova_virt_interface.values.power import PowerState

__all__ = ["MigrationTargetPart"]


class MigrationTargetPart(Part):
    """Provides `IMigrationTarget`."""

    def check_incoming(self, vm_uuid: UUID, request: CheckIncomingRequest) -> IncomingOffer:
        """See `IMigrationTarget`."""
        unpack(request.vm.data)
        offers.check_offered(request.mode, self._description.migration_modes, "mode")
        translate.check_vm(request.spec, self._description)
        _require_same_disks(vm_uuid, request)
        with translated():
            if any(vm.uuid == vm_uuid for vm in self._host.vms()):
                raise _taken(vm_uuid)
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
        for resource, needed, free in (
            (Resource.MEMORY, memory_bytes, memory_free),
            (Resource.STORAGE, storage_bytes, storage_free),
        ):
            if needed > free:
                raise InsufficientResources(
                    f"the host has {free} bytes of {resource.value}, the VM needs {needed}",
                    resource=resource,
                    needed=needed,
                    available=free,
                )

    def prepare_incoming(self, vm_uuid: UUID, request: PrepareIncomingRequest) -> MigrationTicket:
        """See `IMigrationTarget`."""
        plan, spec = request.plan, request.spec
        facts = unpack(plan.data)
        translate.check_vm(spec, self._description)
        self._require_room(spec.memory_bytes if plan.mode is MigrationMode.LIVE else 0, 0)
        copied = set(plan.copied_disks)
        shares = any(disk.key not in copied for disk in spec.disks)
        with translated():
            incoming = host_migration.prepare(
                self._host,
                Incoming(
                    vm=translate.vm(vm_uuid, spec, self._owner, self._host.images()),
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
            data=pack(vm=str(vm_uuid), ticket=incoming.ticket),
            secret=Secret(incoming.password),
        )

    def finish_incoming(self, vm_uuid: UUID, request: FinishIncomingRequest) -> None:
        """See `IMigrationTarget`."""
        with translated():
            host_migration.finish(self._host, vm_uuid)
        try:
            vm = self._ours(vm_uuid)
        except NotFound:
            state = PowerState.UNKNOWN.value
            wrong_state(vm_uuid, state, "has not come", "migrate it first")
        if vm.digest != spec_digest(request.spec):
            raise _taken(vm_uuid)

    def cancel_incoming(self, vm_uuid: UUID, request: CancelIncomingRequest) -> None:
        """See `IMigrationTarget`."""
        with translated():
            come = self._host.moves.arrived.get(vm_uuid)
            state = next((vm.state for vm in self._host.vms() if vm.uuid == vm_uuid), "stopped")
            if come or (come is False and state != "stopped"):
                remedy = "it is this host's; stop a copy first, and delete what is not wanted"
                wrong_state(vm_uuid, state, "has come", remedy)
            host_migration.cancel(self._host, vm_uuid)


def _taken(vm_uuid: UUID) -> Conflict:
    return Conflict(
        f"VM {vm_uuid} is here already, or is another",
        remedy="delete it first, or use another host",
        resource=Resource.VM,
        name=str(vm_uuid),
    )


def _require_same_disks(vm_uuid: UUID, request: CheckIncomingRequest) -> None:
    theirs = {disk.key for disk in request.vm.disks}
    if request.vm.vm_uuid != vm_uuid or theirs != {disk.key for disk in request.spec.disks}:
        raise InvalidRequest(
            f"VM {request.vm.vm_uuid} has the disks {sorted(theirs)}, not those described",
            remedy="describe the VM as it is",
            field="spec.disks",
        )
