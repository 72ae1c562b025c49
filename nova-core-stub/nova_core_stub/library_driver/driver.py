"""`LibraryDriver`: instances in nova's words, made of VMs in the hypervisor's."""

from __future__ import annotations

import functools
import logging
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Final
from uuid import UUID

from nova_virt_interface.call import Call, current_call
from nova_virt_interface.errors import Conflict, NotFound, Resource, VirtError
from nova_virt_interface.hypervisor.console import IConsole, IConsoleLog
from nova_virt_interface.hypervisor.diagnostics import IDeviceMetadata, IVmDiagnostics
from nova_virt_interface.hypervisor.guest import IGuestPassword, IGuestQuiesce, IGuestTime
from nova_virt_interface.hypervisor.host import IHostMaintenance, IHostPower, IHostStatus
from nova_virt_interface.hypervisor.images import IImageCache
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
from nova_virt_interface.values.host import HostDescription, HostInventory
from nova_virt_interface.values.images import CachedImage, DeleteImageRequest
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
from nova_virt_interface.virt_driver.providers import IProviderTree
from nova_virt_interface.virt_driver.recovery import IInstanceRecovery
from nova_virt_interface.virt_driver.resize import IInstanceResize
from zope.interface import alsoProvides, implementer

from nova_core_stub.library_driver import images, rescue
from nova_core_stub.library_driver.description import vm_spec
from nova_core_stub.library_driver.guests import Guests
from nova_core_stub.library_driver.host import Host
from nova_core_stub.library_driver.migration import MigrationMixin
from nova_core_stub.library_driver.nics import nic_spec
from nova_core_stub.library_driver.power import Power
from nova_core_stub.library_driver.providers import Providers
from nova_core_stub.library_driver.recovery import RecoveryMixin
from nova_core_stub.library_driver.rescue import RescueMixin
from nova_core_stub.library_driver.resize import ResizeMixin

__all__ = ["LibraryDriver"]

_LOG = logging.getLogger(__name__)
_ROLLBACK_SECONDS: Final = 120.0
_UPPER: Final[dict[Any, Any]] = {
    IConsoleLog: IConsoleOutput,
    IImageCache: IImageCaching,
    INicHotplug: IInterfaceAttachment,
    IConsole: IInstanceConsole,
    ICrashDump: IInstanceCrashDump,
    IDeviceMetadata: IInstanceDeviceMetadata,
    IGuestPassword: IAdminPassword,
    IGuestQuiesce: IInstanceQuiesce,
    IGuestTime: IInstanceTime,
    IHostMaintenance: IHostMaintenance,
    IHostPower: IHostPower,
    IHostStatus: IHostStatus,
    IPause: IInstancePause,
    ISuspend: IInstanceSuspend,
    IVmDiagnostics: IInstanceDiagnostics,
    IForceMigration: IInstanceForceMigration,
    IMigrationControl: IInstanceMigrationControl,
    IMigrationSource: IInstanceMigrationSource,
    IMigrationTarget: IInstanceMigrationTarget,
    IRecovery: IInstanceRecovery,
    IResize: IInstanceResize,
}
"""Optional interface of a hypervisor → what an instance gains by it."""


