"""What core meets: the factory behind the entry point, and the connection that it makes."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.factory import IHypervisorFactory
from nova_virt_interface.hypervisor.console import IConsole, IConsoleLog
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
from nova_virt_interface.hypervisor.power import ICrashDump, ISuspend
from nova_virt_interface.hypervisor.recovery import IRecovery
from nova_virt_interface.hypervisor.resize import IResize
from nova_virt_interface.hypervisor.topology import IHostTopology
from nova_virt_interface.hypervisor.volumes import IVolumeConnector
from nova_virt_interface.services import IServices
from nova_virt_interface.values.console import Console as OpenedConsole
from nova_virt_interface.values.console import OpenConsoleRequest
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

from nova_virt_vmware.arriving import Arriving
from nova_virt_vmware.cache import StateCache
from nova_virt_vmware.conf import Settings, settings_from
from nova_virt_vmware.console import Console
from nova_virt_vmware.copying import Copying
from nova_virt_vmware.datastore import Datastore
from nova_virt_vmware.diagnostics import Diagnostics
from nova_virt_vmware.disks import Disks
from nova_virt_vmware.drives import Drives
from nova_virt_vmware.events import Events
from nova_virt_vmware.export import Export
from nova_virt_vmware.host import Host
from nova_virt_vmware.hosts import Hosts
from nova_virt_vmware.images import Images
from nova_virt_vmware.inventory import Inventory, describe
from nova_virt_vmware.iscsi import Iscsi
from nova_virt_vmware.landing import Landing
from nova_virt_vmware.leaving import Leaving
from nova_virt_vmware.lifecycle import Lifecycle
from nova_virt_vmware.maintenance import Maintenance
from nova_virt_vmware.marking import Marking
from nova_virt_vmware.migration_source import MigrationSource
from nova_virt_vmware.migration_target import MigrationTarget
from nova_virt_vmware.networks import Networks
from nova_virt_vmware.nfs import Nfs
from nova_virt_vmware.nics import Nics
from nova_virt_vmware.node import Node, find_node
from nova_virt_vmware.power import Power
from nova_virt_vmware.recovery import Recovery
from nova_virt_vmware.relocations import Relocations
from nova_virt_vmware.resize import Resize
from nova_virt_vmware.session import Session
from nova_virt_vmware.stores import Stores
from nova_virt_vmware.topology import Topology
from nova_virt_vmware.vms import Vms
from nova_virt_vmware.volumes import Volumes

__all__ = ["VmwareFactory", "VmwareHypervisor"]


_ALWAYS = (
    IConsole,
    IConsoleLog,
    ICrashDump,
    IDeviceMetadata,
    IDiskHotplug,
    IDiskResize,
    IHostMaintenance,
    IHostStatus,
    INicHotplug,
    IResize,
    ISuspend,
    IVmDiagnostics,
    IVolumeConnector,
)

_IN_A_VCENTER = (IMigrationControl, IMigrationSource, IMigrationTarget, IRecovery)


@implementer(IHypervisor)
class VmwareHypervisor:
    """A connection to one cluster of a vCenter, or to one host.

    It declares what it provides and delegates; the optional interfaces are added to the instance
    while connecting.
    """

    def __init__(
        self, session: Session, node: Node, host: HostDescription, services: IServices
    ) -> None:
        self._session = session
        self._host = host
        datastore = Datastore(session, node)
        networks = Networks(session, node)
        cache = StateCache(session.settings.owner)
        self._vms = Vms(session, node, cache)
        self._events = Events(session, node, self._vms, cache, services.events)
        self._inventory = Inventory(session, node)
        self._images = Images(session, node, datastore, host, services)
        hosts = Hosts(session, node)
        stores = Stores(session, node)
        self._volumes = Volumes(
            hosts,
            stores,
            Nfs(session, hosts, stores),
            Iscsi(session, node, datastore),
            self._vms,
            host,
        )
        self._disks = Disks(session, node, datastore, self._images, self._vms, host, self._volumes)
        self._nics = Nics(session, networks, self._vms, host)
        self._hosts = Host(session, hosts, host)
        self._topology = Topology(hosts)
        self._maintenance = Maintenance(session, hosts)
        self._diagnostics = Diagnostics(self._vms)
        self._power = Power(session, self._vms, self._maintenance, self._volumes)
        leaving = Leaving(session, datastore, self._vms, self._power, self._volumes)
        self._lifecycle = Lifecycle(
            session, node, datastore, self._disks, networks, self._vms, leaving, host
        )
        marking = Marking(session)
        arriving = Arriving(datastore, networks, self._volumes, leaving, self._lifecycle)
        self._relocations = Relocations(session, self._vms, Drives(self._vms, marking))
        self._source = MigrationSource(
            node,
            self._vms,
            Copying(session, node, datastore, marking),
            self._relocations,
            leaving,
            host,
        )
        self._target = MigrationTarget(
            node,
            datastore,
            networks,
            hosts,
            self._inventory,
            self._vms,
            marking,
            self._volumes,
            arriving,
            Landing(datastore, marking),
            self._relocations,
            leaving,
            host,
        )
        self._recovery = Recovery(node, datastore, self._vms, arriving, leaving, host)
        self._export = Export(session, datastore, self._disks, self._vms, host, services)
        self._resize = Resize(session, datastore, self._disks, networks, self._vms, host)
        self._console = Console(session, datastore, self._vms, host)
        alsoProvides(self, *_ALWAYS)
        if node.takes_extents:
            alsoProvides(self, IDiskExport, IImageCache)
        if node.vcenter_id:
            alsoProvides(self, *_IN_A_VCENTER)
        if node.is_one_host:
            alsoProvides(self, IHostPower, IHostTopology)

    def open(self) -> None:
        """Begin to report events."""
        self._events.start()

    def describe(self) -> HostDescription:
        """See `IHypervisor.describe`."""
        self._session.require_open()
        return self._host

    def inventory(self) -> HostInventory:
        """See `IHypervisor.inventory`."""
        return self._inventory.inventory()

    def list_vms(self) -> tuple[VmState, ...]:
        """See `IHypervisor.list_vms`."""
        return self._vms.list_vms()

    def get_vm(self, vm_uuid: UUID) -> VmState:
        """See `IHypervisor.get_vm`."""
        return self._vms.get_vm(vm_uuid)

    def statistics(self) -> tuple[VmStatistics, ...]:
        """See `IHypervisor.statistics`."""
        return self._vms.statistics()

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
        self._disks.attach_disk(vm_uuid, request)

    def detach_disk(self, vm_uuid: UUID, request: DetachDiskRequest) -> None:
        """See `IDiskHotplug.detach_disk`."""
        self._disks.detach_disk(vm_uuid, request)

    def resize_disk(self, vm_uuid: UUID, request: ResizeDiskRequest) -> None:
        """See `IDiskResize.resize_disk`."""
        self._disks.resize_disk(vm_uuid, request)

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

    def console_log(self, vm_uuid: UUID, limit_bytes: int) -> bytes:
        """See `IConsoleLog.console_log`."""
        return self._console.console_log(vm_uuid, limit_bytes)

    def export_disk(self, vm_uuid: UUID, request: ExportDiskRequest) -> ExportedDisk:
        """See `IDiskExport.export_disk`."""
        return self._export.export_disk(vm_uuid, request)

    def resize_vm(self, vm_uuid: UUID, request: ResizeVmRequest) -> None:
        """See `IResize.resize_vm`."""
        self._resize.resize_vm(vm_uuid, request)

    def confirm_resize(self, vm_uuid: UUID, request: ConfirmResizeRequest) -> None:
        """See `IResize.confirm_resize`."""
        self._resize.confirm_resize(vm_uuid, request)

    def revert_resize(self, vm_uuid: UUID, request: RevertResizeRequest) -> None:
        """See `IResize.revert_resize`."""
        self._resize.revert_resize(vm_uuid, request)

    def open_console(self, vm_uuid: UUID, request: OpenConsoleRequest) -> OpenedConsole:
        """See `IConsole.open_console`."""
        return self._console.open_console(vm_uuid, request)

    def suspend_vm(self, vm_uuid: UUID, request: SuspendRequest) -> None:
        """See `ISuspend.suspend_vm`."""
        self._power.suspend_vm(vm_uuid, request)

    def trigger_crash_dump(self, vm_uuid: UUID, request: CrashDumpRequest) -> None:
        """See `ICrashDump.trigger_crash_dump`."""
        self._power.trigger_crash_dump(vm_uuid, request)

    def vm_statistics(self, vm_uuid: UUID) -> VmStatistics:
        """See `IVmDiagnostics.vm_statistics`."""
        return self._diagnostics.vm_statistics(vm_uuid)

    def device_metadata(self, vm_uuid: UUID) -> tuple[DeviceMetadata, ...]:
        """See `IDeviceMetadata.device_metadata`."""
        return self._diagnostics.device_metadata(vm_uuid)

    def host_status(self) -> HostStatus:
        """See `IHostStatus.host_status`."""
        return self._hosts.host_status()

    def host_power(self, request: HostPowerRequest) -> None:
        """See `IHostPower.host_power`."""
        self._hosts.host_power(request)

    def maintenance(self) -> MaintenanceState:
        """See `IHostMaintenance.maintenance`."""
        return self._maintenance.maintenance()

    def enter_maintenance(self, request: EnterMaintenanceRequest) -> None:
        """See `IHostMaintenance.enter_maintenance`."""
        self._maintenance.enter_maintenance(request)

    def leave_maintenance(self, request: LeaveMaintenanceRequest) -> None:
        """See `IHostMaintenance.leave_maintenance`."""
        self._maintenance.leave_maintenance(request)

    def topology(self) -> HostTopology:
        """See `IHostTopology.topology`."""
        return self._topology.topology()

    def volume_connector(self) -> VolumeConnector:
        """See `IVolumeConnector.volume_connector`."""
        return self._volumes.volume_connector()

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
        return self._relocations.migration_status(vm_uuid)

    def abort_migration(self, vm_uuid: UUID, request: AbortMigrationRequest) -> None:
        """See `IMigrationControl.abort_migration`."""
        self._relocations.abort_migration(vm_uuid, request)

    def find_disks(self, vm_uuid: UUID) -> tuple[str, ...]:
        """See `IRecovery.find_disks`."""
        return self._recovery.find_disks(vm_uuid)

    def adopt_vm(self, vm_uuid: UUID, request: AdoptVmRequest) -> None:
        """See `IRecovery.adopt_vm`."""
        self._recovery.adopt_vm(vm_uuid, request)

    def release_vm(self, vm_uuid: UUID, request: ReleaseVmRequest) -> None:
        """See `IRecovery.release_vm`."""
        self._recovery.release_vm(vm_uuid, request)

    def close(self) -> None:
        """See `IHypervisor.close`."""
        self._events.stop()
        self._session.close()


@implementer(IHypervisorFactory)
class VmwareFactory:
    """See `IHypervisorFactory`."""

    def settings_from(self, conf: cfg.ConfigOpts, group: str) -> Settings:
        """See `IHypervisorFactory.settings_from`."""
        return settings_from(conf, group)

    def connect(self, settings: Settings, services: IServices) -> VmwareHypervisor:
        """See `IHypervisorFactory.connect`."""
        session = Session(settings)
        try:
            node = session.ask("finding the compute node", lambda api: find_node(api, settings))
            host = session.ask("describing the host", lambda api: describe(api, node))
            hypervisor = VmwareHypervisor(session, node, host, services)
        except BaseException:
            session.close()
            raise
        try:
            hypervisor.open()
        except BaseException:
            hypervisor.close()
            raise
        return hypervisor
