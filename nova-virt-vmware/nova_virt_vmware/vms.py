"""Finding VMs: all of the compute node's in one question, or one by its uuid."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from nova_virt_interface.errors import NotFound, Resource
from nova_virt_interface.values.vm import VmState, VmStatistics
from pyVmomi import vim, vmodl

from nova_virt_vmware import translate
from nova_virt_vmware.api import Api
from nova_virt_vmware.node import Node
from nova_virt_vmware.session import Session

__all__ = ["Facts", "Found", "Vms"]

Facts = dict[str, Any]
_query = vmodl.query.PropertyCollector
# From a resource pool to its VMs, and on to the pools in it.
_VMS = _query.TraversalSpec(name="vms", type=vim.ResourcePool, path="vm", skip=False)
_POOLS = _query.TraversalSpec(
    name="pools",
    type=vim.ResourcePool,
    path="resourcePool",
    skip=False,
    selectSet=[_query.SelectionSpec(name="pools"), _query.SelectionSpec(name="vms")],
)


class Found(NamedTuple):
    """A VM of some uuid: ours or foreign, with the properties that were asked for."""

    vm_id: str
    ours: bool
    facts: Facts

    def on(self, api: Api) -> vim.VirtualMachine:
        """The VM, to send requests to."""
        return vim.VirtualMachine(self.vm_id, api.stub)


class Vms:
    """The VMs of one compute node."""

    def __init__(self, session: Session, node: Node) -> None:
        self._session = session
        self._node = node
        self._owner = session.settings.owner
        self._known: dict[str, UUID | None] = {}

    def list_vms(self) -> tuple[VmState, ...]:
        """See `IHypervisor.list_vms`."""
        return tuple(
            translate.vm_state(facts, vm_uuid)
            for _, vm_uuid, facts in self.census(translate.STATE_PATHS)
            if vm_uuid
        )

    def statistics(self) -> tuple[VmStatistics, ...]:
        """See `IHypervisor.statistics`."""
        return tuple(
            translate.vm_statistics(facts, vm_uuid)
            for _, vm_uuid, facts in self.census(translate.STATISTICS_PATHS)
            if vm_uuid
        )

    def get_vm(self, vm_uuid: UUID) -> VmState:
        """See `IHypervisor.get_vm`."""
        facts = self.ours(vm_uuid, [*translate.STATE_PATHS, "config.extraConfig"]).facts
        return translate.with_devices(translate.vm_state(facts, vm_uuid), facts)

    def census(self, paths: list[str]) -> list[tuple[str, UUID | None, Facts]]:
        """All VMs of the compute node in one question: id, uuid if it is ours, and properties."""

        def question(api: Api) -> list[tuple[Any, Facts]]:
            pool = self._node.pool(api)
            start = _query.ObjectSpec(obj=pool, skip=True, selectSet=[_POOLS, _VMS])
            return api.retrieve([start], {vim.VirtualMachine: paths})

        found = [
            (vm._moId, translate.owned_uuid(facts, self._owner), facts)
            for vm, facts in self._session.ask("listing the VMs", question)
            # A VM that is being made or deleted has no name or configuration yet, or any more.
            if "config.instanceUuid" in facts
        ]
        self._known.update((vm_id, vm_uuid) for vm_id, vm_uuid, _ in found)
        return found

    def learn(self, vm_id: str, vm_uuid: UUID) -> None:
        """Note that a VM is ours: it may be deleted before anybody could ask."""
        self._known[vm_id] = vm_uuid

    def forget(self, vm_id: str) -> None:
        """A VM does not exist any more."""
        self._known.pop(vm_id, None)

    def known(self) -> dict[str, UUID | None]:
        """Id → uuid if it is ours, of all VMs that were ever seen and exist as far as is known."""
        return dict(self._known)

    def find(self, vm_uuid: UUID, paths: list[str]) -> Found | None:
        """The VM of this uuid, ours or foreign; None if there is none."""

        def question(api: Api) -> list[tuple[Any, Facts]]:
            index = api.content.searchIndex
            named = index.FindAllByUuid(self._node.datacenter(api), str(vm_uuid), True, True)
            if not named:
                return []
            try:
                objects = [_query.ObjectSpec(obj=vm) for vm in named]
                return api.retrieve(objects, {vim.VirtualMachine: [*paths, "config.instanceUuid"]})
            except vmodl.fault.ManagedObjectNotFound:
                # It was deleted between the two questions.
                return []

        found = [
            Found(vm._moId, translate.owned_uuid(facts, self._owner) is not None, facts)
            for vm, facts in self._session.ask(f"VM {vm_uuid}", question)
        ]
        # vCenter keeps this uuid unique; should a foreign VM have it as well, ours goes first.
        return max(found, key=lambda entry: entry.ours, default=None)

    def ours(self, vm_uuid: UUID, paths: list[str]) -> Found:
        """The VM of this uuid that bears our mark; raises NotFound."""
        found = self.find(vm_uuid, [*paths, translate.mark_path(translate.OWNER)])
        if found is None or not found.ours:
            raise NotFound(f"there is no VM {vm_uuid}", resource=Resource.VM, name=str(vm_uuid))
        return found
