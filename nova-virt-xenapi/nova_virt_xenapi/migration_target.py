"""VMs that come from another host, of this pool or another one.

What is prepared is a VM of xapi without disks and without a digest: a place. A cold migration's VM
is made of it; a live one brings its own, and the place is given up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from nova_virt_interface import incoming, offers
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Resource, Unsupported
from nova_virt_interface.values.disks import Media
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
from nova_virt_interface.values.vm import VmSpec
from nova_virt_interface.values.volumes import Volume

from nova_virt_xenapi import translate
from nova_virt_xenapi.arrivals import VALID_SECONDS, Arrivals
from nova_virt_xenapi.disks import Disks
from nova_virt_xenapi.lifecycle import Lifecycle
from nova_virt_xenapi.migration_data import pack, unpack
from nova_virt_xenapi.nics import Nics
from nova_virt_xenapi.pool import Pool, check_vm
from nova_virt_xenapi.records import Found, Records
from nova_virt_xenapi.session import Session, undone_by
from nova_virt_xenapi.settings import check_tpm_stays

__all__ = ["MigrationTarget"]


class MigrationTarget:
    """The way in."""

    def __init__(
        self,
        session: Session,
        records: Records,
        lifecycle: Lifecycle,
        disks: Disks,
        nics: Nics,
        pool: Pool,
        arrivals: Arrivals,
    ) -> None:
        self._session = session
        self._records = records
        self._lifecycle = lifecycle
        self._disks = disks
        self._nics = nics
        self._pool = pool
        self._arrivals = arrivals

    def check_incoming(self, vm_uuid: UUID, request: CheckIncomingRequest) -> IncomingOffer:
        """See `IMigrationTarget.check_incoming`."""
        pool = self._pool
        offers.check_offered(request.mode, pool.description.migration_modes, "mode")
        source = unpack(request.vm.data, "version")
        is_across = source["pool"] != pool.pool_uuid
        if is_across:
            _require_crossing(source, request, pool)
        check_vm(request.spec, pool)
        if request.mode is MigrationMode.COLD:
            check_tpm_stays(request.spec.settings)
        incoming.require_described(vm_uuid, request)
        with self._session.operation(f"VM {vm_uuid}"):
            found = self._records.claim(vm_uuid, also_elsewhere=True)
            if any(vm.is_complete for vm in found):
                raise incoming.taken(vm_uuid)
            self._networks(request.spec)
            copied = self._copied(request, is_across=is_across)
            self._require_room(copied, request)
        keys = tuple(disk.key for disk in copied)
        data = pack(pool, storage=pool.storage_uuid, source=source["pool"])
        return IncomingOffer(hostname=pool.description.hostname, copied_disks=keys, data=data)

    def prepare_incoming(self, vm_uuid: UUID, request: PrepareIncomingRequest) -> MigrationTicket:
        """See `IMigrationTarget.prepare_incoming`."""
        pool, plan, spec = self._pool, request.plan, request.spec
        offer = unpack(plan.data, "source")
        if offer["host"] != pool.host_uuid:
            raise Unsupported("the plan is of another host", field="plan")
        is_across = offer["source"] != pool.pool_uuid
        check_vm(spec, pool)
        with self._session.operation(f"VM {vm_uuid}"):
            found = self._records.claim(vm_uuid, also_elsewhere=True)
            if any(vm.is_complete for vm in found):
                raise incoming.taken(vm_uuid)
            wanted = f"{plan.mode.value} {spec_digest(spec)}"
            place = _place(found)
            if place is not None and place.mark.incoming.rpartition(" ")[0] != wanted:
                raise incoming.taken(vm_uuid)
            networks = self._networks(spec)
            with undone_by(lambda: self._remove(vm_uuid) if place is None else None):
                ready = place or self._make_place(vm_uuid, spec, wanted)
                self._lifecycle.join_volumes(spec)
                secret = self._arrivals.admit(ready) if is_across else None
        data = pack(
            pool,
            storage=pool.storage_uuid,
            storage_ref=pool.storage,
            networks=networks,
            vm=str(vm_uuid),
            token=ready.mark.incoming.rpartition(" ")[2],
        )
        return MigrationTicket(
            plan=plan,
            address=pool.host_address,
            data=data,
            secret=secret,
            valid_seconds=VALID_SECONDS if is_across else None,
        )

    def _make_place(self, vm_uuid: UUID, spec: VmSpec, wanted: str) -> Found:
        mark = replace(self._records.mark(vm_uuid), incoming=f"{wanted} {uuid4()}")
        record = translate.vm_record(spec, mark, self._pool)
        return Found(self._session.call("VM.create", record), mark, record)

    def finish_incoming(self, vm_uuid: UUID, request: FinishIncomingRequest) -> None:
        """See `IMigrationTarget.finish_incoming`."""
        digest = spec_digest(request.spec)
        with self._session.operation(f"VM {vm_uuid}"):
            found = self._records.every(vm_uuid)
            place, vm = _place(found), next((vm for vm in found if vm.is_complete), None)
            if place is None and vm is None:
                raise incoming.not_come(vm_uuid)
            promised = vm.mark.spec if place is None and vm is not None else None
            if place is not None:
                mode, promised, token = place.mark.incoming.split(" ")
            if promised != digest:
                raise incoming.taken(vm_uuid)
            if place is None:
                return
            if mode == MigrationMode.COLD.value:
                self._complete(place, vm_uuid, request.spec, token)
            elif vm is None:
                raise incoming.not_come(vm_uuid)
            else:
                self._arrivals.adopt(vm, request.spec.disks)
                self._session.call("VM.set_suspend_SR", vm.ref, self._pool.storage)
                self._session.call("VM.set_affinity", vm.ref, self._pool.host)
                mark = self._records.mark(vm_uuid, digest)
                self._records.set_mark(vm, replace(mark, came=f"{mode} {token}"))
                self._lifecycle.remove([place], vm_uuid)

    def cancel_incoming(self, vm_uuid: UUID, request: CancelIncomingRequest) -> None:
        """See `IMigrationTarget.cancel_incoming`."""
        with self._session.operation(f"VM {vm_uuid}"):
            found = self._records.every(vm_uuid)
            for vm in found:
                if not vm.is_complete:
                    continue
                came = vm.mark.came.partition(" ")[0]
                is_cold = came == MigrationMode.COLD.value
                stays = vm.record["power_state"] != "Halted" if is_cold else True
                if stays and (came or _place(found) is not None):
                    state = translate.power_state(vm.record["power_state"])
                    raise incoming.has_come(vm_uuid, state)
            place = _place(found)
            if place is not None:
                self._arrivals.dismiss(place)
                self._arrivals.remove_copies(vm_uuid, place.mark.incoming.rpartition(" ")[2])
            self._remove(vm_uuid)
            self._lifecycle.leave_volumes()

    def _complete(self, place: Found, vm_uuid: UUID, spec: VmSpec, token: str) -> None:
        """Make the VM of its place and of the disks that were copied."""
        self._arrivals.take_copies(vm_uuid, token, spec.disks)
        copied = self._disks.unattached(vm_uuid, token)
        needed = {disk.key for disk in spec.disks if not isinstance(disk.source, Media | Volume)}
        if not needed <= copied.keys():
            raise incoming.not_come(vm_uuid)
        self._arrivals.dismiss(place)
        networks = self._nics.networks() if spec.nics else {}
        with undone_by(lambda: self._disks.disconnect(place.ref)):
            self._disks.disconnect(place.ref)
            for number, disk in enumerate(translate.boot_order(spec.disks)):
                if isinstance(disk.source, Media | Volume):
                    self._disks.make(place.ref, vm_uuid, disk, str(number))
                else:
                    self._disks.connect(place.ref, copied[disk.key].ref, disk, str(number))
            for number, nic in enumerate(spec.nics):
                self._nics.make(place.ref, nic, str(number), networks)
            mark = self._records.mark(vm_uuid, spec_digest(spec))
            came = f"{MigrationMode.COLD.value} {token}"
            self._records.set_mark(place, replace(mark, came=came))

    def _remove(self, vm_uuid: UUID) -> None:
        """Remove places, and VMs that came cold."""
        gone = [
            vm
            for vm in self._records.every(vm_uuid)
            if vm.mark.incoming or vm.mark.came.startswith(MigrationMode.COLD.value)
        ]
        if gone:
            self._lifecycle.remove(gone, vm_uuid)

    def _copied(self, request: CheckIncomingRequest, *, is_across: bool) -> list[OutgoingDisk]:
        is_cold = request.mode is MigrationMode.COLD
        made = {disk.key for disk in request.spec.disks if isinstance(disk.source, Media)}
        return [
            disk
            for disk in request.vm.disks
            if not disk.is_volume
            and not (is_cold and disk.key in made)
            and (is_across or disk.storage_id is None or disk.storage_id != self._pool.storage_id)
        ]

    def _networks(self, spec: VmSpec) -> dict[str, str]:
        """The network of each NIC; raises NotFound."""
        networks = self._nics.networks() if spec.nics else {}
        return {nic.key: self._nics.network(nic, networks) for nic in spec.nics}

    def _require_room(self, copied: list[OutgoingDisk], request: CheckIncomingRequest) -> None:
        record = self._session.call("SR.get_record", self._pool.storage)
        needed = sum(disk.size_bytes for disk in copied)
        free = int(record["physical_size"]) - int(record["physical_utilisation"])
        offers.require_free(Resource.STORAGE, needed, free, what="the VM")
        if request.mode is MigrationMode.LIVE:
            free = int(self._session.call("host.compute_free_memory", self._pool.host))
            memory = request.spec.memory_bytes
            offers.require_free(Resource.MEMORY, memory, free, what="the VM")


def _require_crossing(source: dict[str, Any], request: CheckIncomingRequest, pool: Pool) -> None:
    """Refuse what xapi does not do between pools."""
    if any(disk.is_volume for disk in request.vm.disks):
        raise Unsupported(
            "xapi copies all disks of a VM that goes to another pool, volumes, too",
            remedy="detach its volumes first, or use a host of its own pool",
            field="vm.disks",
        )
    there, here = _version(source["version"]), _version(pool.description.hypervisor_version)
    if request.mode is MigrationMode.LIVE and there > here:
        raise Unsupported(
            f"the VM runs on version {source['version']}, which is newer than this host's",
            remedy="use a host that is not older",
            field="vm.data",
        )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdecimal())


def _place(found: list[Found]) -> Found | None:
    return next((vm for vm in found if vm.mark.incoming), None)
