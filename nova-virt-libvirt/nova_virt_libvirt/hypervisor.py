"""What core meets: the factory behind the entry point, and the connection that it makes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nova_virt_interface.factory import IHypervisorFactory
from nova_virt_interface.hypervisor.lifecycle import IHypervisor
from nova_virt_interface.services import IServices
from nova_virt_interface.values.disks import AttachDiskRequest, DetachDiskRequest, ResizeDiskRequest
from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.export import ExportDiskRequest, ExportedDisk
from nova_virt_interface.values.host import HostDescription, HostInventory
from nova_virt_interface.values.images import CachedImage, CacheImageRequest, DeleteImageRequest
from nova_virt_interface.values.migration import (
    AbortMigrationRequest,
    CancelIncomingRequest,
    CheckIncomingRequest,
    CheckOutgoingRequest,
    FinishIncomingRequest,
    FinishOutgoingRequest,
    ForceCompleteRequest,
    IncomingOffer,
    MigrateVmRequest,
    MigrationPlan,
    MigrationStatus,
    MigrationTicket,
    OutgoingVm,
    PrepareIncomingRequest,
)
from nova_virt_interface.values.nics import AttachNicRequest, DetachNicRequest
from nova_virt_interface.values.power import RebootRequest, StartRequest, StopRequest
from nova_virt_interface.values.recovery import AdoptVmRequest, ReleaseVmRequest
from nova_virt_interface.values.resize import (
    ConfirmResizeRequest,
    ResizeVmRequest,
    RevertResizeRequest,
)
from nova_virt_interface.values.topology import HostTopology
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec, VmState, VmStatistics
from nova_virt_interface.values.volumes import (
    CreateVolumeSnapshotRequest,
    DeleteVolumeSnapshotRequest,
    ReplaceVolumeRequest,
    VolumeConnector,
)
from oslo_config import cfg
from zope.interface import alsoProvides, implementer

from nova_virt_libvirt.capabilities import Capabilities, examine
from nova_virt_libvirt.census import Census
from nova_virt_libvirt.conf import Settings, settings_from
from nova_virt_libvirt.console import Console
from nova_virt_libvirt.disks import Disks
from nova_virt_libvirt.domains import Domains
from nova_virt_libvirt.events import Events
from nova_virt_libvirt.export import Export
from nova_virt_libvirt.images import Images
from nova_virt_libvirt.inventory import Inventory
from nova_virt_libvirt.lifecycle import Lifecycle
from nova_virt_libvirt.migration_control import MigrationControl
from nova_virt_libvirt.migration_source import MigrationSource
from nova_virt_libvirt.migration_target import MigrationTarget
from nova_virt_libvirt.nics import Nics
from nova_virt_libvirt.power import Power
from nova_virt_libvirt.power_part import PowerPart
from nova_virt_libvirt.recovery import Recovery
from nova_virt_libvirt.resize import Resize
from nova_virt_libvirt.session import Session
from nova_virt_libvirt.storage import Storage
from nova_virt_libvirt.topology import Topology
from nova_virt_libvirt.volumes import Volumes

__all__ = ["LibvirtFactory", "LibvirtHypervisor"]


@implementer(IHypervisor)
class LibvirtHypervisor(PowerPart):
    """A connection to one libvirtd, or to libvirt's test driver.

    It declares what it provides and delegates; the optional interfaces are added to the instance
    while connecting.
    """

    def __init__(
        self,
        session: Session,
        host: Capabilities,
        census: Census,
        domains: Domains,
        events: Events,
        settings: Settings,
        services: IServices,
    ) -> None:
        self._session = session
        self._host = host
        self._events = events
        self._storage = Storage(settings, records_consoles=host.is_emulator)
        self._images = Images(session, self._storage, host, settings, services)
        self._disks = Disks(session, self._storage, self._images, domains, host)
        self._nics = Nics(session, domains, host)
        common = (session, self._storage, self._disks, self._nics, domains, census, host, settings)
        self._lifecycle = Lifecycle(*common)
        self._power = Power(session, domains, census)
        self._control = MigrationControl(session, self._storage, domains)
        self._source = MigrationSource(session, self._storage, domains, host)
        self._target = MigrationTarget(*common)
        self._recovery = Recovery(*common)
        self._resize = Resize(*common)
        self._inventory = Inventory(session, self._storage, domains, census, host)
        self._console = Console(session, self._storage, domains)
        self._topology = Topology(session)
        self._volumes = Volumes(session, self._storage, domains, host)
        self._export = Export(session, self._storage, domains, host, services)
        self._make_power_part(session, domains, census, host)
        session.whenever_open(self._storage.activate)
        alsoProvides(self, *host.provides)

    def describe(self) -> HostDescription:
        """See `IHypervisor.describe`."""
        self._session.require_open()
        return self._host.description

    def inventory(self) -> HostInventory:
        """See `IHypervisor.inventory`."""
        return self._inventory.inventory()

    def list_vms(self) -> tuple[VmState, ...]:
        """See `IHypervisor.list_vms`."""
        return self._inventory.list_vms()

    def get_vm(self, vm_uuid: UUID) -> VmState:
        """See `IHypervisor.get_vm`."""
        return self._inventory.get_vm(vm_uuid)

    def statistics(self) -> tuple[VmStatistics, ...]:
        """See `IHypervisor.statistics`."""
        return self._inventory.statistics()

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

    def topology(self) -> HostTopology:
        """See `IHostTopology.topology`."""
        return self._topology.topology()

    def resize_disk(self, vm_uuid: UUID, request: ResizeDiskRequest) -> None:
        """See `IDiskResize.resize_disk`."""
        self._volumes.resize_disk(vm_uuid, request)

    def export_disk(self, vm_uuid: UUID, request: ExportDiskRequest) -> ExportedDisk:
        """See `IDiskExport.export_disk`."""
        return self._export.export_disk(vm_uuid, request)

    def volume_connector(self) -> VolumeConnector:
        """See `IVolumeConnector.volume_connector`."""
        return self._volumes.volume_connector()

    def replace_volume(self, vm_uuid: UUID, request: ReplaceVolumeRequest) -> None:
        """See `IVolumeReplacement.replace_volume`."""
        self._volumes.replace_volume(vm_uuid, request)

    def create_volume_snapshot(self, vm_uuid: UUID, request: CreateVolumeSnapshotRequest) -> None:
        """See `IVolumeSnapshots.create_volume_snapshot`."""
        self._volumes.create_volume_snapshot(vm_uuid, request)

    def delete_volume_snapshot(self, vm_uuid: UUID, request: DeleteVolumeSnapshotRequest) -> None:
        """See `IVolumeSnapshots.delete_volume_snapshot`."""
        self._volumes.delete_volume_snapshot(vm_uuid, request)

    def resize_vm(self, vm_uuid: UUID, request: ResizeVmRequest) -> None:
        """See `IResize.resize_vm`."""
        self._resize.resize_vm(vm_uuid, request)

    def confirm_resize(self, vm_uuid: UUID, request: ConfirmResizeRequest) -> None:
        """See `IResize.confirm_resize`."""
        self._resize.confirm_resize(vm_uuid, request)

    def revert_resize(self, vm_uuid: UUID, request: RevertResizeRequest) -> None:
        """See `IResize.revert_resize`."""
        self._resize.revert_resize(vm_uuid, request)

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
        return self._control.migration_status(vm_uuid)

    def abort_migration(self, vm_uuid: UUID, request: AbortMigrationRequest) -> None:
        """See `IMigrationControl.abort_migration`."""
        self._control.abort_migration(vm_uuid, request)

    def force_complete_migration(self, vm_uuid: UUID, request: ForceCompleteRequest) -> None:
        """See `IForceMigration.force_complete_migration`."""
        self._control.force_complete_migration(vm_uuid, request)

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
class LibvirtFactory:
    """See `IHypervisorFactory`."""

    def settings_from(self, conf: cfg.ConfigOpts, group: str) -> Settings:
        """See `IHypervisorFactory.settings_from`."""
        return settings_from(conf, group)

    def connect(self, settings: Settings, services: IServices) -> LibvirtHypervisor:
        """See `IHypervisorFactory.connect`."""
        domains = Domains(settings.owner)
        census = Census(domains)
        events = Events(services.events, census, settings)
        session = Session(settings, lambda: events.note(EventKind.HOST_UNREACHABLE))
        session.open()
        try:
            with session.use(about=f"what {settings.uri} can do") as connection:
                host = examine(connection, settings)
            session.whenever_open(events.subscribe)
            session.whenever_open(census.take)
            session.whenever_open(lambda connection: _compare(connection, settings, host, events))
            hypervisor = LibvirtHypervisor(
                session, host, census, domains, events, settings, services
            )
        except BaseException:
            session.close()
            raise
        events.start(session)
        return hypervisor


def _compare(connection: Any, settings: Settings, host: Capabilities, events: Events) -> None:
    """After a break the host may be another one: then core has to begin anew."""
    if examine(connection, settings) != host:
        events.note(EventKind.RECONNECT)
