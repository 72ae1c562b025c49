"""The reference driver at the lower level."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

from zope.interface import implementer

from nova_virt_interface.call import current_call
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.dispatch import EventDispatcher
from nova_virt_interface.errors import (
    Conflict,
    HostUnreachable,
    ImageCorrupt,
    NotFound,
    Resource,
    Unsupported,
)
from nova_virt_interface.factory import IHypervisorFactory
from nova_virt_interface.hypervisor.console import IConsole, IConsoleLog
from nova_virt_interface.hypervisor.diagnostics import IDeviceMetadata, IVmDiagnostics
from nova_virt_interface.hypervisor.disks import IDiskHotplug, IDiskResize
from nova_virt_interface.hypervisor.export import IDiskExport
from nova_virt_interface.hypervisor.guest import IGuestPassword, IGuestQuiesce, IGuestTime
from nova_virt_interface.hypervisor.host import IHostMaintenance, IHostPower, IHostStatus
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
from nova_virt_interface.hypervisor.shares import IShareMounts
from nova_virt_interface.hypervisor.topology import IHostTopology
from nova_virt_interface.hypervisor.volumes import (
    IVolumeConnector,
    IVolumeReplacement,
    IVolumeSnapshots,
)
from nova_virt_interface.reference import conf as conf_
from nova_virt_interface.reference import translate
from nova_virt_interface.reference._part import require_pluggable
from nova_virt_interface.reference.consoles import ReferenceConsoles
from nova_virt_interface.reference.disks import DisksPart, require_equal
from nova_virt_interface.reference.errors import translated
from nova_virt_interface.reference.export import ExportPart
from nova_virt_interface.reference.guests import ReferenceGuests
from nova_virt_interface.reference.host import Host, Image, Vm, host_named, unlocked
from nova_virt_interface.reference.host_controls import ReferenceHostControls
from nova_virt_interface.reference.host_power import HostPower
from nova_virt_interface.reference.migration_source import MigrationControlPart, MigrationSourcePart
from nova_virt_interface.reference.migration_target import MigrationTargetPart
from nova_virt_interface.reference.power import ReferencePower
from nova_virt_interface.reference.recovery import RecoveryPart
from nova_virt_interface.reference.resize import ResizePart
from nova_virt_interface.reference.shares import SharesPart
from nova_virt_interface.reference.topology import TopologyPart
from nova_virt_interface.reference.volumes import VolumesPart
from nova_virt_interface.services import IServices
from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.host import HostDescription, HostInventory
from nova_virt_interface.values.images import CachedImage, CacheImageRequest, DeleteImageRequest
from nova_virt_interface.values.nics import AttachNicRequest, DetachNicRequest
from nova_virt_interface.values.power import (
    RebootKind,
    RebootRequest,
    StartRequest,
    StopRequest,
)
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec, VmState, VmStatistics

__all__ = ["ReferenceFactory", "ReferenceHypervisor"]

_CHUNK_BYTES = 64 * 1024


@implementer(IHypervisorFactory)
class ReferenceFactory:
    """The entry point of the reference driver at the lower level."""

    def settings_from(self, conf: Any, group: str) -> conf_.Settings:
        """See `IHypervisorFactory`."""
        return conf_.settings_from(conf, group)

    def connect(self, settings: conf_.Settings, services: IServices) -> IHypervisor:
        """See `IHypervisorFactory`."""
        return ReferenceHypervisor(settings, services)


@implementer(IConsole, IDeviceMetadata, IVmDiagnostics)
@implementer(IGuestPassword, IGuestQuiesce, IGuestTime)
@implementer(IHostMaintenance, IHostPower, IHostStatus)
@implementer(ICrashDump, IPause, ISuspend)
@implementer(IDiskExport, IDiskResize, IShareMounts)
@implementer(IVolumeConnector, IVolumeReplacement, IVolumeSnapshots)
@implementer(IForceMigration, IMigrationControl, IMigrationSource, IMigrationTarget)
@implementer(IRecovery, IResize)
@implementer(IHypervisor, IConsoleLog, IDiskHotplug, IHostTopology, IImageCache, INicHotplug)
class ReferenceHypervisor(
    DisksPart,
    ExportPart,
    MigrationControlPart,
    MigrationSourcePart,
    MigrationTargetPart,
    RecoveryPart,
    ReferenceConsoles,
    ReferenceGuests,
    ReferenceHostControls,
    ReferencePower,
    ResizePart,
    SharesPart,
    TopologyPart,
    VolumesPart,
):
    """A connection to a host in memory. It offers the same on every host, so its class declares all
    of it.
    """

    def __init__(self, settings: conf_.Settings, services: IServices) -> None:
        self._owner = settings.owner
        self._services = services
        self._connected: Host | None = host_named(settings.host)
        self._description = translate.describe(settings.host)
        self._lock = threading.Lock()
        self._events = EventDispatcher(services.events)
        try:
            with translated():
                self._host.open(self._on_change)
        except BaseException:
            self._events.close()
            raise

    @property
    def _host(self) -> Host:
        if self._connected is None:
            raise HostUnreachable("the connection is closed", remedy="connect again")
        return self._connected

    def _on_change(self, kind: str, vm: Vm | None) -> None:
        if vm is None:
            self._events.send(EventKind(kind))
        elif vm.owner == self._mark(vm.uuid):
            self._events.send(EventKind(kind), vm.uuid)

    def _ours(self, vm_uuid: UUID) -> Vm:
        current_call().check()
        with translated():
            vm = self._host.vm(vm_uuid)
        if vm.owner != self._mark(vm_uuid):
            raise NotFound(f"there is no VM {vm_uuid}", resource=Resource.VM, name=str(vm_uuid))
        return vm

    def describe(self) -> HostDescription:
        """See `IHypervisor`."""
        return self._description

    def inventory(self) -> HostInventory:
        """See `IHypervisor`."""
        with translated():
            memory_free, storage_free = self._host.resources()
        return HostInventory(
            vcpus=self._host.vcpus,
            memory_bytes=self._host.memory_bytes,
            memory_free_bytes=memory_free,
            storage_bytes=self._host.storage_bytes,
            storage_free_bytes=storage_free,
            storage_id=self._host.moves.storage_id,
        )

    def _all_ours(self) -> list[Vm]:
        current_call().check()
        with translated():
            return [vm for vm in self._host.vms() if vm.owner == self._mark(vm.uuid)]

    def list_vms(self) -> tuple[VmState, ...]:
        """See `IHypervisor`."""
        return tuple(translate.vm_state(vm) for vm in self._all_ours())

    def get_vm(self, vm_uuid: UUID) -> VmState:
        """See `IHypervisor`."""
        return translate.vm_state(self._ours(vm_uuid))

    def statistics(self) -> tuple[VmStatistics, ...]:
        """See `IHypervisor`. Nothing executes, so that only sizes are measured."""
        return tuple(
            VmStatistics(
                vm_uuid=vm.uuid,
                power_state=translate.power_state(vm.state),
                vcpus=vm.vcpus,
                memory_bytes=vm.memory_bytes,
            )
            for vm in self._all_ours()
        )

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        """See `IHypervisor`."""
        current_call().check()
        translate.check_vm(spec, self._description)
        with translated():
            existing = next((vm for vm in self._host.vms() if vm.uuid == vm_uuid), None)
            if existing is None:
                contents = self._host.images() | self._imported(spec.disks)
                self._host.define(translate.vm(vm_uuid, spec, self._mark(vm_uuid), contents))
            elif existing.owner != self._mark(vm_uuid) or existing.digest != spec_digest(spec):
                raise Conflict(
                    f"VM {vm_uuid} exists with another spec",
                    remedy="delete it first, or use another uuid",
                    resource=Resource.VM,
                    name=str(vm_uuid),
                )

    def start_vm(self, vm_uuid: UUID, request: StartRequest) -> None:
        """See `IHypervisor`."""
        state = self._ours(vm_uuid).state
        keys, secrets = translate.keys(request.secrets), request.secrets
        if state in ("running", "paused"):
            secrets = ()
        else:
            self._check_secrets(vm_uuid, secrets)
        with translated(), self._given_secrets(vm_uuid, secrets):
            if state in ("paused", "suspended"):
                HostPower(self._host).go_on(vm_uuid, keys)
            elif state != "running":
                self._host.start(vm_uuid, keys)

    def stop_vm(self, vm_uuid: UUID, request: StopRequest) -> None:
        """See `IHypervisor`."""
        state = self._ours(vm_uuid).state
        with translated():
            if state == "running" and request.graceful_timeout_seconds > 0:
                self._host.ask_to_stop(vm_uuid)
                if self._host.vm(vm_uuid).state == "running":
                    current_call().wait(request.graceful_timeout_seconds)
                state = self._host.vm(vm_uuid).state
            if state != "stopped":
                self._host.power_off(vm_uuid)

    def reboot_vm(self, vm_uuid: UUID, request: RebootRequest) -> None:
        """See `IHypervisor`."""
        locks, keys = self._ours(vm_uuid).locks, translate.keys(request.secrets)
        with translated():
            # Or the VM would be off, and could not be started again.
            HostPower(self._host).require_active()
            unlocked(locks, keys)
        soft = request.kind is RebootKind.SOFT
        timeout = request.graceful_timeout_seconds if soft else 0.0
        self._check_secrets(vm_uuid, request.secrets)
        self.stop_vm(vm_uuid, StopRequest(graceful_timeout_seconds=timeout))
        with translated(), self._given_secrets(vm_uuid, request.secrets):
            self._host.start(vm_uuid, keys)

    def delete_vm(self, vm_uuid: UUID, request: DeleteVmRequest) -> None:
        """See `IHypervisor`."""
        try:
            self.stop_vm(vm_uuid, StopRequest())
        except NotFound:
            return
        with translated():
            self._host.undefine(vm_uuid)

    def cache_image(self, request: CacheImageRequest) -> CachedImage:
        """See `IImageCache`."""
        if request.format not in self._description.image_formats:
            raise Unsupported(f"this host does not take {request.format} images", field="format")
        current_call().check()
        with self._lock, translated():
            image = self._host.images().get(request.key)
            if image is None:
                content = self._read_image(request)
                self._host.put_image(
                    request.key, Image(format=request.format.value, content=content)
                )
                image = self._host.images()[request.key]
        return translate.cached_image(request.key, image)

    def _read_image(self, request: CacheImageRequest) -> bytes:
        content = bytearray()
        reader = self._services.images.open(request.key)
        try:
            while chunk := reader.read(_CHUNK_BYTES):
                content += chunk
                current_call().check()
                current_call().progress(len(content), request.size_bytes)
        finally:
            reader.close()
        if len(content) != request.size_bytes:
            raise ImageCorrupt(
                f"image {request.key} has {len(content)} bytes instead of {request.size_bytes}"
            )
        return bytes(content)

    def list_cached_images(self) -> tuple[CachedImage, ...]:
        """See `IImageCache`."""
        with translated():
            return tuple(
                translate.cached_image(key, image) for key, image in self._host.images().items()
            )

    def delete_cached_image(self, request: DeleteImageRequest) -> None:
        """See `IImageCache`."""
        with translated():
            self._host.drop_image(request.key)

    def attach_nic(self, vm_uuid: UUID, request: AttachNicRequest) -> None:
        """See `INicHotplug`."""
        spec = request.nic
        translate.check_nic(spec, self._description)
        vm = self._ours(vm_uuid)
        existing = vm.nics.get(spec.key)
        require_equal(existing, spec, Resource.NIC)
        if existing is None:
            require_pluggable(vm)
            with translated():
                self._host.plug_nic(vm_uuid, spec.key, translate.nic(spec))

    def detach_nic(self, vm_uuid: UUID, request: DetachNicRequest) -> None:
        """See `INicHotplug`."""
        vm = self._ours(vm_uuid)
        if request.key in vm.nics:
            require_pluggable(vm)
            with translated():
                self._host.unplug_nic(vm_uuid, request.key)

    def console_log(self, vm_uuid: UUID, limit_bytes: int) -> bytes:
        """See `IConsoleLog`."""
        console = self._ours(vm_uuid).console
        return console[max(0, len(console) - limit_bytes) :]

    def close(self) -> None:
        """See `IHypervisor`."""
        with self._lock:
            host, self._connected = self._connected, None
        if host is not None:
            host.shut(self._on_change)
            self._events.close()
