"""What core meets: the factory behind the entry point, and the connection that it makes."""

from __future__ import annotations

from typing import Final
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
from nova_virt_interface.hypervisor.power import IPause, ISuspend
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

from nova_virt_xenapi.arrivals import Arrivals
from nova_virt_xenapi.cache import Cache
from nova_virt_xenapi.conf import Settings, settings_from
from nova_virt_xenapi.console import Consoles
from nova_virt_xenapi.diagnostics import Diagnostics
from nova_virt_xenapi.disk_content import DiskContent
from nova_virt_xenapi.disk_hotplug import DiskHotplug
from nova_virt_xenapi.disks import Disks
from nova_virt_xenapi.events import Events
from nova_virt_xenapi.export import Exports
from nova_virt_xenapi.host import Host
from nova_virt_xenapi.images import Images
from nova_virt_xenapi.inventory import Inventory
from nova_virt_xenapi.lifecycle import Lifecycle
from nova_virt_xenapi.metrics import Metrics
from nova_virt_xenapi.migration_source import MigrationSource
from nova_virt_xenapi.migration_target import MigrationTarget
from nova_virt_xenapi.nics import Nics
from nova_virt_xenapi.pool import Pool, examine
from nova_virt_xenapi.power import Power
from nova_virt_xenapi.records import Records
from nova_virt_xenapi.recovery import Recovery
from nova_virt_xenapi.resize import Resizes
from nova_virt_xenapi.session import Session
from nova_virt_xenapi.tasks import Tasks
from nova_virt_xenapi.uploads import Uploads
from nova_virt_xenapi.volumes import Volumes

__all__ = ["XenApiFactory", "XenApiHypervisor"]


_PROVIDED: Final = (
    IConsole,
    IDeviceMetadata,
    IDiskExport,
    IDiskHotplug,
    IDiskResize,
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
    ISuspend,
    IVmDiagnostics,
    IVolumeConnector,
)


