"""A host as the placement service knows it: providers, inventories and traits.

Traits are those that os-traits knows; what it does not know is no trait.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import os_traits
from nova_virt_interface.hypervisor.topology import IHostTopology
from nova_virt_interface.values.guest_settings import VmFeature
from nova_virt_interface.values.host import HostDescription, HostInventory
from nova_virt_interface.values.providers import Inventory, ProviderTree, ResourceProvider
from nova_virt_interface.values.topology import VirtualGpuType
from nova_virt_interface.virt_driver.diagnostics import IInstanceDeviceMetadata
from nova_virt_interface.virt_driver.interfaces import IInterfaceAttachment
from nova_virt_interface.virt_driver.rescue import IRescue
from nova_virt_interface.virt_driver.resize import IInstanceResize
from nova_virt_interface.virt_driver.volumes import IVolumeAttachment, IVolumeExtension
from zope.interface.interface import InterfaceClass

__all__ = ["Providers"]

_BY_INTERFACE: Final[tuple[tuple[tuple[InterfaceClass, ...], str], ...]] = (
    ((IInterfaceAttachment,), "COMPUTE_NET_ATTACH_INTERFACE"),
    ((IInterfaceAttachment, IInstanceDeviceMetadata), "COMPUTE_NET_ATTACH_INTERFACE_WITH_TAG"),
    ((IVolumeAttachment, IInstanceDeviceMetadata), "COMPUTE_VOLUME_ATTACH_WITH_TAG"),
    ((IInstanceDeviceMetadata,), "COMPUTE_DEVICE_TAGGING"),
    ((IVolumeExtension,), "COMPUTE_VOLUME_EXTEND"),
    ((IInstanceResize,), "COMPUTE_SAME_HOST_COLD_MIGRATE"),
    ((IRescue, IVolumeAttachment), "COMPUTE_RESCUE_BFV"),
)
_BY_FEATURE: Final = {
    VmFeature.SHARED_VOLUMES: "COMPUTE_VOLUME_MULTI_ATTACH",
    VmFeature.SECURE_BOOT: "COMPUTE_SECURITY_UEFI_SECURE_BOOT",
    VmFeature.TPM: "COMPUTE_SECURITY_TPM_2_0",
    VmFeature.SHARES: "COMPUTE_STORAGE_VIRTIO_FS",
    VmFeature.FILE_BACKED_MEMORY: "COMPUTE_MEM_BACKING_FILE",
    VmFeature.DISK_ENCRYPTION: "COMPUTE_EPHEMERAL_ENCRYPTION",
}
# Core verifies signatures itself, whatever the hypervisor.
_ALWAYS: Final = ("COMPUTE_NODE", "COMPUTE_TRUSTED_CERTS")


class Providers:
    """`IProviderTree` of the generic driver."""

    _hypervisor: Any

    def get_provider_tree(self) -> ProviderTree:
        """See `IProviderTree`."""
        host = self._hypervisor.describe()
        topology = (
            self._hypervisor.topology() if IHostTopology.providedBy(self._hypervisor) else None
        )
        traits = {*_ALWAYS, *_by_interface(self), *_by_value(host)}
        if topology is not None:
            traits |= {f"HW_CPU_X86_{name.upper()}" for name in topology.cpu.features}
        node = ResourceProvider(
            name=host.hostname,
            inventories=_inventories(self._hypervisor.inventory()),
            traits=tuple(sorted(traits & set(os_traits.get_traits()))),
        )
        gpus = () if topology is None else topology.virtual_gpu_types
        return ProviderTree(providers=(node, *_gpu_providers(node.name, gpus)))


def _inventories(found: HostInventory) -> tuple[Inventory, ...]:
    return (
        Inventory(resource_class="VCPU", total=found.vcpus),
        Inventory(resource_class="MEMORY_MB", total=found.memory_bytes // 1024**2),
        Inventory(resource_class="DISK_GB", total=found.storage_bytes // 1024**3),
    )


def _gpu_providers(node: str, gpus: Iterable[VirtualGpuType]) -> Iterator[ResourceProvider]:
    """A provider for each GPU: it is cut into parts of one kind, of which it has the most."""
    totals: dict[str, int] = {}
    for gpu in gpus:
        totals[gpu.parent] = max(gpu.total, totals.get(gpu.parent, 0))
    for parent, total in sorted(totals.items()):
        inventory = Inventory(resource_class="VGPU", total=total)
        yield ResourceProvider(name=f"{node}_{parent}", parent=node, inventories=(inventory,))


def _by_interface(driver: object) -> Iterator[str]:
    for interfaces, trait in _BY_INTERFACE:
        if all(interface.providedBy(driver) for interface in interfaces):
            yield trait


def _by_value(host: HostDescription) -> Iterator[str]:
    yield from (trait for feature, trait in _BY_FEATURE.items() if feature in host.features)
    yield from (f"COMPUTE_IMAGE_TYPE_{form.name}" for form in host.image_formats)
    yield from (f"COMPUTE_NET_VIF_MODEL_{model.name}" for model in host.nic_models)
    yield from (f"COMPUTE_STORAGE_BUS_{bus.name}" for bus in host.disk_buses)
