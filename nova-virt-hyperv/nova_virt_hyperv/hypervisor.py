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
from nova_virt_interface.parts import provide
from nova_virt_interface.services import IServices
from nova_virt_interface.values.host import HostDescription, HostInventory
from nova_virt_interface.values.power import RebootRequest, StartRequest, StopRequest
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec, VmState, VmStatistics
from oslo_config import cfg
from zope.interface import implementer

from nova_virt_hyperv.conf import Settings, settings_from
from nova_virt_hyperv.files import Files
from nova_virt_hyperv.parts import Parts
from nova_virt_hyperv.session import Session

__all__ = ["HyperVFactory", "HyperVHypervisor"]


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
        provide(
            self,
            {
                IPause: parts.power,
                ISuspend: parts.power,
                ICrashDump: parts.power,
                IDiskHotplug: parts.disks,
                IDiskResize: parts.disks,
                INicHotplug: parts.nics,
                IImageCache: parts.images,
                IVmDiagnostics: parts.diagnostics,
                IDeviceMetadata: parts.diagnostics,
                IHostStatus: parts.host_control,
                IHostPower: parts.host_control,
                IHostMaintenance: parts.maintenance,
                IHostTopology: parts.topology,
                IDiskExport: parts.export,
                IResize: parts.resize,
                IVolumeConnector: parts.volumes,
            },
        )
        if parts.offers_consoles:
            provide(self, {IConsole: parts.consoles})
        if parts.offers_migration:
            provide(
                self,
                {
                    IMigrationSource: parts.outgoing,
                    IMigrationControl: parts.outgoing,
                    IMigrationTarget: parts.incoming,
                },
            )
        if parts.offers_recovery:
            provide(self, {IRecovery: parts.recovery})

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
