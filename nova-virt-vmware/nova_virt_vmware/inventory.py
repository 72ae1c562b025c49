"""What the compute node is, what it takes, and what it has."""

from __future__ import annotations

from typing import Any

from nova_virt_interface.values.console import ConsoleKind
from nova_virt_interface.values.disks import DiskBus, MediaFormat
from nova_virt_interface.values.guest_settings import Firmware, VmFeature
from nova_virt_interface.values.host import HostDescription, HostInventory, HostPowerAction
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.migration import MigrationMode
from nova_virt_interface.values.nics import NicBackingKind, NicModel
from nova_virt_interface.values.volumes import VolumeProtocol
from pyVmomi import vim, vmodl

from nova_virt_vmware.api import Api
from nova_virt_vmware.iscsi import find_adapters
from nova_virt_vmware.keys import has_key_provider
from nova_virt_vmware.node import Node
from nova_virt_vmware.session import Session

__all__ = ["Inventory", "describe"]

MIB = 1024 * 1024
_ACTIONS = (HostPowerAction.REBOOT, HostPowerAction.SHUT_DOWN)
_query = vmodl.query.PropertyCollector
_HOST_PATHS = [
    "hardware.memorySize",
    "hardware.cpuInfo.numCpuThreads",
    "summary.quickStats.overallMemoryUsage",
    "runtime.connectionState",
]


def describe(api: Api, node: Node) -> HostDescription:
    """Say what the compute node takes."""
    about = api.content.about
    return HostDescription(
        hypervisor_type=about.name,
        hypervisor_version=about.version,
        hostname=f"{node.name}.{about.instanceUuid}" if about.instanceUuid else node.name,
        cpu_architecture="x86_64",
        image_formats=(DiskFormat.VMDK, DiskFormat.RAW) if node.takes_extents else (),
        disk_formats=(DiskFormat.VMDK,),
        disk_buses=(
            DiskBus.PARAVIRTUAL_SCSI,
            DiskBus.SCSI,
            DiskBus.SATA,
            DiskBus.NVME,
            DiskBus.IDE,
        ),
        media_formats=(MediaFormat.ISO9660,),
        nic_backings=(NicBackingKind.NETWORK,),
        nic_models=(NicModel.VMXNET3, NicModel.E1000E, NicModel.E1000),
        firmware=(Firmware.BIOS, Firmware.UEFI),
        features=(
            VmFeature.GUEST_UUID,
            VmFeature.CPU_TOPOLOGY,
            VmFeature.LOCKED_MEMORY,
            VmFeature.SECURE_BOOT,
            VmFeature.SHARED_VOLUMES,
            VmFeature.READ_ONLY_VOLUMES,
            VmFeature.ONLINE_DISK_RESIZE,
            *((VmFeature.TPM,) if has_key_provider(api) else ()),
            *((VmFeature.IMPORTED_DISKS,) if node.takes_extents else ()),
        ),
        volume_protocols=(
            VolumeProtocol.FILE,
            VolumeProtocol.NFS,
            *((VolumeProtocol.HYPERVISOR,) if node.vcenter_id else ()),
            *((VolumeProtocol.ISCSI,) if find_adapters(api, node) else ()),
        ),
        export_formats=_export_formats(api, node),
        console_kinds=(ConsoleKind.MKS,),
        migration_modes=tuple(MigrationMode) if node.vcenter_id else (),
        host_power_actions=_ACTIONS if node.is_one_host else (),
        disk_step_bytes=1024,
        memory_step_bytes=MIB,
    )


def _export_formats(api: Api, node: Node) -> tuple[DiskFormat, ...]:
    if not node.takes_extents:
        return ()
    # The way of packed disks is to the hosts themselves, which must be reached.
    return (DiskFormat.RAW, DiskFormat.VMDK) if api.settings.packed_images else (DiskFormat.RAW,)


class Inventory:
    """What the compute node has."""

    def __init__(self, session: Session, node: Node) -> None:
        self._session = session
        self._node = node

    def inventory(self) -> HostInventory:
        """See `IHypervisor.inventory`. A host that vCenter cannot reach does not count."""
        found = self._session.ask("the inventory", self._question)
        hosts = [
            facts
            for managed, facts in found
            if isinstance(managed, vim.HostSystem)
            and str(facts.get("runtime.connectionState")) == "connected"
        ]
        store = next(facts for managed, facts in found if isinstance(managed, vim.Datastore))
        memory = sum(facts["hardware.memorySize"] for facts in hosts)
        used = sum(facts["summary.quickStats.overallMemoryUsage"] for facts in hosts) * MIB
        return HostInventory(
            vcpus=sum(facts["hardware.cpuInfo.numCpuThreads"] for facts in hosts),
            memory_bytes=memory,
            memory_free_bytes=max(0, memory - used),
            storage_bytes=store["summary.capacity"],
            storage_free_bytes=store["summary.freeSpace"],
            storage_id=self._node.storage_id,
        )

    def _question(self, api: Api) -> list[tuple[Any, dict[str, Any]]]:
        hosts = _query.TraversalSpec(type=vim.ComputeResource, path="host", skip=False)
        objects = [
            _query.ObjectSpec(obj=self._node.compute(api), skip=True, selectSet=[hosts]),
            _query.ObjectSpec(obj=self._node.datastore_object(api)),
        ]
        return api.retrieve(
            objects,
            {vim.HostSystem: _HOST_PATHS, vim.Datastore: ["summary.capacity", "summary.freeSpace"]},
        )
