"""VMs that go to another host: live, from libvirtd to libvirtd, or as a copy.

With the switch-over of a live migration the definition here is gone in one step; what is left is
the VM's files.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import libvirt
from nova_virt_interface import offers
from nova_virt_interface.errors import (
    Cancelled,
    Conflict,
    InvalidState,
    NotFound,
    Resource,
    Unsupported,
    VirtError,
)
from nova_virt_interface.turns import Turns
from nova_virt_interface.values.migration import (
    CheckOutgoingRequest,
    FinishOutgoingRequest,
    MigrateVmRequest,
    MigrationMode,
    MigrationPlan,
    OutgoingDisk,
    OutgoingVm,
)
from nova_virt_interface.values.power import PowerState

from nova_virt_libvirt.capabilities import Capabilities
from nova_virt_libvirt.cold_migration import copy_vm
from nova_virt_libvirt.destination import destination, domain_there
from nova_virt_libvirt.domain_description import AttachedDisk, DomainDescription
from nova_virt_libvirt.domains import Domains, domain_state
from nova_virt_libvirt.errors import is_code
from nova_virt_libvirt.live_migration import LiveMigration
from nova_virt_libvirt.migration_control import is_migrating
from nova_virt_libvirt.migration_data import VARIABLES, Arrival, pack, unpack
from nova_virt_libvirt.session import Session
from nova_virt_libvirt.storage import Storage

__all__ = ["MigrationSource"]


class MigrationSource:
    """See `IMigrationSource`."""

    def __init__(
        self, session: Session, storage: Storage, domains: Domains, host: Capabilities
    ) -> None:
        self._session = session
        self._storage = storage
        self._domains = domains
        self._host = host
        self._turns = Turns()

    def describe_outgoing(self, vm_uuid: UUID) -> OutgoingVm:
        """See `IMigrationSource.describe_outgoing`."""
        with self._session.use(about=f"VM {vm_uuid}") as connection:
            domain, description, _ = self._domains.ours(connection, vm_uuid)
            state = domain_state(domain)
            disks = [
                OutgoingDisk(
                    key=key,
                    size_bytes=size,
                    stored_bytes=stored,
                    storage_id=self._storage.shared_as or None,
                )
                for key, (size, stored) in self._sizes(connection, description).items()
            ]
            disks += [
                OutgoingDisk(key=disk.key, size_bytes=_size(domain, disk), is_volume=True)
                for disk in description.disks
                if disk.key is not None and disk.is_volume
            ]
        data = pack({"host": self._host.description.hostname})
        return OutgoingVm(vm_uuid=vm_uuid, power_state=state, disks=tuple(disks), data=data)

    def check_outgoing(self, vm_uuid: UUID, request: CheckOutgoingRequest) -> MigrationPlan:
        """See `IMigrationSource.check_outgoing`."""
        unpack(request.offer.data)
        offers.check_offered(request.mode, self._host.description.migration_modes, "mode")
        copied = request.offer.copied_disks
        is_cold = request.mode is MigrationMode.COLD
        with self._session.use(about=f"VM {vm_uuid}") as connection:
            domain, description, _ = self._domains.ours(connection, vm_uuid)
            _require_mode(domain, vm_uuid, request.mode)
            if is_cold and description.tpm_key is not None:
                raise Unsupported(
                    "libvirt hands the state of a TPM out to a live migration alone",
                    remedy="migrate the VM while it runs",
                    field="mode",
                )
            found = self._sizes(connection, description)
            sizes = {key: found[key][0] for key in copied if key in found}
            if is_cold:
                sizes |= self._variables(connection, description)
            memory = 0 if is_cold else domain.maxMemory() * 1024
        if copied and self._storage.shared_as:
            raise Unsupported(
                f"VMs leave the storage {self._storage.shared_as} for no other",
                remedy="migrate to a host on the same storage",
                field="offer.copied_disks",
            )
        return MigrationPlan(
            mode=request.mode,
            copied_disks=copied,
            data=pack({"sizes": sizes}),
            expected_bytes=memory + sum(found[key][1] for key in copied if key in found),
        )

    def migrate_vm(self, vm_uuid: UUID, request: MigrateVmRequest) -> None:
        """See `IMigrationSource.migrate_vm`."""
        arrival = Arrival.unpack(request.ticket.data)
        if arrival.vm != str(vm_uuid):
            raise _wrong_ticket(vm_uuid, f"is for VM {arrival.vm}")
        if request.ticket.plan.mode is MigrationMode.COLD:
            with self._turns.turn(vm_uuid):
                self._copy(vm_uuid, request, arrival)
        else:
            self._move(vm_uuid, request, arrival)

    def _copy(self, vm_uuid: UUID, request: MigrateVmRequest, arrival: Arrival) -> None:
        ticket = arrival.ticket
        with (
            self._session.use(about=f"VM {vm_uuid}", changing=True) as connection,
            destination(request.ticket.address) as peer,
        ):
            domain, description, mark = self._domains.ours(connection, vm_uuid)
            there = domain_there(peer, vm_uuid)
            if there is not None and there[1].copy_of == ticket == mark.copied:
                return
            _require_mode(domain, vm_uuid, MigrationMode.COLD)
            if there is None or there[1].expected != ticket:
                raise _wrong_ticket(vm_uuid, "is not good any more")
            if there[1].copy_of != ticket or mark.copying != ticket:
                mark = replace(mark, copying=ticket, copied="")
                self._domains.set_mark(domain, mark)
                copy_vm(connection, peer, self._storage, description, arrival, request.ticket.plan)
                self._domains.set_mark(there[0], replace(there[1], copy_of=ticket))
            self._domains.set_mark(domain, replace(mark, copying="", copied=ticket))

    def _move(self, vm_uuid: UUID, request: MigrateVmRequest, arrival: Arrival) -> None:
        address = request.ticket.address
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            try:
                domain, description, _ = self._domains.ours(connection, vm_uuid)
            except NotFound:
                if _tickets(address, vm_uuid) == ("", arrival.ticket):
                    return
                raise
            if not is_migrating(domain):
                _require_mode(domain, vm_uuid, MigrationMode.LIVE)
            if _tickets(address, vm_uuid)[0] != arrival.ticket:
                raise _wrong_ticket(vm_uuid, "is not good any more")
            run = LiveMigration(domain, description, request, arrival)
            run.wait()
        self._end(vm_uuid, address, run)

    def _end(self, vm_uuid: UUID, address: str, run: LiveMigration) -> None:
        """After the hypervisor's job has ended, somehow."""
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            if self._domains.find(connection, vm_uuid) is None:
                return
            if run.given_up is not None:
                run.given_up.may_have_been_done = False
                raise run.given_up
            # If it does not answer, this is why.
            _tickets(address, vm_uuid)
            if run.error is None or is_code(run.error, libvirt.VIR_ERR_OPERATION_ABORTED):
                raise Cancelled(f"the migration of VM {vm_uuid} was given up") from run.error
            raise run.error

    def finish_outgoing(self, vm_uuid: UUID, request: FinishOutgoingRequest) -> None:
        """See `IMigrationSource.finish_outgoing`."""
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            found = self._domains.find(connection, vm_uuid)
            if found is not None:
                domain, description = found
                mark = self._domains.our_mark(description)
                if mark is None:
                    return
                state = domain_state(domain)
                if not mark.copied or state is not PowerState.STOPPED:
                    raise InvalidState(
                        f"VM {vm_uuid} is this host's", remedy="migrate it first", state=state.value
                    )
                domain.undefineFlags(self._host.undefine_flags)
            if not self._storage.shared_as:
                self._storage.remove_vm(connection, vm_uuid)

    def _sizes(self, connection: Any, description: DomainDescription) -> dict[str, tuple[int, int]]:
        """Key of each disk in this storage → its size, and what is stored of it."""
        volumes = self._storage.volumes(connection)
        found = {}
        for disk in description.disks:
            name = (disk.path or "").rpartition("/")[2]
            if disk.key is not None and not disk.is_volume and name in volumes:
                _, size, stored = volumes[name].info()
                found[disk.key] = (size, stored)
        return found

    def _variables(self, connection: Any, description: DomainDescription) -> dict[str, int]:
        """The size of the file of its UEFI's variables, if it has to be copied."""
        if self._storage.shared_as or not description.variables:
            return {}
        volumes = self._storage.volumes(connection, refreshed=True)
        # It is there from the first start on.
        file = volumes.get(description.variables.rpartition("/")[2])
        return {} if file is None else {VARIABLES: file.info()[1]}


