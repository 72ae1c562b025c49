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
from nova_virt_interface.hypervisor.power import IPause, ISuspend
from nova_virt_interface.hypervisor.recovery import IRecovery
from nova_virt_interface.hypervisor.resize import IResize
from nova_virt_interface.hypervisor.topology import IHostTopology
from nova_virt_interface.hypervisor.volumes import IVolumeConnector
from nova_virt_interface.parts import provide
from nova_virt_interface.services import IServices
from nova_virt_interface.values.host import (
    HostDescription,
    HostInventory,
)
from nova_virt_interface.values.power import (
    RebootRequest,
    StartRequest,
    StopRequest,
)
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec, VmState, VmStatistics
from oslo_config import cfg
from zope.interface import implementer
from zope.interface.interface import InterfaceClass

from nova_virt_xenapi.arrivals import Arrivals
from nova_virt_xenapi.cache import Cache
from nova_virt_xenapi.conf import Settings, settings_from
from nova_virt_xenapi.console import Consoles
from nova_virt_xenapi.construction import Construction
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
        images = Images(session, cache, uploads, tasks, pool, settings, services)
        volumes = Volumes(session, cache, pool, settings)
        content = DiskContent(session, cache, uploads, images, pool, services)
        disks = Disks(session, cache, tasks, images, content, pool, settings, volumes)
        nics = Nics(session, cache, tasks, records, pool)
        power = self._power = Power(session, cache, tasks, records, pool)
        self._inventory = Inventory(session, cache, records, pool)
        arrivals = Arrivals(session, cache, records, disks, pool, settings)
        construction = Construction(session, cache, disks, nics, pool)
        lifecycle = self._lifecycle = Lifecycle(
            session, records, power, construction, disks, pool, volumes, arrivals
        )
        source = MigrationSource(session, cache, tasks, records, lifecycle, disks, pool)
        places = (session, records, lifecycle, construction, disks, pool)
        metrics = Metrics(session, pool)
        diagnostics = self._diagnostics = Diagnostics(session, cache, records, metrics)
        consoles = self._consoles = Consoles(session, cache, records, pool, settings)
        host = Host(session, cache, tasks, records, metrics, pool)
        hotplug = DiskHotplug(session, cache, tasks, records, disks, pool, volumes)
        parts: dict[InterfaceClass, object] = {
            IConsole: consoles,
            IDeviceMetadata: diagnostics,
            IDiskExport: Exports(session, cache, tasks, records, disks, pool, services),
            IDiskHotplug: hotplug,
            IDiskResize: hotplug,
            IHostMaintenance: host,
            IHostPower: host,
            IHostStatus: host,
            IHostTopology: host,
            IImageCache: images,
            IMigrationControl: source,
            IMigrationSource: source,
            IMigrationTarget: MigrationTarget(*places, arrivals),
            INicHotplug: nics,
            IPause: power,
            IRecovery: Recovery(*places, cache),
            IResize: Resizes(*places),
            ISuspend: power,
            IVmDiagnostics: diagnostics,
            IVolumeConnector: volumes,
        }
        provide(self, parts)

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
