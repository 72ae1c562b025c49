"""VMs that go to another compute node of the vCenter."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.errors import (
    Conflict,
    InvalidState,
    NotFound,
    Resource,
    Unsupported,
)
from nova_virt_interface.states import require_state
from nova_virt_interface.values.host import HostDescription
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

from nova_virt_vmware import records, translate
from nova_virt_vmware.copying import Copying
from nova_virt_vmware.disks import Disks
from nova_virt_vmware.leaving import Leaving
from nova_virt_vmware.marks import KEPT
from nova_virt_vmware.migration_data import pack, unpack
from nova_virt_vmware.node import Node
from nova_virt_vmware.relocations import Relocations
from nova_virt_vmware.vms import Found, Vms

__all__ = ["MigrationSource"]

_MEMORY = "config.hardware.memoryMB"
_NEEDED = {MigrationMode.LIVE: PowerState.RUNNING, MigrationMode.COLD: PowerState.STOPPED}


class MigrationSource:
    """The way out."""

    def __init__(
        self,
        node: Node,
        vms: Vms,
        disks: Disks,
        copying: Copying,
        relocations: Relocations,
        leaving: Leaving,
        host: HostDescription,
    ) -> None:
        self._node = node
        self._vms = vms
        self._disks = disks
        self._copying = copying
        self._relocations = relocations
        self._leaving = leaving
        self._host = host

    def describe_outgoing(self, vm_uuid: UUID) -> OutgoingVm:
        """See `IMigrationSource.describe_outgoing`."""
        found = self._vms.ours(vm_uuid, records.PATHS)
        disks = tuple(
            OutgoingDisk(
                key=key,
                size_bytes=getattr(device, "capacityInBytes", 0),
                storage_id=self._storage_id(device),
                is_volume=key in records.volumes_of(found),
            )
            for key, device in records.devices_by_key(found).items()
        )
        state = translate.power_state(found.facts)
        return OutgoingVm(vm_uuid=vm_uuid, power_state=state, disks=disks, data=pack(self._node))

    def _storage_id(self, device: Any) -> str | None:
        datastore = getattr(device.backing, "datastore", None)
        return f"{self._node.vcenter_id}:{datastore._moId}" if datastore else None

    def check_outgoing(self, vm_uuid: UUID, request: CheckOutgoingRequest) -> MigrationPlan:
        """See `IMigrationSource.check_outgoing`."""
        offer, mode = request.offer, request.mode
        offers.check_offered(mode, self._host.migration_modes, "mode")
        facts = unpack(offer.data, self._node)
        found = self._vms.ours(vm_uuid, [*records.PATHS, _MEMORY])
        require_state(vm_uuid, translate.power_state(found.facts), _NEEDED[mode])
        if any(mark.startswith(KEPT) for mark in records.marks_of(found)):
            raise Unsupported(
                f"a resize of VM {vm_uuid} is pending", remedy="confirm or revert it first"
            )
        disks = records.devices_by_key(found)
        expected = sum(disks[key].capacityInBytes for key in offer.copied_disks)
        if mode is MigrationMode.LIVE:
            expected += found.facts[_MEMORY] * translate.MIB
            copied = {disks[key].key for key in offer.copied_disks}
            self._relocations.check(vm_uuid, found, facts, copied)
        return MigrationPlan(
            mode=mode,
            copied_disks=offer.copied_disks,
            data=offer.data,
            expected_bytes=expected,
        )

    def migrate_vm(self, vm_uuid: UUID, request: MigrateVmRequest) -> None:
        """See `IMigrationSource.migrate_vm`."""
        ticket = request.ticket
        facts = unpack(ticket.data, self._node)
        if facts.get("vm") != str(vm_uuid):
            raise _not_good(vm_uuid, "it is of another VM")
        every = self._vms.everywhere(vm_uuid, records.PATHS)
        if not every:
            raise NotFound(f"there is no VM {vm_uuid}", resource=Resource.VM, name=str(vm_uuid))
        here = next((found for found in every if found.here), None)
        if here is not None:
            require_state(vm_uuid, translate.power_state(here.facts), _NEEDED[ticket.plan.mode])
        if facts["token"] not in _promised(every, facts["node"]):
            raise _not_good(vm_uuid, "it was cancelled")
        if here is None:
            return
        keys = ticket.plan.copied_disks
        if ticket.plan.mode is MigrationMode.LIVE:
            for key in keys:
                # The image that a linked clone depends on stays where it is.
                self._disks.unlink(vm_uuid, key, here, records.devices_by_key(here)[key])
            self._relocations.move(vm_uuid, here, facts, keys, ticket.plan.expected_bytes)
        elif self._copying.token_of(here) != facts["token"]:
            self._copying.copy(vm_uuid, here, facts, keys)

    def finish_outgoing(self, vm_uuid: UUID, request: FinishOutgoingRequest) -> None:
        """See `IMigrationSource.finish_outgoing`."""
        every = self._vms.everywhere(vm_uuid, records.PATHS)
        for found in every:
            if found.here and not self._has_copy(found, every):
                raise InvalidState(
                    f"VM {vm_uuid} has not gone",
                    remedy="migrate it first",
                    state=translate.power_state(found.facts).value,
                )
        if every:
            self._leaving.leave(vm_uuid)

    def _has_copy(self, found: Found, every: list[Found]) -> bool:
        """Whether the VM is, as it is, another compute node's as well."""
        is_stopped = translate.power_state(found.facts) is PowerState.STOPPED
        finished = {records.marks_of(other).get(translate.CAME) for other in every}
        token = self._copying.token_of(found)
        return (
            is_stopped
            and f"{MigrationMode.COLD.value} {token}" in finished
            and not self._copying.was_started_since(found)
        )


def _promised(every: list[Found], node: str) -> set[str]:
    """The tokens of what a compute node expects, or has got."""
    promises = (
        records.marks_of(found).get(mark, "")
        for found in every
        for mark in (f"{translate.INCOMING}{node}", translate.CAME)
    )
    return {promise.rpartition(" ")[2] for promise in promises if promise}


def _not_good(vm_uuid: UUID, why: str) -> Conflict:
    return Conflict(
        f"the ticket is not good for VM {vm_uuid}: {why}",
        remedy="let the destination prepare for it again",
        resource=Resource.VM,
        name=str(vm_uuid),
    )
