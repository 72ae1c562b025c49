"""VMs that go to another host: live, from libvirtd to libvirtd.

The hosts' libvirtds migrate peer to peer, so that a migration goes on, or is taken back, whatever
becomes of the driver. With the switch-over the definition here is gone in one step; what is left is
the VM's files.
"""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from typing import Any
from uuid import UUID

import libvirt
from nova_virt_interface import offers
from nova_virt_interface.call import current_call
from nova_virt_interface.errors import (
    Cancelled,
    Conflict,
    DeadlineExceeded,
    InvalidState,
    NotFound,
    PeerUnreachable,
    Resource,
    Unsupported,
    VirtError,
)
from nova_virt_interface.values.migration import (
    CheckOutgoingRequest,
    FinishOutgoingRequest,
    MigrateVmRequest,
    MigrationPlan,
    OutgoingDisk,
    OutgoingVm,
)
from nova_virt_interface.values.power import PowerState

from nova_virt_libvirt.capabilities import Capabilities
from nova_virt_libvirt.domain_description import DomainDescription, read_domain
from nova_virt_libvirt.domains import Domains, domain_state
from nova_virt_libvirt.errors import is_code
from nova_virt_libvirt.migration_control import abort, is_migrating, job_progress
from nova_virt_libvirt.migration_data import Arrival, moved_xml, pack, unpack
from nova_virt_libvirt.session import Session
from nova_virt_libvirt.storage import Storage

__all__ = ["MigrationSource"]

_LOOK_SECONDS = 0.2
_MIB = 1024 * 1024
_FLAGS = (
    libvirt.VIR_MIGRATE_LIVE
    | libvirt.VIR_MIGRATE_PEER2PEER
    | libvirt.VIR_MIGRATE_PERSIST_DEST
    | libvirt.VIR_MIGRATE_UNDEFINE_SOURCE
    | libvirt.VIR_MIGRATE_ABORT_ON_ERROR
)


class MigrationSource:
    """See `IMigrationSource`."""

    def __init__(
        self, session: Session, storage: Storage, domains: Domains, host: Capabilities
    ) -> None:
        self._session = session
        self._storage = storage
        self._domains = domains
        self._host = host

    def describe_outgoing(self, vm_uuid: UUID) -> OutgoingVm:
        """See `IMigrationSource.describe_outgoing`."""
        with self._session.use(about=f"VM {vm_uuid}") as connection:
            domain, description, _ = self._domains.ours(connection, vm_uuid)
            sizes = self._sizes(connection, description)
            state = domain_state(domain)
        disks = tuple(
            OutgoingDisk(
                key=key,
                size_bytes=size,
                stored_bytes=stored,
                storage_id=self._storage.shared_as or None,
            )
            for key, (size, stored) in sizes.items()
        )
        data = pack({"host": self._host.description.hostname})
        return OutgoingVm(vm_uuid=vm_uuid, power_state=state, disks=disks, data=data)

    def check_outgoing(self, vm_uuid: UUID, request: CheckOutgoingRequest) -> MigrationPlan:
        """See `IMigrationSource.check_outgoing`."""
        unpack(request.offer.data)
        offers.check_offered(request.mode, self._host.description.migration_modes, "mode")
        with self._session.use(about=f"VM {vm_uuid}") as connection:
            domain, description, _ = self._domains.ours(connection, vm_uuid)
            _require_running(domain, vm_uuid)
            found = self._sizes(connection, description)
            memory = domain.maxMemory() * 1024
        copied = request.offer.copied_disks
        if copied and self._storage.shared_as:
            raise Unsupported(
                f"VMs leave the storage {self._storage.shared_as} for no other",
                remedy="migrate to a host on the same storage",
                field="offer.copied_disks",
            )
        return MigrationPlan(
            mode=request.mode,
            copied_disks=copied,
            data=pack({"sizes": {key: found[key][0] for key in copied if key in found}}),
            expected_bytes=memory + sum(found[key][1] for key in copied if key in found),
        )

    def migrate_vm(self, vm_uuid: UUID, request: MigrateVmRequest) -> None:
        """See `IMigrationSource.migrate_vm`."""
        arrival = Arrival.unpack(request.ticket.data)
        if arrival.vm != str(vm_uuid):
            raise _wrong_ticket(vm_uuid, f"is for VM {arrival.vm}")
        address = request.ticket.address
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            try:
                domain, _, _ = self._domains.ours(connection, vm_uuid)
            except NotFound:
                if _at_destination(address, vm_uuid) == ("", arrival.ticket):
                    return
                raise
            if not is_migrating(domain):
                _require_running(domain, vm_uuid)
            if _at_destination(address, vm_uuid)[0] != arrival.ticket:
                raise _wrong_ticket(vm_uuid, "is not good any more")
            run = _Run(domain, request, arrival)
            run.wait()
        self._end(vm_uuid, request, arrival, run)

    def _end(self, vm_uuid: UUID, request: MigrateVmRequest, arrival: Arrival, run: _Run) -> None:
        """After the hypervisor's job has ended, somehow."""
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            if self._domains.find(connection, vm_uuid) is None:
                return
            if run.given_up is not None:
                run.given_up.may_have_been_done = False
                raise run.given_up
            _at_destination(request.ticket.address, vm_uuid)
            if run.error is None or is_code(run.error, libvirt.VIR_ERR_OPERATION_ABORTED):
                raise Cancelled(f"the migration of VM {vm_uuid} was given up") from run.error
            raise run.error

    def finish_outgoing(self, vm_uuid: UUID, request: FinishOutgoingRequest) -> None:
        """See `IMigrationSource.finish_outgoing`."""
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            found = self._domains.find(connection, vm_uuid)
            if found is None:
                if not self._storage.shared_as:
                    self._storage.remove_vm(connection, vm_uuid)
            elif self._domains.our_mark(found[1]) is not None:
                raise InvalidState(
                    f"VM {vm_uuid} is this host's",
                    remedy="migrate it first",
                    state=domain_state(found[0]).value,
                )

    def _sizes(self, connection: Any, description: DomainDescription) -> dict[str, tuple[int, int]]:
        """Key of each disk → its size, and what is stored of it."""
        volumes = self._storage.volumes(connection)
        found = {}
        for disk in description.disks:
            name = (disk.path or "").rpartition("/")[2]
            if disk.key is not None and name in volumes:
                _, size, stored = volumes[name].info()
                found[disk.key] = (size, stored)
        return found


