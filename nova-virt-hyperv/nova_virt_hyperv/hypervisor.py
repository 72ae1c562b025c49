"""What core meets: the factory behind the entry point, and the connection that it makes."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.factory import IHypervisorFactory
from nova_virt_interface.hypervisor.console import IConsole
from nova_virt_interface.hypervisor.diagnostics import IDeviceMetadata, IVmDiagnostics
from nova_virt_interface.hypervisor.disks import IDiskHotplug, IDiskResize
from nova_virt_interface.hypervisor.export import IDiskExport
from nova_virt_interface.hypervisor.host import IHostMaintenance, IHostPower, IHostStatus
from nova_virt_interface.hypervisor.images import IImageCache
from nova_virt_interface.hypervisor.lifecycle import IHypervisor
from nova_virt_interface.hypervisor.migration import (
    IMigrationControl,
    IMigrationSource,
    IMigrationTarget,
)
from nova_virt_interface.hypervisor.nics import INicHotplug
from nova_virt_interface.hypervisor.power import ICrashDump, IPause, ISuspend
from nova_virt_interface.hypervisor.recovery import IRecovery
from nova_virt_interface.hypervisor.resize import IResize
from nova_virt_interface.hypervisor.topology import IHostTopology
from nova_virt_interface.hypervisor.volumes import IVolumeConnector
from nova_virt_interface.services import IServices
from nova_virt_interface.values.console import Console, OpenConsoleRequest
from nova_virt_interface.values.devices import DeviceMetadata
from nova_virt_interface.values.disks import AttachDiskRequest, DetachDiskRequest, ResizeDiskRequest
from nova_virt_interface.values.export import ExportDiskRequest, ExportedDisk
from nova_virt_interface.values.host import (
    EnterMaintenanceRequest,
    HostDescription,
    HostInventory,
    HostPowerRequest,
    HostStatus,
    LeaveMaintenanceRequest,
    MaintenanceState,
)
from nova_virt_interface.values.images import CachedImage, CacheImageRequest, DeleteImageRequest
from nova_virt_interface.values.migration import (
    AbortMigrationRequest,
    CancelIncomingRequest,
    CheckIncomingRequest,
    CheckOutgoingRequest,
    FinishIncomingRequest,
    FinishOutgoingRequest,
    IncomingOffer,
    MigrateVmRequest,
    MigrationPlan,
    MigrationStatus,
    MigrationTicket,
    OutgoingVm,
    PrepareIncomingRequest,
)
from nova_virt_interface.values.nics import AttachNicRequest, DetachNicRequest
from nova_virt_interface.values.power import (
    CrashDumpRequest,
    PauseRequest,
    RebootRequest,
    StartRequest,
    StopRequest,
    SuspendRequest,
)
from nova_virt_interface.values.recovery import AdoptVmRequest, ReleaseVmRequest
from nova_virt_interface.values.resize import (
    ConfirmResizeRequest,
    ResizeVmRequest,
    RevertResizeRequest,
)
from nova_virt_interface.values.topology import HostTopology
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec, VmState, VmStatistics
from nova_virt_interface.values.volumes import VolumeConnector
from oslo_config import cfg
from zope.interface import alsoProvides, implementer

from nova_virt_hyperv.conf import Settings, settings_from
from nova_virt_hyperv.files import Files
from nova_virt_hyperv.parts import Parts
from nova_virt_hyperv.session import Session

__all__ = ["HyperVFactory", "HyperVHypervisor"]

_ALWAYS = (
    IPause,
    ISuspend,
    ICrashDump,
    IDiskHotplug,
    INicHotplug,
    IImageCache,
    IVmDiagnostics,
    IDeviceMetadata,
    IHostStatus,
    IHostPower,
    IHostMaintenance,
    IHostTopology,
    IDiskResize,
    IDiskExport,
    IResize,
    IVolumeConnector,
)


@implementer(IHypervisor)
class HyperVHypervisor:
    """A connection to one Hyper-V host.

    It declares what it provides and delegates; the optional interfaces are added to the instance
    while connecting.
    """

    def __init__(
        self, session: Session, files: Files, settings: Settings, services: IServices
    ) -> None:
        self._parts = parts = Parts(session, files, settings, services)
        alsoProvides(self, *_ALWAYS)
        if parts.offers_consoles:
            alsoProvides(self, IConsole)
        if parts.offers_migration:
            alsoProvides(self, IMigrationSource, IMigrationTarget, IMigrationControl)
        if parts.offers_recovery:
            alsoProvides(self, IRecovery)

    def describe(self) -> HostDescription:
        """See `IHypervisor.describe`."""
        self._parts.session.require_open()
        return self._parts.description

    def inventory(self) -> HostInventory:
        """See `IHypervisor.inventory`."""
        return self._parts.inventory.inventory()

    def list_vms(self) -> tuple[VmState, ...]:
        """See `IHypervisor.list_vms`."""
        return self._parts.inventory.list_vms()

    def get_vm(self, vm_uuid: UUID) -> VmState:
        """See `IHypervisor.get_vm`."""
        return self._parts.inventory.get_vm(vm_uuid)

    def statistics(self) -> tuple[VmStatistics, ...]:
        """See `IHypervisor.statistics`."""
        return self._parts.inventory.statistics()

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        """See `IHypervisor.create_vm`."""
        self._parts.lifecycle.create_vm(vm_uuid, spec)

    def start_vm(self, vm_uuid: UUID, request: StartRequest) -> None:
        """See `IHypervisor.start_vm`."""
        self._parts.power.start_vm(vm_uuid, request)

    def stop_vm(self, vm_uuid: UUID, request: StopRequest) -> None:
        """See `IHypervisor.stop_vm`."""
        self._parts.power.stop_vm(vm_uuid, request)

    def reboot_vm(self, vm_uuid: UUID, request: RebootRequest) -> None:
        """See `IHypervisor.reboot_vm`."""
        self._parts.power.reboot_vm(vm_uuid, request)

    def delete_vm(self, vm_uuid: UUID, request: DeleteVmRequest) -> None:
        """See `IHypervisor.delete_vm`."""
        self._parts.lifecycle.delete_vm(vm_uuid, request)

    def close(self) -> None:
        """See `IHypervisor.close`."""
        self._parts.close()

    def pause_vm(self, vm_uuid: UUID, request: PauseRequest) -> None:
        """See `IPause.pause_vm`."""
        self._parts.power.pause_vm(vm_uuid, request)

    def suspend_vm(self, vm_uuid: UUID, request: SuspendRequest) -> None:
        """See `ISuspend.suspend_vm`."""
        self._parts.power.suspend_vm(vm_uuid, request)

    def trigger_crash_dump(self, vm_uuid: UUID, request: CrashDumpRequest) -> None:
        """See `ICrashDump.trigger_crash_dump`."""
        self._parts.power.trigger_crash_dump(vm_uuid, request)

    def attach_disk(self, vm_uuid: UUID, request: AttachDiskRequest) -> None:
        """See `IDiskHotplug.attach_disk`."""
        self._parts.disks.attach_disk(vm_uuid, request)

    def detach_disk(self, vm_uuid: UUID, request: DetachDiskRequest) -> None:
        """See `IDiskHotplug.detach_disk`."""
        self._parts.disks.detach_disk(vm_uuid, request)

    def attach_nic(self, vm_uuid: UUID, request: AttachNicRequest) -> None:
        """See `INicHotplug.attach_nic`."""
        self._parts.nics.attach_nic(vm_uuid, request)

    def detach_nic(self, vm_uuid: UUID, request: DetachNicRequest) -> None:
        """See `INicHotplug.detach_nic`."""
        self._parts.nics.detach_nic(vm_uuid, request)

    def cache_image(self, request: CacheImageRequest) -> CachedImage:
        """See `IImageCache.cache_image`."""
        return self._parts.images.cache_image(request)

    def list_cached_images(self) -> tuple[CachedImage, ...]:
        """See `IImageCache.list_cached_images`."""
        return self._parts.images.list_cached_images()

    def delete_cached_image(self, request: DeleteImageRequest) -> None:
        """See `IImageCache.delete_cached_image`."""
        self._parts.images.delete_cached_image(request)

    def open_console(self, vm_uuid: UUID, request: OpenConsoleRequest) -> Console:
        """See `IConsole.open_console`."""
        return self._parts.consoles.open_console(vm_uuid, request)

    def vm_statistics(self, vm_uuid: UUID) -> VmStatistics:
        """See `IVmDiagnostics.vm_statistics`."""
        return self._parts.diagnostics.vm_statistics(vm_uuid)

    def device_metadata(self, vm_uuid: UUID) -> tuple[DeviceMetadata, ...]:
        """See `IDeviceMetadata.device_metadata`."""
        return self._parts.diagnostics.device_metadata(vm_uuid)

    def host_status(self) -> HostStatus:
        """See `IHostStatus.host_status`."""
        return self._parts.host_control.host_status()

    def host_power(self, request: HostPowerRequest) -> None:
        """See `IHostPower.host_power`."""
        self._parts.host_control.host_power(request)

    def maintenance(self) -> MaintenanceState:
        """See `IHostMaintenance.maintenance`."""
        return self._parts.maintenance.maintenance()

    def enter_maintenance(self, request: EnterMaintenanceRequest) -> None:
        """See `IHostMaintenance.enter_maintenance`."""
        self._parts.maintenance.enter_maintenance(request)

    def leave_maintenance(self, request: LeaveMaintenanceRequest) -> None:
        """See `IHostMaintenance.leave_maintenance`."""
        self._parts.maintenance.leave_maintenance(request)

    def topology(self) -> HostTopology:
        """See `IHostTopology.topology`."""
        return self._parts.topology.topology()

    def resize_disk(self, vm_uuid: UUID, request: ResizeDiskRequest) -> None:
        """See `IDiskResize.resize_disk`."""
        self._parts.disks.resize_disk(vm_uuid, request)

    def export_disk(self, vm_uuid: UUID, request: ExportDiskRequest) -> ExportedDisk:
        """See `IDiskExport.export_disk`."""
        return self._parts.export.export_disk(vm_uuid, request)

    def resize_vm(self, vm_uuid: UUID, request: ResizeVmRequest) -> None:
        """See `IResize.resize_vm`."""
        self._parts.resize.resize_vm(vm_uuid, request)

    def confirm_resize(self, vm_uuid: UUID, request: ConfirmResizeRequest) -> None:
        """See `IResize.confirm_resize`."""
        self._parts.resize.confirm_resize(vm_uuid, request)

    def revert_resize(self, vm_uuid: UUID, request: RevertResizeRequest) -> None:
        """See `IResize.revert_resize`."""
        self._parts.resize.revert_resize(vm_uuid, request)

    def describe_outgoing(self, vm_uuid: UUID) -> OutgoingVm:
        """See `IMigrationSource.describe_outgoing`."""
        return self._parts.outgoing.describe_outgoing(vm_uuid)

    def check_outgoing(self, vm_uuid: UUID, request: CheckOutgoingRequest) -> MigrationPlan:
        """See `IMigrationSource.check_outgoing`."""
        return self._parts.outgoing.check_outgoing(vm_uuid, request)

    def migrate_vm(self, vm_uuid: UUID, request: MigrateVmRequest) -> None:
        """See `IMigrationSource.migrate_vm`."""
        self._parts.outgoing.migrate_vm(vm_uuid, request)

    def finish_outgoing(self, vm_uuid: UUID, request: FinishOutgoingRequest) -> None:
        """See `IMigrationSource.finish_outgoing`."""
        self._parts.outgoing.finish_outgoing(vm_uuid, request)

    def check_incoming(self, vm_uuid: UUID, request: CheckIncomingRequest) -> IncomingOffer:
        """See `IMigrationTarget.check_incoming`."""
        return self._parts.incoming.check_incoming(vm_uuid, request)

    def prepare_incoming(self, vm_uuid: UUID, request: PrepareIncomingRequest) -> MigrationTicket:
        """See `IMigrationTarget.prepare_incoming`."""
        return self._parts.incoming.prepare_incoming(vm_uuid, request)

    def finish_incoming(self, vm_uuid: UUID, request: FinishIncomingRequest) -> None:
        """See `IMigrationTarget.finish_incoming`."""
        self._parts.incoming.finish_incoming(vm_uuid, request)

    def cancel_incoming(self, vm_uuid: UUID, request: CancelIncomingRequest) -> None:
        """See `IMigrationTarget.cancel_incoming`."""
        self._parts.incoming.cancel_incoming(vm_uuid, request)

    def migration_status(self, vm_uuid: UUID) -> MigrationStatus:
        """See `IMigrationControl.migration_status`."""
        return self._parts.outgoing.migration_status(vm_uuid)

    def abort_migration(self, vm_uuid: UUID, request: AbortMigrationRequest) -> None:
        """See `IMigrationControl.abort_migration`."""
        self._parts.outgoing.abort_migration(vm_uuid, request)

    def find_disks(self, vm_uuid: UUID) -> tuple[str, ...]:
        """See `IRecovery.find_disks`."""
        return self._parts.recovery.find_disks(vm_uuid)

    def adopt_vm(self, vm_uuid: UUID, request: AdoptVmRequest) -> None:
        """See `IRecovery.adopt_vm`."""
        self._parts.recovery.adopt_vm(vm_uuid, request)

    def release_vm(self, vm_uuid: UUID, request: ReleaseVmRequest) -> None:
        """See `IRecovery.release_vm`."""
        self._parts.recovery.release_vm(vm_uuid, request)

    def volume_connector(self) -> VolumeConnector:
        """See `IVolumeConnector.volume_connector`."""
        return self._parts.volumes.volume_connector()


@implementer(IHypervisorFactory)
class HyperVFactory:
    """See `IHypervisorFactory`."""

    def settings_from(self, conf: cfg.ConfigOpts, group: str) -> Settings:
        """See `IHypervisorFactory.settings_from`."""
        return settings_from(conf, group)

    def connect(self, settings: Settings, services: IServices) -> HyperVHypervisor:
        """See `IHypervisorFactory.connect`."""
        session, files = Session(settings), Files(settings)
        try:
            return HyperVHypervisor(session, files, settings, services)
        except BaseException:
            session.close()
            files.close()
            raise
