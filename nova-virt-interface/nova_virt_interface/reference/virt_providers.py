"""The reference driver's providers: the node, and its GPU as a part of it.

An older version of it told the GPU's parts as the node's own, which is what a reshape is for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nova_virt_interface.errors import InvalidRequest
from nova_virt_interface.values.providers import (
    Allocation,
    Inventory,
    ProviderTree,
    ReshapeRequest,
    ResourceProvider,
)

if TYPE_CHECKING:
    from nova_virt_interface.reference.hypervisor import ReferenceHypervisor

__all__ = ["ProvidersPart"]

_GPU_CLASS = "VGPU"


class ProvidersPart:
    """`IProviderTree` and `IProviderReshape` of the reference driver."""

    _vms: ReferenceHypervisor

    def get_provider_tree(self) -> ProviderTree:
        """See `IProviderTree`."""
        found, topology = self._vms.inventory(), self._vms.topology()
        node = ResourceProvider(
            name=self._vms.describe().hostname,
            inventories=(
                Inventory(resource_class="VCPU", total=found.vcpus),
                Inventory(resource_class="MEMORY_MB", total=found.memory_bytes // 1024**2),
                Inventory(resource_class="DISK_GB", total=found.storage_bytes // 1024**3),
            ),
            traits=("COMPUTE_NODE",),
        )
        gpus = (
            ResourceProvider(
                name=f"{node.name}_{gpu.parent}",
                parent=node.name,
                inventories=(Inventory(resource_class=_GPU_CLASS, total=gpu.total),),
            )
            for gpu in topology.virtual_gpu_types
        )
        return ProviderTree(providers=(node, *gpus))

    def reshape_allocations(self, request: ReshapeRequest) -> tuple[Allocation, ...]:
        """See `IProviderReshape`."""
        tree = self.get_provider_tree().providers
        node, gpu = tree[0].name, tree[-1].name
        unknown = {found.provider for found in request.allocations} - {node, gpu}
        if unknown:
            raise InvalidRequest(
                f"no provider was ever named {', '.join(sorted(unknown))}",
                remedy="ask about allocations of this node alone",
                field="allocations",
            )
        return tuple(
            replace(found, provider=gpu) if found.resource_class == _GPU_CLASS else found
            for found in request.allocations
        )