class _Run:
    """One migration, or the wait for one that is on its way."""

    def __init__(self, domain: Any, request: MigrateVmRequest, arrival: Arrival) -> None:
        self._domain = domain
        self._address = request.ticket.address
        self._downtime_ms = request.downtime_ms
        self._flags = _flags(request)
        self._parameters: dict[str, Any] = {}
        self._thread: threading.Thread | None = None
        self.error: libvirt.libvirtError | None = None
        self.given_up: Cancelled | DeadlineExceeded | None = None
        if not is_migrating(domain):
            self._parameters = _parameters(domain, request, arrival)
            self._thread = threading.Thread(target=self._migrate, daemon=True)
            self._thread.start()

    def _migrate(self) -> None:
        try:
            self._domain.migrateToURI3(self._address, self._parameters, self._flags)
        except libvirt.libvirtError as error:
            self.error = error

    def _is_on_its_way(self) -> bool:
        if self._thread is None:
            return is_migrating(self._domain)
        return self._thread.is_alive()

    def wait(self) -> None:
        """Until it has ended; give it up when the call is cancelled or out of time."""
        call = current_call()
        done = 0
        while self._is_on_its_way():
            progress = job_progress(self._domain)
            if progress is not None:
                # What was sent again does not count twice.
                done = max(done, progress[0])
                call.progress(done, progress[1])
                self._set_downtime()
            try:
                call.wait(_LOOK_SECONDS)
            except (Cancelled, DeadlineExceeded) as error:
                self.given_up = error
                break
        while self.given_up is not None and self._is_on_its_way():
            abort(self._domain)
            threading.Event().wait(_LOOK_SECONDS)
        if self._thread is not None:
            self._thread.join()

    def _set_downtime(self) -> None:
        if self._downtime_ms is not None:
            with suppress(libvirt.libvirtError):
                self._domain.migrateSetMaxDowntime(self._downtime_ms, 0)
                self._downtime_ms = None


def _flags(request: MigrateVmRequest) -> int:
    flags: int = _FLAGS
    if request.ticket.plan.copied_disks:
        flags |= libvirt.VIR_MIGRATE_NON_SHARED_DISK
    else:
        # libvirt knows by its type alone that a file system is shared; the operator has said so.
        flags |= libvirt.VIR_MIGRATE_UNSAFE
    if request.may_throttle:
        flags |= libvirt.VIR_MIGRATE_AUTO_CONVERGE
    if request.may_post_copy:
        flags |= libvirt.VIR_MIGRATE_POSTCOPY
    return flags


def _parameters(domain: Any, request: MigrateVmRequest, arrival: Arrival) -> dict[str, Any]:
    secure = libvirt.VIR_DOMAIN_XML_SECURE
    live = domain.XMLDesc(secure | libvirt.VIR_DOMAIN_XML_MIGRATABLE)
    kept = domain.XMLDesc(secure | libvirt.VIR_DOMAIN_XML_INACTIVE)
    found: dict[str, Any] = {
        libvirt.VIR_MIGRATE_PARAM_DEST_XML: moved_xml(live, arrival),
        libvirt.VIR_MIGRATE_PARAM_PERSIST_XML: moved_xml(kept, arrival),
        libvirt.VIR_MIGRATE_PARAM_URI: arrival.data_uri,
        libvirt.VIR_MIGRATE_PARAM_LISTEN_ADDRESS: arrival.address,
    }
    if request.bytes_per_second is not None:
        # libvirt counts whole MiB.
        found[libvirt.VIR_MIGRATE_PARAM_BANDWIDTH] = max(1, request.bytes_per_second // _MIB)
    return {name: content for name, content in found.items() if content}


def _at_destination(address: str, vm_uuid: UUID) -> tuple[str, str]:
    """By which ticket the destination expects the VM, and by which it has come."""
    try:
        with closing(libvirt.open(address)) as connection:
            domain = connection.lookupByUUIDString(str(vm_uuid))
            mark = read_domain(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)).mark
    except libvirt.libvirtError as error:
        if is_code(error, libvirt.VIR_ERR_NO_DOMAIN):
            return "", ""
        raise PeerUnreachable(
            f"the libvirtd of the destination, {address}, does not answer",
            remedy="start it, or migrate to another host",
            detail=str(error),
            resource=Resource.DESTINATION,
            name=address,
        ) from error
    return ("", "") if mark is None else (mark.expected, mark.arrived)


def _require_running(domain: Any, vm_uuid: UUID) -> None:
    state = domain_state(domain)
    if state is not PowerState.RUNNING:
        raise InvalidState(
            f"VM {vm_uuid} is {state.value}", remedy="start it first", state=state.value
        )


def _wrong_ticket(vm_uuid: UUID, problem: str) -> VirtError:
    return Conflict(
        f"the ticket {problem}",
        remedy="prepare the migration of this VM anew",
        resource=Resource.VM,
        name=str(vm_uuid),
    )