@implementer(IVirtDriver, IProviderTree)
class LibraryDriver(
    Guests,
    Host,
    MigrationMixin,
    Power,
    Providers,
    RecoveryMixin,
    RescueMixin,
    ResizeMixin,
):
    """The instances of one hypervisor.

    It provides an optional interface when the hypervisor provides the one below it.

    Args:
        hypervisor: provides `IHypervisor`; closed with the driver.
    """

    def __init__(self, hypervisor: Any) -> None:
        self._hypervisor = hypervisor
        alsoProvides(
            self, *(upper for lower, upper in _UPPER.items() if lower.providedBy(hypervisor))
        )
        alsoProvides(self, *rescue.offered(hypervisor))

    def describe(self) -> HostDescription:
        """See `IVirtDriver`."""
        return self._hypervisor.describe()  # type: ignore[no-any-return]

    def get_available_resource(self) -> HostInventory:
        """See `IVirtDriver`."""
        return self._hypervisor.inventory()  # type: ignore[no-any-return]

    def list_instances(self) -> tuple[InstanceInfo, ...]:
        """See `IVirtDriver`."""
        return tuple(_info(state) for state in self._hypervisor.list_vms())

    def get_info(self, instance_uuid: UUID) -> InstanceInfo:
        """See `IVirtDriver`."""
        return _info(self._hypervisor.get_vm(instance_uuid))

    def get_statistics(self) -> tuple[VmStatistics, ...]:
        """See `IVirtDriver`."""
        return self._hypervisor.statistics()  # type: ignore[no-any-return]

    def spawn(self, instance_uuid: UUID, request: SpawnRequest) -> None:
        """See `IVirtDriver`.

        What is undone after a failure is what this call made: a VM that it found stays.
        """
        spec = vm_spec(self._hypervisor, instance_uuid, request)
        found = self._exists(instance_uuid)
        if not found and request.image is not None:
            images.ensure(self._hypervisor, request.image, request.flavor)
        with ExitStack() as undo:
            if not found:
                undo.push(functools.partial(self._undo_create, instance_uuid))
            self._hypervisor.create_vm(instance_uuid, spec)
            start = StartRequest(secrets=request.secrets)
            self._hypervisor.start_vm(instance_uuid, start)

    def _exists(self, instance_uuid: UUID) -> bool:
        try:
            self._hypervisor.get_vm(instance_uuid)
        except NotFound:
            return False
        return True

    def _undo_create(
        self,
        instance_uuid: UUID,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None or _is_of_others(error):
            return
        undone = False
        try:
            # The call may be cancelled, or out of time: to undo it takes one of its own.
            with Call(current_call().request_id, timeout_seconds=_ROLLBACK_SECONDS):
                self._hypervisor.delete_vm(instance_uuid, DeleteVmRequest())
            undone = True
        except Exception as second:  # noqa: BLE001 - what made the spawn fail must come through
            _LOG.warning("instance %s could not be removed: %s", instance_uuid, second)
            error.add_note(
                f"what was made of instance {instance_uuid} could not be removed: {second}; "
                "spawn it again with the same request, or destroy it"
            )
        if isinstance(error, VirtError):
            error.may_have_been_done = not undone

    def destroy(self, instance_uuid: UUID, request: DestroyRequest) -> None:
        """See `IVirtDriver`."""
        self._hypervisor.delete_vm(instance_uuid, DeleteVmRequest())

    def power_on(self, instance_uuid: UUID, request: PowerOnRequest) -> None:
        """See `IVirtDriver`."""
        self._hypervisor.start_vm(instance_uuid, StartRequest(secrets=request.secrets))

    def power_off(self, instance_uuid: UUID, request: PowerOffRequest) -> None:
        """See `IVirtDriver`."""
        stop = StopRequest(graceful_timeout_seconds=request.graceful_timeout_seconds)
        self._hypervisor.stop_vm(instance_uuid, stop)

    def reboot(self, instance_uuid: UUID, request: RebootRequest) -> None:
        """See `IVirtDriver`."""
        self._hypervisor.reboot_vm(instance_uuid, request)

    def get_console_output(self, instance_uuid: UUID, limit_bytes: int) -> bytes:
        """See `IConsoleOutput`."""
        return self._hypervisor.console_log(instance_uuid, limit_bytes)  # type: ignore[no-any-return]

    def cache_image(self, image: Image) -> CachedImage:
        """See `IImageCaching`."""
        return images.cache(self._hypervisor, image)

    def list_cached_images(self) -> tuple[CachedImage, ...]:
        """See `IImageCaching`."""
        return self._hypervisor.list_cached_images()  # type: ignore[no-any-return]

    def delete_cached_image(self, request: DeleteImageRequest) -> None:
        """See `IImageCaching`."""
        self._hypervisor.delete_cached_image(request)

    def attach_interface(self, instance_uuid: UUID, request: AttachInterfaceRequest) -> None:
        """See `IInterfaceAttachment`."""
        nic = nic_spec(request.port)
        self._hypervisor.attach_nic(instance_uuid, AttachNicRequest(nic=nic))

    def detach_interface(self, instance_uuid: UUID, request: DetachInterfaceRequest) -> None:
        """See `IInterfaceAttachment`."""
        self._hypervisor.detach_nic(instance_uuid, DetachNicRequest(key=str(request.port_id)))

    def close(self) -> None:
        """See `IVirtDriver`."""
        self._hypervisor.close()


def _is_of_others(error: BaseException) -> bool:
    """Whether the VM of this uuid was there already, so that this call has made none."""
    return isinstance(error, Conflict) and error.resource is Resource.VM


def _info(state: VmState) -> InstanceInfo:
    return InstanceInfo(instance_uuid=state.vm_uuid, name=state.name, power_state=state.power_state)
