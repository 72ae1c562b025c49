"""What core meets: the factory behind the entry point, and the connection that it makes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nova_virt_interface.factory import IHypervisorFactory
from nova_virt_interface.hypervisor.console import IConsole, IConsoleLog
from nova_virt_interface.hypervisor.diagnostics import IDeviceMetadata, IVmDiagnostics
from nova_virt_interface.hypervisor.disks import IDiskHotplug, IDiskResize
from nova_virt_interface.hypervisor.export import IDiskExport
from nova_virt_interface.hypervisor.guest import IGuestPassword, IGuestQuiesce, IGuestTime
from nova_virt_interface.hypervisor.host import IHostStatus
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
from nova_virt_interface.hypervisor.topology import IHostTopology
from nova_virt_interface.hypervisor.volumes import (
    IVolumeConnector,
    IVolumeReplacement,
    IVolumeSnapshots,
)
from nova_virt_interface.parts import provide
from nova_virt_interface.services import IServices
from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.host import HostDescription, HostInventory
from nova_virt_interface.values.power import RebootRequest, StartRequest, StopRequest
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec, VmState, VmStatistics
from oslo_config import cfg
from zope.interface import implementer
from zope.interface.interface import InterfaceClass

from nova_virt_libvirt.capabilities import Capabilities, examine
from nova_virt_libvirt.census import Census
from nova_virt_libvirt.conf import Settings, settings_from
from nova_virt_libvirt.console import Console
from nova_virt_libvirt.diagnostics import Diagnostics
from nova_virt_libvirt.disks import Disks
from nova_virt_libvirt.domains import Domains
from nova_virt_libvirt.events import Events
from nova_virt_libvirt.export import Export
from nova_virt_libvirt.guest_agent import GuestAgent
from nova_virt_libvirt.host_status import HostMeasures
from nova_virt_libvirt.images import Images
from nova_virt_libvirt.inventory import Inventory
from nova_virt_libvirt.lifecycle import Lifecycle
from nova_virt_libvirt.migration_control import MigrationControl
from nova_virt_libvirt.migration_source import MigrationSource
from nova_virt_libvirt.migration_target import MigrationTarget
from nova_virt_libvirt.nics import Nics
from nova_virt_libvirt.pausing import Pausing
from nova_virt_libvirt.power import Power
from nova_virt_libvirt.recovery import Recovery
from nova_virt_libvirt.resize import Resize
from nova_virt_libvirt.screens import Screens
from nova_virt_libvirt.session import Session
from nova_virt_libvirt.storage import Storage
from nova_virt_libvirt.topology import Topology
from nova_virt_libvirt.volume_snapshots import VolumeSnapshots
from nova_virt_libvirt.volumes import Volumes

__all__ = ["LibvirtFactory", "LibvirtHypervisor"]


@implementer(IHypervisor)
class LibvirtHypervisor:
    """A connection to one libvirtd, or to libvirt's test driver.

    It declares what it provides and delegates; the optional interfaces are added to the instance
    while connecting, each with the methods of the part that has them.
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
        storage = Storage(settings, records_consoles=host.is_emulator)
        images = Images(session, storage, host, settings, services)
        disks = Disks(session, storage, images, domains, host)
        nics = Nics(session, domains, host)
        common = (session, storage, disks, nics, domains, census, host, settings)
        self._lifecycle = Lifecycle(*common)
        self._power = Power(session, domains, census)
        self._inventory = Inventory(session, storage, domains, census, host)
        agent = GuestAgent(session, domains, settings)
        control = MigrationControl(session, storage, domains)
        diagnostics = Diagnostics(session, domains, census)
        pausing = Pausing(session, domains, census)
        volumes = Volumes(session, storage, domains, host)
        parts: dict[InterfaceClass, object] = {
            IConsole: Screens(session, domains, host),
            IConsoleLog: Console(session, storage, domains),
            ICrashDump: pausing,
            IDeviceMetadata: diagnostics,
            IDiskExport: Export(session, storage, domains, host, services),
            IDiskHotplug: disks,
            IDiskResize: volumes,
            IForceMigration: control,
            IGuestPassword: agent,
            IGuestQuiesce: agent,
            IGuestTime: agent,
            IHostStatus: HostMeasures(session),
            IHostTopology: Topology(session),
            IImageCache: images,
            IMigrationControl: control,
            IMigrationSource: MigrationSource(session, storage, domains, host),
            IMigrationTarget: MigrationTarget(*common),
            INicHotplug: nics,
            IPause: pausing,
            IRecovery: Recovery(*common),
            IResize: Resize(*common),
            ISuspend: pausing,
            IVmDiagnostics: diagnostics,
            IVolumeConnector: volumes,
            IVolumeReplacement: volumes,
            IVolumeSnapshots: VolumeSnapshots(session, domains, host),
        }
        provide(self, {one: parts[one] for one in host.provides})
        session.whenever_open(storage.activate)

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
