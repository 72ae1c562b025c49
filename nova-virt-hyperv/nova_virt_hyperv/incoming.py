"""VMs that come from another host."""

from __future__ import annotations

import secrets
from uuid import UUID

from nova_virt_interface import incoming, offers
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Resource
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.values.disks import Media
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.migration import (
    CancelIncomingRequest,
    CheckIncomingRequest,
    FinishIncomingRequest,
    IncomingOffer,
    MigrationMode,
    MigrationTicket,
    OutgoingVm,
    PrepareIncomingRequest,
)
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.vm import VmSpec

from nova_virt_hyperv.conf import Settings
from nova_virt_hyperv.disk_files import DiskFiles
from nova_virt_hyperv.disk_store import DiskStore
from nova_virt_hyperv.files import MOVES, Files
from nova_virt_hyperv.inventory import free_storage_bytes
from nova_virt_hyperv.lifecycle import Lifecycle
from nova_virt_hyperv.machines import Machine, Machines, Services
from nova_virt_hyperv.migration_data import packed, unpacked
from nova_virt_hyperv.moves import Move, Moves, key_file
from nova_virt_hyperv.nics import Nics
from nova_virt_hyperv.translate import check_moves, check_vm
from nova_virt_hyperv.wmi import Wmi

__all__ = ["Incoming"]

_SMALLEST_BYTES = 3 * 1024 * 1024


