"""The reference driver at the upper level: a driver that provides `IVirtDriver` itself, without
core's adapter.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from zope.interface import implementer

from nova_virt_interface.factory import IHypervisorFactory
from nova_virt_interface.hypervisor.host import IHostMaintenance, IHostPower, IHostStatus
from nova_virt_interface.reference import conf as conf_
from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.reference.virt_description import check_flavor, nic_spec, vm_spec
from nova_virt_interface.reference.virt_migration import VirtMigrationPart
from nova_virt_interface.reference.virt_power import (
    ReferenceVirtGuests,
    ReferenceVirtHost,
    ReferenceVirtPower,
)
from nova_virt_interface.reference.virt_providers import ProvidersPart
from nova_virt_interface.reference.virt_recovery import VirtRecoveryPart
from nova_virt_interface.reference.virt_rescue import VirtRescuePart
from nova_virt_interface.reference.virt_resize import VirtResizePart
from nova_virt_interface.services import IServices
from nova_virt_interface.values.host import HostDescription, HostInventory
from nova_virt_interface.values.images import CachedImage, CacheImageRequest, DeleteImageRequest
from nova_virt_interface.values.instances import (
    AttachInterfaceRequest,
    DestroyRequest,
    DetachInterfaceRequest,
    Image,
    InstanceInfo,
    PowerOffRequest,
    PowerOnRequest,
    SpawnRequest,
)
from nova_virt_interface.values.nics import AttachNicRequest, DetachNicRequest
from nova_virt_interface.values.power import RebootRequest, StartRequest, StopRequest
from nova_virt_interface.values.vm import DeleteVmRequest, VmState, VmStatistics
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

__all__ = ["ReferenceDirectFactory", "ReferenceVirtDriver"]


@implementer(IHypervisorFactory)
class ReferenceDirectFactory:
    """The entry point of the reference driver at the upper level."""

    def settings_from(self, conf: Any, group: str) -> conf_.Settings:
        """See `IHypervisorFactory`."""
        return conf_.settings_from(conf, group)

    def connect(self, settings: conf_.Settings, services: IServices) -> IVirtDriver:
        """See `IHypervisorFactory`."""
        return ReferenceVirtDriver(settings, services)


@implementer(IAdminPassword, IInstanceConsole, IInstanceQuiesce, IInstanceTime)
@implementer(IInstanceCrashDump, IInstancePause, IInstanceSuspend)
@implementer(IInstanceDeviceMetadata, IInstanceDiagnostics)
@implementer(IHostMaintenance, IHostPower, IHostStatus)
@implementer(
    IVirtDriver,
    IConsoleOutput,
    IImageCaching,
    IInstanceForceMigration,
    IInstanceMigrationControl,
    IInstanceMigrationSource,
    IInstanceMigrationTarget,
    IInstanceRecovery,
    IInstanceResize,
    IInterfaceAttachment,
    IProviderReshape,
    IProviderTree,
    IRescue,
)
class ReferenceVirtDriver(
    ProvidersPart,
    ReferenceVirtGuests,
    ReferenceVirtHost,
    ReferenceVirtPower,
    VirtMigrationPart,
    VirtRecoveryPart,
    VirtRescuePart,
    VirtResizePart,
):
    """Instances on a host in memory. The guest reads its metadata from a medium of plain JSON."""

    def __init__(self, settings: conf_.Settings, services: IServices) -> None:
        self._vms = ReferenceHypervisor(settings, services)

    def describe(self) -> HostDescription:
        """See `IVirtDriver`."""
        return self._vms.describe()

    def get_available_resource(self) -> HostInventory:
        """See `IVirtDriver`."""
        return self._vms.inventory()

    def list_instances(self) -> tuple[InstanceInfo, ...]:
        """See `IVirtDriver`."""
        return tuple(_info(state) for state in self._vms.list_vms())

    def get_info(self, instance_uuid: UUID) -> InstanceInfo:
        """See `IVirtDriver`."""
        return _info(self._vms.get_vm(instance_uuid))

    def get_statistics(self) -> tuple[VmStatistics, ...]:
        """See `IVirtDriver`."""
        return self._vms.statistics()

    def spawn(self, instance_uuid: UUID, request: SpawnRequest) -> None:
        """See `IVirtDriver`."""
        if request.image is not None:
            check_flavor(request.flavor, request.image)
            self.cache_image(request.image)
        existed = any(vm.vm_uuid == instance_uuid for vm in self._vms.list_vms())
        self._vms.create_vm(instance_uuid, vm_spec(instance_uuid, request))
        try:
            self._vms.start_vm(instance_uuid, StartRequest(secrets=request.secrets))
        except BaseException:
            if not existed:
                self._vms.delete_vm(instance_uuid, DeleteVmRequest())
            raise

    def destroy(self, instance_uuid: UUID, request: DestroyRequest) -> None:
        """See `IVirtDriver`."""
        self._vms.delete_vm(instance_uuid, DeleteVmRequest())

    def power_on(self, instance_uuid: UUID, request: PowerOnRequest) -> None:
        """See `IVirtDriver`."""
        self._vms.start_vm(instance_uuid, StartRequest(secrets=request.secrets))

    def power_off(self, instance_uuid: UUID, request: PowerOffRequest) -> None:
        """See `IVirtDriver`."""
        timeout = request.graceful_timeout_seconds
        self._vms.stop_vm(instance_uuid, StopRequest(graceful_timeout_seconds=timeout))

    def reboot(self, instance_uuid: UUID, request: RebootRequest) -> None:
        """See `IVirtDriver`."""
        self._vms.reboot_vm(instance_uuid, request)

    def attach_interface(self, instance_uuid: UUID, request: AttachInterfaceRequest) -> None:
        """See `IInterfaceAttachment`."""
        self._vms.attach_nic(instance_uuid, AttachNicRequest(nic=nic_spec(request.port)))

    def detach_interface(self, instance_uuid: UUID, request: DetachInterfaceRequest) -> None:
        """See `IInterfaceAttachment`."""
        self._vms.detach_nic(instance_uuid, DetachNicRequest(key=str(request.port_id)))

    def get_console_output(self, instance_uuid: UUID, limit_bytes: int) -> bytes:
        """See `IConsoleOutput`."""
        return self._vms.console_log(instance_uuid, limit_bytes)

    def cache_image(self, image: Image) -> CachedImage:
        """See `IImageCaching`."""
        return self._vms.cache_image(
            CacheImageRequest(key=image.cache_key, format=image.format, size_bytes=image.size_bytes)
        )

    def list_cached_images(self) -> tuple[CachedImage, ...]:
        """See `IImageCaching`."""
        return self._vms.list_cached_images()

    def delete_cached_image(self, request: DeleteImageRequest) -> None:
        """See `IImageCaching`."""
        self._vms.delete_cached_image(request)

    def close(self) -> None:
        """See `IVirtDriver`."""
        self._vms.close()


def _info(state: VmState) -> InstanceInfo:
    return InstanceInfo(instance_uuid=state.vm_uuid, name=state.name, power_state=state.power_state)
