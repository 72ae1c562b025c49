"""The node as the placement service knows it."""

from __future__ import annotations

from uuid import uuid4

from nova_virt_interface.errors import InvalidRequest
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.suite._mixins import VirtDriverMixin
from nova_virt_interface.values.providers import Allocation, ProviderTree, ReshapeRequest
from nova_virt_interface.virt_driver.providers import IProviderReshape, IProviderTree

__all__ = ["ProviderSuite"]

_MIB = 1024**2


class ProviderSuite(VirtDriverMixin):
    """`IProviderTree` and `IProviderReshape`."""

    def _tree(self) -> ProviderTree:
        found: ProviderTree = self.requires(IProviderTree).get_provider_tree()
        return found

    @rules("PRV-1")
    def test_the_tree_has_all_that_the_node_has(self) -> None:
        tree = self._tree()
        node = self.virt_driver.get_available_resource()
        totals: dict[str, int] = {}
        for provider in tree.providers:
            for inventory in provider.inventories:
                name = inventory.resource_class
                totals[name] = totals.get(name, 0) + inventory.total
            self.assertEqual(sorted(provider.traits), list(provider.traits))
        self.assertEqual(node.vcpus, totals.get("VCPU", 0) + totals.get("PCPU", 0))
        self.assertEqual(node.memory_bytes // _MIB, totals["MEMORY_MB"])
        self.assertEqual(node.storage_bytes // 1024**3, totals["DISK_GB"])
        self.assertEqual(self.virt_driver.describe().hostname, tree.providers[0].name)

    @rules("PRV-2", "PRV-3")
    def test_it_stays_the_same_at_the_same_cost(self) -> None:
        def cost() -> tuple[int, list[str]]:
            before = self.harness.round_trips()
            names = [provider.name for provider in self._tree().providers]
            return self.harness.round_trips() - before, names

        cost()
        self.assertEqual(cost(), cost())

    @rules("PRV-4")
    def test_a_reshape_keeps_what_everybody_has(self) -> None:
        self.requires(IProviderReshape)
        tree = self._tree()
        names = {provider.name for provider in tree.providers}
        root = tree.providers[0].name
        classes = {i.resource_class for provider in tree.providers for i in provider.inventories}
        before = tuple(
            Allocation(consumer=uuid4(), provider=root, resource_class=name, amount=1)
            for name in sorted(classes)
        )
        request = ReshapeRequest(allocations=before)
        after = self.virt_driver.reshape_allocations(request)
        self.assertEqual(_amounts(before), _amounts(after))
        inventories = {
            (provider.name, inventory.resource_class)
            for provider in tree.providers
            for inventory in provider.inventories
        }
        self.assertLessEqual({(a.provider, a.resource_class) for a in after}, inventories)
        again = self.virt_driver.reshape_allocations(ReshapeRequest(allocations=after))
        self.assertEqual(set(after), set(again))
        lost = Allocation(consumer=uuid4(), provider="never-was", resource_class="VCPU", amount=1)
        self.assertNotIn("never-was", names)
        with self.refused(InvalidRequest):
            self.virt_driver.reshape_allocations(ReshapeRequest(allocations=(lost,)))


def _amounts(allocations: tuple[Allocation, ...]) -> dict[object, int]:
    found: dict[object, int] = {}
    for allocation in allocations:
        key = allocation.consumer, allocation.resource_class
        found[key] = found.get(key, 0) + allocation.amount
    return found
