"""Finding VMs: all of the compute node's in one question, or one by its uuid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from nova_virt_interface.errors import NotFound, Resource
from nova_virt_interface.values.vm import VmState, VmStatistics
from pyVmomi import vim, vmodl

from nova_virt_vmware import measures, translate
from nova_virt_vmware.api import Api
from nova_virt_vmware.cache import StateCache
from nova_virt_vmware.node import Node
from nova_virt_vmware.session import Session

__all__ = ["Facts", "Found", "Vms", "vms_of"]

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


_POOL = _query.TraversalSpec(type=vim.VirtualMachine, path="resourcePool", skip=False)
# Each look for a VM of a uuid may find one that is deleted before it is asked.
_LOOKS = 3


class Found(NamedTuple):
    """A VM of some uuid: ours or foreign, on this compute node or on another one of the vCenter,
    with the properties that were asked for.
    """

    vm_id: str
    ours: bool
    here: bool
    node: str
    facts: Facts

    def on(self, api: Api) -> vim.VirtualMachine:
        """The VM, to send requests to."""
        return vim.VirtualMachine(self.vm_id, api.stub)


class Vms:
    """The VMs of one compute node."""

    def __init__(self, session: Session, node: Node, cache: StateCache) -> None:
        self._session = session
        self._node = node
        self._cache = cache
        self._owner = session.settings.owner
        self._known: dict[str, UUID | None] = {}

    def list_vms(self) -> tuple[VmState, ...]:
        """See `IHypervisor.list_vms`."""
        if self._session.settings.list_from_cache:
            told = self._cache.states(self._session.changes)
            if told is not None:
                return told
        return tuple(
            translate.vm_state(facts, vm_uuid)
            for _, vm_uuid, facts in self.census(translate.STATE_PATHS)
            if vm_uuid
        )

    def statistics(self) -> tuple[VmStatistics, ...]:
        """See `IHypervisor.statistics`."""
        return tuple(
            measures.vm_statistics(facts, vm_uuid)
            for _, vm_uuid, facts in self.census(measures.STATISTICS_PATHS)
            if vm_uuid
        )

    def get_vm(self, vm_uuid: UUID) -> VmState:
        """See `IHypervisor.get_vm`."""
        facts = self.ours(vm_uuid, [*translate.STATE_PATHS, "config.extraConfig"]).facts
        return translate.with_devices(translate.vm_state(facts, vm_uuid), facts)

    def census(self, paths: list[str]) -> list[tuple[str, UUID | None, Facts]]:
        """All VMs of the compute node in one question: id, uuid if it is ours, and properties."""

        def question(api: Api) -> list[tuple[Any, Facts]]:
            return api.retrieve([vms_of(self._node.pool(api))], {vim.VirtualMachine: paths})

        found = [
            (vm._moId, translate.owned_uuid(facts, self._owner), facts)
            for vm, facts in self._session.ask("listing the VMs", question)
            # A VM that is being made or deleted has no name or configuration yet, or any more.
            if "config.uuid" in facts
        ]
        self._known.update((vm_id, vm_uuid) for vm_id, vm_uuid, _ in found)
        return found

    def learn(self, vm_id: str, vm_uuid: UUID | None) -> None:
        """Note whose a VM is: it may be deleted before anybody could ask."""
        self._known[vm_id] = vm_uuid

    def forget(self, vm_id: str) -> None:
        """A VM does not exist any more."""
        self._known.pop(vm_id, None)

    def known(self) -> dict[str, UUID | None]:
        """Id → uuid if it is ours, of all VMs that were ever seen and exist as far as is known."""
        return dict(self._known)

    def everywhere(self, vm_uuid: UUID, paths: list[str], *, foreign: bool = False) -> list[Found]:
        """All VMs of this uuid that the vCenter has, those of this compute node first. A VM has two
        while it is copied, or adopted, from one compute node to another.

        Args:
            vm_uuid: the VM.
            paths: properties to be told of each.
            foreign: also those that do not bear our mark, and those whose uuid for the vCenter it
                is.
        """

        def question(api: Api) -> list[tuple[Any, Facts]]:
            for _ in range(_LOOKS):
                named = _named(api, vm_uuid, foreign)
                if not named:
                    break
                try:
                    return _told(api, named, paths)
                except vmodl.fault.ManagedObjectNotFound:
                    # One was deleted between the two questions.
                    continue
            return []

        found = self._all(self._session.ask(f"VM {vm_uuid}", question))
        return sorted((one for one in found if foreign or one.ours), key=lambda one: not one.here)

    def _all(self, answer: list[tuple[Any, Facts]]) -> list[Found]:
        nodes = {entity: facts["owner"]._moId for entity, facts in answer if "owner" in facts}
        return [
            self._found(vm, nodes.get(facts.get("resourcePool"), ""), facts)
            for vm, facts in answer
            # One that is being made or deleted has no configuration.
            if isinstance(vm, vim.VirtualMachine) and "config.uuid" in facts
        ]

    def _found(self, vm: Any, node: str, facts: Facts) -> Found:
        vm_uuid = translate.owned_uuid(facts, self._owner)
        is_here = node == self._node.compute_id
        if is_here:
            self.learn(vm._moId, vm_uuid)
        return Found(vm._moId, vm_uuid is not None, is_here, node, facts)

    def ours(self, vm_uuid: UUID, paths: list[str]) -> Found:
        """The compute node's VM of this uuid that bears our mark; raises NotFound. One question if
        it was seen before, else two.
        """
        found = self._seen(vm_uuid, paths)
        if found is None:
            found = next((one for one in self.everywhere(vm_uuid, paths) if one.here), None)
        if found is None:
            raise NotFound(f"there is no VM {vm_uuid}", resource=Resource.VM, name=str(vm_uuid))
        return found

    def told(self, vm_uuid: UUID) -> Found | None:
        """The compute node's VM of this uuid that bears our mark, with `cache.PATHS` as the server
        told them last: it may be otherwise by now. No question.
        """
        found = self._cache.vm(vm_uuid)
        return Found(found[0], True, True, self._node.compute_id, found[1]) if found else None

    def doubt(self, vm_id: str, *, is_over: bool = False) -> None:
        """Take nothing for granted that was told of a VM which is about to go to another compute
        node, until it is told that it has, or that is over.
        """
        if is_over:
            self._cache.keep(vm_id)
        else:
            self._cache.doubt(vm_id)

    def wait_for_news(self, seconds: float) -> None:
        """Wait until the server tells of a VM, for so long at most."""
        self._cache.wait(seconds)

    def _seen(self, vm_uuid: UUID, paths: list[str]) -> Found | None:
        """The VM where it was seen last, if it is still there."""
        vm_id = next((key for key, known in self.known().items() if known == vm_uuid), None)
        if vm_id is None:
            return None
        found = self._at(vm_id, paths)
        if found is None or not found.here or not found.ours:
            return None
        return found if UUID(found.facts["config.uuid"]) == vm_uuid else None

    def is_elsewhere(self, vm_id: str) -> bool:
        """Whether a VM is another compute node's; not if it is gone."""
        found = self._at(vm_id, [])
        return found is not None and not found.here

    def _at(self, vm_id: str, paths: list[str]) -> Found | None:
        def question(api: Api) -> list[tuple[Any, Facts]]:
            try:
                return _told(api, [vim.VirtualMachine(vm_id, api.stub)], paths)
            except vmodl.fault.ManagedObjectNotFound:
                return []

        answer = self._session.ask(f"VM {vm_id}", question)
        return next(iter(self._all(answer)), None)


def vms_of(pool: vim.ResourcePool) -> Any:
    """What selects all VMs of a resource pool and those in it."""
    return _query.ObjectSpec(obj=pool, skip=True, selectSet=[_POOLS, _VMS])


def _told(api: Api, vms: Sequence[Any], paths: list[str]) -> list[tuple[Any, Facts]]:
    """VMs with these properties, and the pools that they are in."""
    return api.retrieve(
        [_query.ObjectSpec(obj=vm, selectSet=[_POOL]) for vm in vms],
        {
            vim.VirtualMachine: [*paths, *translate.IDENTITY_PATHS, "resourcePool"],
            vim.ResourcePool: ["owner"],
        },
    )


def _named(api: Api, vm_uuid: UUID, foreign: bool) -> list[Any]:
    index = api.content.searchIndex
    found = list(index.FindAllByUuid(None, str(vm_uuid), True, False) or ())
    if foreign:
        by_vcenter = index.FindAllByUuid(None, str(vm_uuid), True, True) or ()
        found += [vm for vm in by_vcenter if vm not in found]
    return found