class Incoming:
    """See `IMigrationTarget`."""

    def __init__(
        self,
        wmi: Wmi,
        machines: Machines,
        moves: Moves,
        store: DiskStore,
        nics: Nics,
        disk_files: DiskFiles,
        files: Files,
        lifecycle: Lifecycle,
        services: Services,
        host: HostDescription,
        settings: Settings,
    ) -> None:
        self._wmi = wmi
        self._machines = machines
        self._moves = moves
        self._store = store
        self._nics = nics
        self._disk_files = disk_files
        self._files = files
        self._lifecycle = lifecycle
        self._services = services
        self._host = host
        self._settings = settings

    def check_incoming(self, vm_uuid: UUID, request: CheckIncomingRequest) -> IncomingOffer:
        """See `IMigrationTarget.check_incoming`."""
        unpacked(request.vm.data)
        self._check(vm_uuid, request.spec, request.mode)
        incoming.require_described(vm_uuid, request)
        copied = self._copied(request.vm)
        self._check_room(request.vm, copied)
        return IncomingOffer(
            hostname=self._host.hostname,
            copied_disks=copied,
            data=packed({"host": self._services.host_name, "path": self._settings.storage_path}),
        )

    def prepare_incoming(self, vm_uuid: UUID, request: PrepareIncomingRequest) -> MigrationTicket:
        """See `IMigrationTarget.prepare_incoming`."""
        unpacked(request.plan.data)
        plan, spec = request.plan, request.spec
        digest = spec_digest(spec)
        move = self._moves.incoming(vm_uuid)
        if move is not None and move.digest != digest:
            raise incoming.taken(vm_uuid)
        self._check(vm_uuid, spec, plan.mode)
        if move is None:
            move = Move(secrets.token_hex(16), plan.mode.value, digest, plan.copied_disks)
            with undone_by(lambda: self._take_back(vm_uuid, move)):
                self._make_ready(vm_uuid, move, spec)
        host = self._services.host_name
        told = {"token": move.token, "host": host, "path": self._settings.storage_path}
        told |= {"share": self._settings.share, "vm": str(vm_uuid)}
        return MigrationTicket(plan=plan, address=host, data=packed(told))

    def finish_incoming(self, vm_uuid: UUID, request: FinishIncomingRequest) -> None:
        """See `IMigrationTarget.finish_incoming`."""
        digest = spec_digest(request.spec)
        machine = self._here(vm_uuid)
        move = self._moves.incoming(vm_uuid)
        if move is not None and move.digest != digest:
            raise incoming.taken(vm_uuid)
        if machine is not None and (move is None or move.finished):
            if machine.spec != digest:
                raise incoming.taken(vm_uuid)
            return
        if move is not None and move.mode == MigrationMode.COLD.value:
            self._finish_cold(vm_uuid, move, request.spec)
        elif move is not None and machine is not None:
            self._finish_live(machine, vm_uuid, request.spec)
        else:
            raise incoming.not_come(vm_uuid)

    def cancel_incoming(self, vm_uuid: UUID, request: CancelIncomingRequest) -> None:
        """See `IMigrationTarget.cancel_incoming`."""
        machine, move = self._here(vm_uuid), self._moves.incoming(vm_uuid)
        if machine is not None:
            state = self._machines.entry(machine, vm_uuid).state
            is_copy = move is not None and move.mode == MigrationMode.COLD.value
            if not is_copy or state is not PowerState.STOPPED:
                raise incoming.has_come(vm_uuid, state)
        if move is not None:
            self._take_back(vm_uuid, move)

    def _check(self, vm_uuid: UUID, spec: VmSpec, mode: MigrationMode) -> None:
        offers.check_offered(mode, self._host.migration_modes, "mode")
        check_vm(spec, self._host)
        check_moves(spec)
        if self._machines.find(vm_uuid):
            raise incoming.taken(vm_uuid)
        self._nics.switches(spec.nics)

    def _copied(self, vm: OutgoingVm) -> tuple[str, ...]:
        own = self._settings.storage_id
        return tuple(
            disk.key
            for disk in vm.disks
            if not disk.is_volume and (not own or disk.storage_id != own)
        )

    def _check_room(self, vm: OutgoingVm, copied: tuple[str, ...]) -> None:
        needed = sum(disk.stored_bytes or 0 for disk in vm.disks if disk.key in copied)
        free = free_storage_bytes(self._wmi, self._settings)
        offers.require_free(Resource.STORAGE, needed, free, what=f"VM {vm.vm_uuid}")

    def _make_ready(self, vm_uuid: UUID, move: Move, spec: VmSpec) -> None:
        self._moves.write_incoming(vm_uuid, move)
        if move.copied:
            # What a crash left here is in the way of what is to come.
            self._store.remove(vm_uuid)
            for disk in spec.disks:
                self._store.check(disk)
                if isinstance(disk.source, Media):
                    self._store.make(vm_uuid, disk)
        name = key_file(vm_uuid, self._services.host_name, move.token)
        path = self._files.on_host(MOVES, name)
        self._disk_files.make_blank(path, _SMALLEST_BYTES, f"the ticket of VM {vm_uuid}")

    def _take_back(self, vm_uuid: UUID, move: Move) -> None:
        self._lifecycle.forget(vm_uuid)
        if move.copied:
            self._store.remove(vm_uuid)
        self._moves.forget_incoming(vm_uuid)

    def _here(self, vm_uuid: UUID) -> Machine | None:
        for machine in self._machines.find(vm_uuid):
            if self._machines.is_ours(machine, vm_uuid) and machine.spec:
                return machine
        return None

    def _finish_cold(self, vm_uuid: UUID, move: Move, spec: VmSpec) -> None:
        if not self._moves.has_marker(vm_uuid, move):
            raise incoming.not_come(vm_uuid)
        self._lifecycle.adopt(vm_uuid, spec, self._store.files(vm_uuid, media=True))
        # It stays as long as the VM: so that an operator can go back to the one at the source.
        done = Move(move.token, move.mode, move.digest, move.copied, finished=True)
        self._moves.forget_incoming(vm_uuid)
        self._moves.write_incoming(vm_uuid, done)

    def _finish_live(self, machine: Machine, vm_uuid: UUID, spec: VmSpec) -> None:
        names = self._nics.names(machine, vm_uuid)
        same = [nic for nic in spec.nics if nic.key in names and names[nic.key].is_of(nic)]
        changed = [nic for nic in spec.nics if nic not in same]
        switches = self._nics.switches(changed)
        for nic in changed:
            self._nics.take_off(machine, vm_uuid, nic.key)
        self._nics.connect(machine, vm_uuid, changed, switches)
        self._lifecycle.relabel(machine, spec)
        self._moves.forget_incoming(vm_uuid)
