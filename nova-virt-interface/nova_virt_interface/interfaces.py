"""All interfaces of the contract by level; each level's first is the mandatory one."""

from __future__ import annotations

from nova_virt_interface.hypervisor.console import IConsole, IConsoleLog
from nova_virt_interface.hypervisor.diagnostics import IDeviceMetadata, IVmDiagnostics
from nova_virt_interface.hypervisor.disks import IDiskHotplug, IDiskResize
from nova_virt_interface.hypervisor.export import IDiskExport
from nova_virt_interface.hypervisor.guest import IGuestPassword, IGuestQuiesce, IGuestTime
from nova_virt_interface.hypervisor.host import IHostMaintenance, IHostPower, IHostStatus
from nova_virt_interface.hypervisor.images import IImageCache
from nova_virt_interface.hypervisor.lifecycle import IHypervisor
from nova_virt_interface.hypervisor.migration import (
    IForceMigration,
    IMigrationControl,
    IMigrationSource,
    IMigrationTarget,
)
from nova_virt_interface.hypervisor.nics import INicHotplug
from nova_virt_interface.hypervisor.power import ICrashDump, IPause, ISuspend
from nova_virt_interface.hypervisor.recovery import IRecovery
from nova_virt_interface.hypervisor.resize import IResize
from nova_virt_interface.hypervisor.shares import IShareMounts
from nova_virt_interface.hypervisor.topology import IHostTopology
from nova_virt_interface.hypervisor.volumes import (
    IVolumeConnector,
    IVolumeReplacement,
    IVolumeSnapshots,
)
from nova_virt_interface.virt_driver.console import IConsoleOutput, IInstanceConsole
from nova_virt_interface.virt_driver.diagnostics import (
    IInstanceDeviceMetadata,
    IInstanceDiagnostics,
)
from nova_virt_interface.virt_driver.guest import IAdminPassword, IInstanceQuiesce, IInstanceTime
from nova_virt_interface.virt_driver.images import IImageCaching
from nova_virt_interface.virt_driver.interfaces import IInterfaceAttachment
from nova_virt_interface.virt_driver.lifecycle import IVirtDriver
from nova_virt_interface.virt_driver.migration import (
    IInstanceForceMigration,
    IInstanceMigrationControl,
    IInstanceMigrationSource,
    IInstanceMigrationTarget,
)
from nova_virt_interface.virt_driver.power import (
    IInstanceCrashDump,
    IInstancePause,
    IInstanceSuspend,
)
from nova_virt_interface.virt_driver.providers import IProviderReshape, IProviderTree
from nova_virt_interface.virt_driver.recovery import IInstanceRecovery
from nova_virt_interface.virt_driver.rescue import IRescue
from nova_virt_interface.virt_driver.resize import IInstanceResize
from nova_virt_interface.virt_driver.snapshots import IInstanceSnapshot
from nova_virt_interface.virt_driver.volumes import (
    IAssistedVolumeSnapshots,
    IVolumeAttachment,
    IVolumeExtension,
    IVolumeSwap,
)

__all__ = ["HYPERVISOR_INTERFACES", "SHARED_INTERFACES", "VIRT_DRIVER_INTERFACES"]

SHARED_INTERFACES = (
    IHostMaintenance,
    IHostPower,
    IHostStatus,
    IShareMounts,
    IVolumeConnector,
)
"""They have no word of VMs or instances, and serve both levels as they are."""
HYPERVISOR_INTERFACES = (
    IHypervisor,
    IConsole,
    IConsoleLog,
    ICrashDump,
    IDeviceMetadata,
    IDiskExport,
    IDiskHotplug,
    IDiskResize,
    IForceMigration,
    IGuestPassword,
    IGuestQuiesce,
    IGuestTime,
    IHostMaintenance,
    IHostPower,
    IHostStatus,
    IHostTopology,
    IImageCache,
    IMigrationControl,
    IMigrationSource,
    IMigrationTarget,
    INicHotplug,
    IPause,
    IRecovery,
    IResize,
    IShareMounts,
    ISuspend,
    IVmDiagnostics,
    IVolumeConnector,
    IVolumeReplacement,
    IVolumeSnapshots,
)
VIRT_DRIVER_INTERFACES = (
    IVirtDriver,
    IAdminPassword,
    IAssistedVolumeSnapshots,
    IConsoleOutput,
    IImageCaching,
    IInstanceConsole,
    IInstanceCrashDump,
    IInstanceDeviceMetadata,
    IInstanceDiagnostics,
    IInstanceForceMigration,
    IInstanceMigrationControl,
    IInstanceMigrationSource,
    IInstanceMigrationTarget,
    IInstancePause,
    IInstanceQuiesce,
    IInstanceRecovery,
    IInstanceResize,
    IInstanceSnapshot,
    IInstanceSuspend,
    IInstanceTime,
    IInterfaceAttachment,
    IProviderReshape,
    IProviderTree,
    IRescue,
    IVolumeAttachment,
    IVolumeExtension,
    IVolumeSwap,
    *SHARED_INTERFACES,
)
