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
from nova_virt_interface.parts import provide
from nova_virt_interface.services import IServices
from nova_virt_interface.values.host import HostDescription, HostInventory
from nova_virt_interface.values.power import RebootRequest, StartRequest, StopRequest
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec, VmState, VmStatistics
from oslo_config import cfg
from zope.interface import implementer
from zope.interface.interface import InterfaceClass

from nova_virt_vmware.arriving import Arriving
from nova_virt_vmware.cache import StateCache
from nova_virt_vmware.conf import Settings, settings_from
from nova_virt_vmware.console import Console
from nova_virt_vmware.copying import Copying
from nova_virt_vmware.datastore import Datastore
from nova_virt_vmware.diagnostics import Diagnostics
from nova_virt_vmware.disk_files import DiskFiles
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
from nova_virt_vmware.leases import Leases
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


@implementer(IHypervisor)
class VmwareHypervisor:
    """A connection to one cluster of a vCenter, or to one host.

    It declares what it provides and delegates; the optional interfaces are added to the instance
    while connecting, each with the methods of the part that has them.
    """

    def __init__(
        self, session: Session, node: Node, host: HostDescription, services: IServices
    ) -> None:
        self._session = session
        self._host = host
        self._inventory = Inventory(session, node)
        cache = StateCache(session.settings.owner)
        vms = self._vms = Vms(session, node, cache)
        self._events = Events(session, node, vms, cache, services.events)
        datastore = Datastore(session, node)
        networks = Networks(session, node)
        leases = Leases(session, node, datastore)
        images = Images(session, node, datastore, host, services, leases)
        hosts = Hosts(session, node)
        stores = Stores(session, node)
        nfs, iscsi = Nfs(session, hosts, stores), Iscsi(session, node, datastore)
        volumes = Volumes(session, hosts, stores, nfs, iscsi, vms, host)
        files = DiskFiles(session, node, datastore, images)
        disks = Disks(session, node, datastore, files, vms, host, volumes)
        maintenance = Maintenance(session, hosts)
        diagnostics = Diagnostics(vms)
        power = self._power = Power(session, vms, maintenance, volumes)
        leaving = Leaving(session, datastore, files, vms, power, volumes)
        self._lifecycle = Lifecycle(session, node, datastore, disks, networks, vms, leaving, host)
        console = Console(session, datastore, vms, host)
        host_itself = Host(session, hosts, host)
        parts: dict[InterfaceClass, object] = {
            IConsole: console,
            IConsoleLog: console,
            ICrashDump: power,
            IDeviceMetadata: diagnostics,
            IDiskHotplug: disks,
            IDiskResize: disks,
            IHostMaintenance: maintenance,
            IHostStatus: host_itself,
            INicHotplug: Nics(session, networks, vms, host),
            IResize: Resize(session, datastore, disks, networks, vms, host),
            ISuspend: power,
            IVmDiagnostics: diagnostics,
            IVolumeConnector: volumes,
        }
        if node.takes_extents:
            parts[IDiskExport] = Export(session, datastore, disks, vms, host, services, leases)
            parts[IImageCache] = images
        if node.is_one_host:
            parts |= {IHostPower: host_itself, IHostTopology: Topology(hosts)}
        if node.vcenter_id:
            parts |= self._moving(
                session, node, datastore, networks, hosts, vms, disks, volumes, leaving, host
            )
        provide(self, parts)

    def _moving(
        self,
        session: Session,
        node: Node,
        datastore: Datastore,
        networks: Networks,
        hosts: Hosts,
        vms: Vms,
        disks: Disks,
        volumes: Volumes,
        leaving: Leaving,
        host: HostDescription,
    ) -> dict[InterfaceClass, object]:
        """What takes a vCenter: VMs that go to other compute nodes, or come from one that died."""
        marking = Marking(session)
        arriving = Arriving(datastore, networks, volumes, leaving, self._lifecycle)
        relocations = Relocations(session, vms, Drives(vms, marking))
        parts: dict[InterfaceClass, object] = {IMigrationControl: relocations}
        parts[IMigrationSource] = MigrationSource(
            node,
            vms,
            disks,
            Copying(session, node, datastore, marking),
            relocations,
            leaving,
            host,
        )
        parts[IMigrationTarget] = MigrationTarget(
            node,
            datastore,
            networks,
            hosts,
            self._inventory,
            vms,
            marking,
            volumes,
            arriving,
            Landing(datastore, marking),
            relocations,
            leaving,
            host,
        )
        parts[IRecovery] = Recovery(node, datastore, vms, arriving, leaving, host)
        return parts

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