@implementer(IHypervisor)
class XenApiHypervisor:
    """A connection to one host of a pool.

    It declares what it provides and delegates; the optional interfaces are added to the instance.
    """

    def __init__(
        self,
        session: Session,
        cache: Cache,
        events: Events,
        records: Records,
        pool: Pool,
        settings: Settings,
        services: IServices,
    ) -> None:
        self._session = session
        self._events = events
        self._pool = pool
        tasks = self._tasks = Tasks(session, cache)
        uploads = Uploads(session, tasks, pool)
        self._images = Images(session, cache, uploads, tasks, pool, settings, services)
        self._volumes = Volumes(session, cache, pool, settings)
        content = DiskContent(session, cache, uploads, self._images, pool, services)
        self._disks = Disks(
            session, cache, tasks, self._images, content, pool, settings, self._volumes
        )
        self._hotplug = DiskHotplug(
            session, cache, tasks, records, self._disks, pool, self._volumes
        )
        self._exports = Exports(session, cache, records, self._disks, pool, services)
        self._nics = Nics(session, cache, tasks, records, pool)
        self._power = Power(session, cache, tasks, records, pool)
        self._inventory = Inventory(session, cache, records, pool)
        arrivals = Arrivals(session, cache, records, self._disks, pool, settings)
        self._lifecycle = Lifecycle(
            session,
            records,
            self._power,
            self._disks,
            self._nics,
            pool,
            self._volumes,
            arrivals,
        )
        self._source = MigrationSource(
            session, cache, tasks, records, self._lifecycle, self._disks, pool
        )
        places = (session, records, self._lifecycle, self._disks, self._nics, pool)
        self._resizes = Resizes(*places)
        self._target = MigrationTarget(*places, arrivals)
        self._recovery = Recovery(cache, *places)
        metrics = Metrics(session, pool)
        self._diagnostics = Diagnostics(session, cache, records, metrics)
        self._consoles = Consoles(session, cache, records, pool, settings)
        self._host = Host(session, cache, tasks, records, metrics, pool)
        alsoProvides(self, *_PROVIDED)

    def describe(self) -> HostDescription:
        """See `IHypervisor.describe`."""
        self._session.require_open()
        return self._pool.description

    def inventory(self) -> HostInventory:
        """See `IHypervisor.inventory`."""
        return self._inventory.inventory()

    def list_vms(self) -> tuple[VmState, ...]:
        """See `IHypervisor.list_vms`."""
        # Whoever looks here after an outage sees nothing that it has left.
        self._tasks.tidy()
        return self._inventory.list_vms()

    def get_vm(self, vm_uuid: UUID) -> VmState:
        """See `IHypervisor.get_vm`."""
        return self._inventory.get_vm(vm_uuid)

    def statistics(self) -> tuple[VmStatistics, ...]:
        """See `IHypervisor.statistics`."""
        return self._diagnostics.statistics()

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        """See `IHypervisor.create_vm`."""
        self._lifecycle.create_vm(vm_uuid, spec)

    def start_vm(self, vm_uuid: UUID, request: StartRequest) -> None:
        """See `IHypervisor.start_vm`."""
        self._power.start_vm(vm_uuid, request)

    def stop_vm(self, vm_uuid: UUID, request: StopRequest) -> None:
        """See `IHypervisor.stop_vm`."""
        self._power.stop_vm(vm_uuid, request)

    def reboot_vm(self, vm_uuid: UUID, request: RebootRequest) -> None:
        """See `IHypervisor.reboot_vm`."""
        self._power.reboot_vm(vm_uuid, request)

    def delete_vm(self, vm_uuid: UUID, request: DeleteVmRequest) -> None:
        """See `IHypervisor.delete_vm`."""
        self._lifecycle.delete_vm(vm_uuid, request)

    def attach_disk(self, vm_uuid: UUID, request: AttachDiskRequest) -> None:
        """See `IDiskHotplug.attach_disk`."""
        self._hotplug.attach_disk(vm_uuid, request)

    def detach_disk(self, vm_uuid: UUID, request: DetachDiskRequest) -> None:
        """See `IDiskHotplug.detach_disk`."""
        self._hotplug.detach_disk(vm_uuid, request)

    def attach_nic(self, vm_uuid: UUID, request: AttachNicRequest) -> None:
        """See `INicHotplug.attach_nic`."""
        self._nics.attach_nic(vm_uuid, request)

    def detach_nic(self, vm_uuid: UUID, request: DetachNicRequest) -> None:
        """See `INicHotplug.detach_nic`."""
        self._nics.detach_nic(vm_uuid, request)

    def cache_image(self, request: CacheImageRequest) -> CachedImage:
        """See `IImageCache.cache_image`."""
        return self._images.cache_image(request)

    def list_cached_images(self) -> tuple[CachedImage, ...]:
        """See `IImageCache.list_cached_images`."""
        return self._images.list_cached_images()

    def delete_cached_image(self, request: DeleteImageRequest) -> None:
        """See `IImageCache.delete_cached_image`."""
        self._images.delete_cached_image(request)

    def pause_vm(self, vm_uuid: UUID, request: PauseRequest) -> None:
        """See `IPause.pause_vm`."""
        self._power.pause_vm(vm_uuid, request)

    def suspend_vm(self, vm_uuid: UUID, request: SuspendRequest) -> None:
        """See `ISuspend.suspend_vm`."""
        self._power.suspend_vm(vm_uuid, request)

    def vm_statistics(self, vm_uuid: UUID) -> VmStatistics:
        """See `IVmDiagnostics.vm_statistics`."""
        return self._diagnostics.vm_statistics(vm_uuid)

    def device_metadata(self, vm_uuid: UUID) -> tuple[DeviceMetadata, ...]:
        """See `IDeviceMetadata.device_metadata`."""
        return self._diagnostics.device_metadata(vm_uuid)

    def open_console(self, vm_uuid: UUID, request: OpenConsoleRequest) -> Console:
        """See `IConsole.open_console`."""
        return self._consoles.open_console(vm_uuid, request)

    def host_status(self) -> HostStatus:
        """See `IHostStatus.host_status`."""
        return self._host.host_status()

    def host_power(self, request: HostPowerRequest) -> None:
        """See `IHostPower.host_power`."""
        self._host.host_power(request)

    def maintenance(self) -> MaintenanceState:
        """See `IHostMaintenance.maintenance`."""
        return self._host.maintenance()

    def enter_maintenance(self, request: EnterMaintenanceRequest) -> None:
        """See `IHostMaintenance.enter_maintenance`."""
        self._host.enter_maintenance(request)

    def leave_maintenance(self, request: LeaveMaintenanceRequest) -> None:
        """See `IHostMaintenance.leave_maintenance`."""
        self._host.leave_maintenance(request)

    def topology(self) -> HostTopology:
        """See `IHostTopology.topology`."""
        return self._host.topology()

    def resize_disk(self, vm_uuid: UUID, request: ResizeDiskRequest) -> None:
        """See `IDiskResize.resize_disk`."""
        self._hotplug.resize_disk(vm_uuid, request)

    def export_disk(self, vm_uuid: UUID, request: ExportDiskRequest) -> ExportedDisk:
        """See `IDiskExport.export_disk`."""
        return self._exports.export_disk(vm_uuid, request)

    def resize_vm(self, vm_uuid: UUID, request: ResizeVmRequest) -> None:
        """See `IResize.resize_vm`."""
        self._resizes.resize_vm(vm_uuid, request)

    def confirm_resize(self, vm_uuid: UUID, request: ConfirmResizeRequest) -> None:
        """See `IResize.confirm_resize`."""
        self._resizes.confirm_resize(vm_uuid, request)

    def revert_resize(self, vm_uuid: UUID, request: RevertResizeRequest) -> None:
        """See `IResize.revert_resize`."""
        self._resizes.revert_resize(vm_uuid, request)

    def describe_outgoing(self, vm_uuid: UUID) -> OutgoingVm:
        """See `IMigrationSource.describe_outgoing`."""
        return self._source.describe_outgoing(vm_uuid)

    def check_outgoing(self, vm_uuid: UUID, request: CheckOutgoingRequest) -> MigrationPlan:
        """See `IMigrationSource.check_outgoing`."""
        return self._source.check_outgoing(vm_uuid, request)

    def migrate_vm(self, vm_uuid: UUID, request: MigrateVmRequest) -> None:
        """See `IMigrationSource.migrate_vm`."""
        self._source.migrate_vm(vm_uuid, request)

    def finish_outgoing(self, vm_uuid: UUID, request: FinishOutgoingRequest) -> None:
        """See `IMigrationSource.finish_outgoing`."""
        self._source.finish_outgoing(vm_uuid, request)

    def check_incoming(self, vm_uuid: UUID, request: CheckIncomingRequest) -> IncomingOffer:
        """See `IMigrationTarget.check_incoming`."""
        return self._target.check_incoming(vm_uuid, request)

    def prepare_incoming(self, vm_uuid: UUID, request: PrepareIncomingRequest) -> MigrationTicket:
        """See `IMigrationTarget.prepare_incoming`."""
        return self._target.prepare_incoming(vm_uuid, request)

    def finish_incoming(self, vm_uuid: UUID, request: FinishIncomingRequest) -> None:
        """See `IMigrationTarget.finish_incoming`."""
        self._target.finish_incoming(vm_uuid, request)

    def cancel_incoming(self, vm_uuid: UUID, request: CancelIncomingRequest) -> None:
        """See `IMigrationTarget.cancel_incoming`."""
        self._target.cancel_incoming(vm_uuid, request)

    def migration_status(self, vm_uuid: UUID) -> MigrationStatus:
        """See `IMigrationControl.migration_status`."""
        return self._source.migration_status(vm_uuid)

    def abort_migration(self, vm_uuid: UUID, request: AbortMigrationRequest) -> None:
        """See `IMigrationControl.abort_migration`."""
        self._source.abort_migration(vm_uuid, request)

    def find_disks(self, vm_uuid: UUID) -> tuple[str, ...]:
        """See `IRecovery.find_disks`."""
        return self._recovery.find_disks(vm_uuid)

    def adopt_vm(self, vm_uuid: UUID, request: AdoptVmRequest) -> None:
        """See `IRecovery.adopt_vm`."""
        self._recovery.adopt_vm(vm_uuid, request)

    def release_vm(self, vm_uuid: UUID, request: ReleaseVmRequest) -> None:
        """See `IRecovery.release_vm`."""
        self._recovery.release_vm(vm_uuid, request)

    def volume_connector(self) -> VolumeConnector:
        """See `IVolumeConnector.volume_connector`."""
        return self._volumes.volume_connector()

    def close(self) -> None:
        """See `IHypervisor.close`."""
        self._events.stop()
        self._tasks.tidy()
        self._consoles.close()
        self._session.close()
        self._events.join()


@implementer(IHypervisorFactory)
class XenApiFactory:
    """See `IHypervisorFactory`."""

    def settings_from(self, conf: cfg.ConfigOpts, group: str) -> Settings:
        """See `IHypervisorFactory.settings_from`."""
        return settings_from(conf, group)

    def connect(self, settings: Settings, services: IServices) -> XenApiHypervisor:
        """See `IHypervisorFactory.connect`."""
        session = Session(settings)
        try:
            cache = Cache(session)
            cache.listen(0.0)
            pool = examine(cache, settings)
        except BaseException:
            session.close()
            raise
        records = Records(session, cache, settings.owner, pool.host_uuid, pool.host)
        events = Events(
            cache, settings, services.events, records, lambda: examine(cache, settings) != pool
        )
        events.start()
        return XenApiHypervisor(session, cache, events, records, pool, settings, services)
