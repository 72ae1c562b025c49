"""VMs that come from another host.

What is to come has a definition here from the beginning, whose mark says by which ticket it is
expected: so nobody else can take its uuid. When the VM has come, libvirt itself replaces that
definition by one whose mark says that it has arrived.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import libvirt
from lxml import etree
from nova_virt_interface import incoming, offers
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Resource, Unsupported
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.values.disks import Media
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.migration import (
    CancelIncomingRequest,
    CheckIncomingRequest,
    FinishIncomingRequest,
    IncomingOffer,
    MigrationMode,
    MigrationTicket,
    OutgoingDisk,
    PrepareIncomingRequest,
)
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.vm import VmSpec
from nova_virt_interface.values.volumes import Volume

from nova_virt_libvirt.definer import Definer
from nova_virt_libvirt.disk_xml import StoredDisk, disk_xml
from nova_virt_libvirt.domain_description import DomainDescription
from nova_virt_libvirt.domain_xml import domain_xml
from nova_virt_libvirt.domains import domain_state
from nova_virt_libvirt.mark import Mark
from nova_virt_libvirt.migration_data import VARIABLES, Arrival, pack, unpack
from nova_virt_libvirt.names import variables_file
from nova_virt_libvirt.nic_xml import nic_xml
from nova_virt_libvirt.power import turn_off
from nova_virt_libvirt.recovery import existing_disks
from nova_virt_libvirt.requirements import check_vm
from nova_virt_libvirt.secrets import lend, take_back
from nova_virt_libvirt.storage import whole_sectors

__all__ = ["MigrationTarget"]


class MigrationTarget(Definer):
    """See `IMigrationTarget`."""

    def check_incoming(self, vm_uuid: UUID, request: CheckIncomingRequest) -> IncomingOffer:
        """See `IMigrationTarget.check_incoming`."""
        unpack(request.vm.data)
        offers.check_offered(request.mode, self._host.description.migration_modes, "mode")
        check_vm(request.spec, self._host)
        incoming.require_described(vm_uuid, request)
        local = [disk for disk in request.vm.disks if not disk.is_volume]
        copied = local if self._copies(local) else []
        with self._session.use(about=f"VM {vm_uuid}") as connection:
            found = self._domains.find(connection, vm_uuid)
            if found is not None:
                self._expected(found[1], request.spec)
            self._check(
                connection, request.spec, request.mode, sum(disk.size_bytes for disk in copied)
            )
        return IncomingOffer(
            hostname=self._host.description.hostname,
            copied_disks=tuple(disk.key for disk in copied),
            data=pack({"address": self._settings.peer_uri}),
        )

    def _copies(self, disks: list[OutgoingDisk]) -> bool:
        """Whether the disks have to be copied; raises Unsupported if only one side shares them."""
        shared = self._storage.shared_as or None
        if any(disk.storage_id != shared for disk in disks):
            raise Unsupported(
                f"the source's storage is not this host's ({shared or 'its own'})",
                remedy="use two hosts on one storage, or two with storage of their own",
                field="vm.disks",
            )
        return shared is None

    def prepare_incoming(self, vm_uuid: UUID, request: PrepareIncomingRequest) -> MigrationTicket:
        """See `IMigrationTarget.prepare_incoming`."""
        plan, spec = request.plan, request.spec
        sizes: dict[str, int] = unpack(plan.data)["sizes"]
        secrets = spec.secrets if plan.mode is MigrationMode.LIVE else ()
        check_vm(spec, self._host)
        about = f"VM {vm_uuid}"
        with self._session.use(about=about) as connection:
            found = self._domains.find(connection, vm_uuid)
            if found is not None:
                ticket = self._expected(found[1], spec)
                # They are gone if libvirtd was restarted meanwhile.
                lend(connection, vm_uuid, secrets)
                return self._ticket(connection, vm_uuid, request, found[1], ticket)
            self._check(connection, spec, plan.mode, sum(sizes.values()))
        ticket = uuid4().hex
        with (
            undone_by(lambda: self._undo(vm_uuid, spec)),
            self._session.use(about=about, changing=True) as connection,
        ):
            self._forget_files(connection, vm_uuid)
            lend(connection, vm_uuid, secrets)
            stored = self._make(connection, vm_uuid, spec, plan.mode, sizes)
            mark = replace(Mark.of(self._settings.owner, vm_uuid, spec), expected=ticket)
            files = self._storage.files_of(vm_uuid)
            text = domain_xml(vm_uuid, spec, stored, self._host, mark, files)
            connection.defineXML(text)
            description = self._domains.find(connection, vm_uuid)
            if description is None:
                raise incoming.taken(vm_uuid)
            return self._ticket(connection, vm_uuid, request, description[1], ticket)

    def finish_incoming(self, vm_uuid: UUID, request: FinishIncomingRequest) -> None:
        """See `IMigrationTarget.finish_incoming`."""
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            found = self._domains.find(connection, vm_uuid)
            mark = None if found is None else self._domains.own_mark(found[1])
            if found is not None and (mark is None or mark.spec != spec_digest(request.spec)):
                raise incoming.taken(vm_uuid)
            if found is None or mark is None or (mark.expected and not mark.copy_of):
                raise incoming.not_come(vm_uuid)
            if mark.expected:
                self._domains.set_mark(found[0], replace(mark, expected=""))
                self._census.forget(vm_uuid)
            take_back(connection, vm_uuid, found[1].needs)

    def cancel_incoming(self, vm_uuid: UUID, request: CancelIncomingRequest) -> None:
        """See `IMigrationTarget.cancel_incoming`."""
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            found = self._domains.find(connection, vm_uuid)
            if found is not None:
                domain, description = found
                mark = self._domains.own_mark(description)
                if mark is None:
                    return
                state = domain_state(domain)
                is_idle_copy = mark.copy_of and state is PowerState.STOPPED
                if not mark.expected and not is_idle_copy:
                    raise incoming.has_come(vm_uuid, state)
                take_back(connection, vm_uuid, description.needs)
                turn_off(domain)
                domain.undefineFlags(self._host.undefine_flags)
            self._forget_files(connection, vm_uuid)

    def _undo(self, vm_uuid: UUID, spec: VmSpec) -> None:
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            # Without a definition nothing else tells which there are.
            take_back(connection, vm_uuid, ((one.key, one.purpose) for one in spec.secrets))
        self.cancel_incoming(vm_uuid, CancelIncomingRequest())

    def _forget_files(self, connection: Any, vm_uuid: UUID) -> None:
        if not self._storage.shared_as:
            self._storage.remove_vm(connection, vm_uuid)

    def _check(
        self, connection: Any, spec: VmSpec, mode: MigrationMode, storage_bytes: int
    ) -> None:
        for nic in spec.nics:
            self._nics.check(connection, nic)
        _, available = self._storage.capacity(connection)
        free_memory = connection.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS)
        memory = sum(free_memory.get(part, 0) for part in ("free", "buffers", "cached")) * 1024
        needed = spec.memory_bytes if mode is MigrationMode.LIVE else 0
        offers.require_free(Resource.STORAGE, storage_bytes, available, what="the VM")
        offers.require_free(Resource.MEMORY, needed, memory, what="the VM")

    def _make(
        self,
        connection: Any,
        vm_uuid: UUID,
        spec: VmSpec,
        mode: MigrationMode,
        sizes: dict[str, int],
    ) -> tuple[StoredDisk, ...]:
        if self._storage.shared_as:
            return existing_disks(self._storage.volumes(connection), vm_uuid, spec.disks)
        stored = []
        for disk in spec.disks:
            if isinstance(disk.source, Media | Volume):
                stored.append(self._disks.make(connection, vm_uuid, disk))
                continue
            size = max(sizes.get(disk.key, 0), whole_sectors(disk.size_bytes or 0))
            # A copy brings its own format and encryption along.
            is_whole = mode is MigrationMode.LIVE
            stored.append(
                self._disks.make_empty(connection, vm_uuid, disk, size, is_whole=is_whole)
            )
        if VARIABLES in sizes:
            name = variables_file(vm_uuid)
            self._storage.create(connection, name, sizes[VARIABLES], DiskFormat.RAW.value)
        return tuple(stored)

    def _expected(self, description: DomainDescription, spec: VmSpec) -> str:
        mark = self._domains.own_mark(description)
        if mark is None or not mark.expected or mark.spec != spec_digest(spec):
            raise incoming.taken(description.vm_uuid)
        return mark.expected

    def _ticket(
        self,
        connection: Any,
        vm_uuid: UUID,
        request: PrepareIncomingRequest,
        description: DomainDescription,
        ticket: str,
    ) -> MigrationTicket:
        address = self._settings.migration_address
        files = self._storage.files_of(vm_uuid)
        stored = {
            disk.key: StoredDisk(spec=disk, path=known.path or "", format=known.format)
            for disk in request.spec.disks
            for known in description.disks
            if known.key == disk.key
        }
        arrival = Arrival(
            vm=str(vm_uuid),
            ticket=ticket,
            mark=replace(Mark.of(self._settings.owner, vm_uuid, request.spec), arrived=ticket),
            data_uri=f"tcp://{address}" if address else "",
            address=address,
            console=files.console,
            variables=files.variables,
            console_address=self._settings.console_address,
            disks={
                key: _print(disk_xml(vm_uuid, disk, self._host, set(), None))
                for key, disk in stored.items()
            },
            nics={nic.key: _print(nic_xml(vm_uuid, nic, self._host)) for nic in request.spec.nics},
        )
        return MigrationTicket(
            plan=request.plan, address=self._settings.peer_uri, data=arrival.pack()
        )


def _print(element: Any) -> str:
    return etree.tostring(element, encoding="unicode")