def _size(domain: Any, disk: AttachedDisk) -> int:
    """Of a volume; 0 where libvirt does not ask the storage while the VM is stopped."""
    with suppress(libvirt.libvirtError):
        return int(domain.blockInfo(disk.target)[0])
    return 0


def _tickets(address: str, vm_uuid: UUID) -> tuple[str, str]:
    """By which ticket the destination expects the VM, and by which it has come."""
    with destination(address) as connection:
        there = domain_there(connection, vm_uuid)
    return ("", "") if there is None else (there[1].expected, there[1].arrived)


def _require_mode(domain: Any, vm_uuid: UUID, mode: MigrationMode) -> None:
    state = domain_state(domain)
    if mode is MigrationMode.LIVE and state is not PowerState.RUNNING:
        raise InvalidState(
            f"VM {vm_uuid} is {state.value}", remedy="start it first", state=state.value
        )
    if mode is MigrationMode.COLD and state is not PowerState.STOPPED:
        raise InvalidState(
            f"VM {vm_uuid} is {state.value}", remedy="stop it first", state=state.value
        )


def _wrong_ticket(vm_uuid: UUID, problem: str) -> VirtError:
    return Conflict(
        f"the ticket {problem}",
        remedy="prepare the migration of this VM anew",
        resource=Resource.VM,
        name=str(vm_uuid),
    )
