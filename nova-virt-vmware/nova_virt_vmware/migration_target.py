"""VMs that come from another compute node of the vCenter.

What is prepared is a mark of the VM: the vCenter knows it, wherever it is. A live migration moves
the VM itself; a cold one makes a second one of its disks, or of copies of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

from nova_virt_interface import incoming, offers
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import InsufficientResources, Resource
from nova_virt_interface.values.disks import Media
from nova_virt_interface.values.host import HostDescription
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
from nova_virt_interface.values.vm import VmSpec
from nova_virt_interface.values.volumes import Volume

from nova_virt_vmware import kept, records, requirements, translate
from nova_virt_vmware.arriving import Arriving
from nova_virt_vmware.clones import clones_mark
from nova_virt_vmware.datastore import Datastore
from nova_virt_vmware.hosts import Hosts
from nova_virt_vmware.inventory import Inventory
from nova_virt_vmware.landing import Landing
from nova_virt_vmware.leaving import Leaving
from nova_virt_vmware.marking import Marking
from nova_virt_vmware.migration_data import pack, unpack
from nova_virt_vmware.networks import Networks
from nova_virt_vmware.node import Node
from nova_virt_vmware.relocations import Relocations
from nova_virt_vmware.vms import Found, Vms
from nova_virt_vmware.volumes import Volumes

__all__ = ["MigrationTarget"]

_COLD = MigrationMode.COLD.value


class MigrationTarget:
    """The way in."""

    def __init__(
        self,
        node: Node,
        datastore: Datastore,
        networks: Networks,
        hosts: Hosts,
        inventory: Inventory,
        vms: Vms,
        marking: Marking,
        volumes: Volumes,
        arriving: Arriving,
        landing: Landing,
        relocations: Relocations,
        leaving: Leaving,
        host: HostDescription,
    ) -> None:
        self._node = node
        self._datastore = datastore
        self._networks = networks
        self._hosts = hosts
        self._inventory = inventory
        self._vms = vms
        self._marking = marking
        self._volumes = volumes
        self._arriving = arriving
        self._landing = landing
        self._relocations = relocations
        self._leaving = leaving
        self._host = host
        self._mark = f"{translate.INCOMING}{node.compute_id}"

    def check_incoming(self, vm_uuid: UUID, request: CheckIncomingRequest) -> IncomingOffer:
        """See `IMigrationTarget.check_incoming`."""
        spec, is_live = request.spec, request.mode is MigrationMode.LIVE
        offers.check_offered(request.mode, self._host.migration_modes, "mode")
        unpack(request.vm.data, self._node)
        requirements.check_spec(spec, self._host)
        if not is_live:
            requirements.check_remade(spec)
        incoming.require_described(vm_uuid, request)
        if any(vm.here or not vm.ours for vm in self._vms.everywhere(vm_uuid, [], foreign=True)):
            raise incoming.taken(vm_uuid)
        self._networks.backings({nic.backing.name for nic in spec.nics})
        media = {disk.key for disk in spec.disks if isinstance(disk.source, Media)}
        copied = [
            disk
            for disk in request.vm.disks
            if not disk.is_volume
            and disk.key not in media
            and disk.storage_id != self._node.storage_id
        ]
        sizes = [disk.size_bytes for disk in copied]
        if copied:
            self._datastore.require_room(sum(sizes), max(sizes))
        if is_live:
            free = self._inventory.inventory().memory_free_bytes
            offers.require_free(Resource.MEMORY, spec.memory_bytes, free, what="the VM")
        keys = tuple(disk.key for disk in copied)
        return IncomingOffer(
            hostname=self._host.hostname, copied_disks=keys, data=pack(self._node, **self._place())
        )

    def _place(self) -> dict[str, str]:
        node, host = self._node, self._hosts.roomiest()
        if host is None:
            raise InsufficientResources(
                "no host of the compute node takes VMs", resource=Resource.HOST
            )
        return {
            "host": host,
            "pool": node.pool_id,
            "datastore": node.datastore,
            "datastore_id": node.datastore_id,
            "datacenter": node.datacenter_id,
        }

    def prepare_incoming(self, vm_uuid: UUID, request: PrepareIncomingRequest) -> MigrationTicket:
        """See `IMigrationTarget.prepare_incoming`."""
        plan, spec = request.plan, request.spec
        unpack(plan.data, self._node)
        requirements.check_spec(spec, self._host)
        every = self._vms.everywhere(vm_uuid, records.PATHS, foreign=True)
        source = next((vm for vm in every if vm.ours and not vm.here), None)
        if source is None or any(vm.here or not vm.ours for vm in every):
            raise incoming.taken(vm_uuid)
        backings = self._networks.backings({nic.backing.name for nic in spec.nics})
        nics = {nic.mac: kept.backing_fields(backings[nic.backing.name]) for nic in spec.nics}
        wanted = f"{plan.mode.value} {spec_digest(spec)}"
        promised, _, token = records.marks_of(source).get(self._mark, "").rpartition(" ")
        if token and promised != wanted:
            raise incoming.taken(vm_uuid)
        if not token:
            token = str(uuid4())
            # A live migration brings a VM that has its volumes already.
            specs = spec.disks if plan.mode is MigrationMode.LIVE else ()
            with self._volumes.connected(specs):
                self._marking.mark(vm_uuid, source, {self._mark: f"{wanted} {token}"})
        data = pack(self._node, **self._place(), vm=str(vm_uuid), token=token, nics=nics)
        return MigrationTicket(plan=plan, address=self._host.hostname, data=data)

    def finish_incoming(self, vm_uuid: UUID, request: FinishIncomingRequest) -> None:
        """See `IMigrationTarget.finish_incoming`."""
        spec, digest = request.spec, spec_digest(request.spec)
        every = self._vms.everywhere(vm_uuid, [*records.PATHS, "name"])
        here = next((vm for vm in every if vm.here), None)
        elsewhere = (vm for vm in every if not vm.here)
        source = next((vm for vm in elsewhere if self._mark in records.marks_of(vm)), None)
        if here is None and source is not None:
            mode, promised, token = records.marks_of(source)[self._mark].split(" ")
            _require(vm_uuid, promised == digest)
            self._copied(vm_uuid, spec, source, every, mode, token)
        elif here is None:
            raise incoming.not_come(vm_uuid)
        elif promise := records.marks_of(here).get(self._mark):
            _, promised, token = promise.split(" ")
            _require(vm_uuid, promised == digest)
            self._landing.land(vm_uuid, here, spec, token)
        else:
            _require(vm_uuid, records.marks_of(here).get(translate.DIGEST) == digest)
        if source is not None:
            self._marking.mark(vm_uuid, source, {self._mark: ""})

    def _copied(
        self,
        vm_uuid: UUID,
        spec: VmSpec,
        source: Found,
        others: Sequence[Found],
        mode: str,
        token: str,
    ) -> None:
        """Make the VM whose disks the source has copied, or shares."""
        done = records.marks_of(source).get(translate.COPIED, "")
        if mode != _COLD or done.partition(" ")[0] != token:
            raise incoming.not_come(vm_uuid)
        copies = set(done.split(" ")[2:])
        folder = self._datastore.vm_folder(vm_uuid)
        theirs = records.devices_by_key(source)
        disks = {
            disk.key: self._datastore.path(folder / f"{disk.key}.vmdk")
            if disk.key in copies
            else theirs[disk.key].backing.fileName
            for disk in spec.disks
            if not isinstance(disk.source, Media | Volume)
        }
        # A copy is whole; a clone that is shared needs its image as before.
        clones = {k: image for k, image in records.clones_of(source).items() if k not in copies}
        marks = {translate.CAME: f"{mode} {token}"} | clones_mark(clones)
        self._arriving.make(vm_uuid, spec, disks, others, marks)

    def cancel_incoming(self, vm_uuid: UUID, request: CancelIncomingRequest) -> None:
        """See `IMigrationTarget.cancel_incoming`."""
        every = self._vms.everywhere(vm_uuid, records.PATHS)
        coming = (vm for vm in every if not vm.here and self._mark in records.marks_of(vm))
        # A source that died may have left it on its way.
        if any(self._relocations.stop(vm_uuid, vm) for vm in coming):
            every = self._vms.everywhere(vm_uuid, records.PATHS)
        expected = [vm for vm in every if self._mark in records.marks_of(vm)]
        for vm in every:
            if vm.here:
                came = records.marks_of(vm).get(translate.CAME, "").partition(" ")[0]
                state = translate.power_state(vm.facts)
                stays = state is not PowerState.STOPPED or came != _COLD
                if (came or vm in expected) and stays:
                    raise incoming.has_come(vm_uuid, state)
                if not came:
                    return
        if every:
            self._leaving.leave(vm_uuid)
        for vm in expected:
            with self._volumes.letting_go(records.volumes_of(vm).values()):
                self._marking.mark(vm_uuid, vm, {self._mark: ""})


def _require(vm_uuid: UUID, is_equal: bool) -> None:
    if not is_equal:
        raise incoming.taken(vm_uuid)
