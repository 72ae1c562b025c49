"""Remembers what a test makes through a driver, and frees it even when the test failed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import wraps
from typing import Any
from uuid import UUID

from zope.interface import directlyProvides, providedBy

from nova_virt_interface.errors import InvalidState, VirtError
from nova_virt_interface.hypervisor.lifecycle import IHypervisor
from nova_virt_interface.values.images import CachedImage, CacheImageRequest, DeleteImageRequest
from nova_virt_interface.values.instance_requests import (
    EvacuateRequest,
    PrepareIncomingInstanceRequest,
    RescueRequest,
)
from nova_virt_interface.values.instances import DestroyRequest, Image, SpawnRequest
from nova_virt_interface.values.migration import (
    CancelIncomingRequest,
    FinishOutgoingRequest,
    MigrateVmRequest,
    MigrationTicket,
    PrepareIncomingRequest,
)
from nova_virt_interface.values.recovery import AdoptVmRequest
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec

__all__ = ["Asked", "Tracker"]


@dataclass
class Asked:
    """What a test asked for, on all of its connections."""

    operations: set[str] = field(default_factory=set)
    """As ``INTERFACE.METHOD``."""
    errors: set[tuple[str, str, str]] = field(default_factory=set)
    """Those that came instead of an answer: operation, class, and resource, if it names one."""

    def noting(self, operation: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """The method, which notes that it was called and what it raised."""

        @wraps(method)
        def call(*positional: Any, **named: Any) -> Any:
            self.operations.add(operation)
            try:
                return method(*positional, **named)
            except VirtError as error:
                resource = getattr(error, "resource", None)
                about = resource.value if resource else ""
                self.errors.add((operation, type(error).__name__, about))
                raise

        return call


class Tracker:
    """Stands in front of a connection and provides what it provides."""

    def __init__(self, connection: Any, asked: Asked | None = None) -> None:
        self.connection = connection
        self.asked = Asked() if asked is None else asked
        self._vms: set[UUID] = set()
        self._incoming: set[UUID] = set()
        self._outgoing: set[UUID] = set()
        self._image_keys: set[str] = set()
        self._operations = {
            name: f"{interface.__name__}.{name}"
            for interface in providedBy(connection).flattened()
            for name in interface.names()
        }
        directlyProvides(self, providedBy(connection))

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.connection, name)
        operation = self._operations.get(name)
        return found if operation is None else self.asked.noting(operation, found)

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        """See `IHypervisor`."""
        self._vms.add(vm_uuid)
        self.__getattr__("create_vm")(vm_uuid, spec)

    def spawn(self, instance_uuid: UUID, request: SpawnRequest) -> None:
        """See `IVirtDriver`."""
        self._vms.add(instance_uuid)
        if request.image is not None:
            self._image_keys.add(request.image.cache_key)
        self.__getattr__("spawn")(instance_uuid, request)

    def adopt_vm(self, vm_uuid: UUID, request: AdoptVmRequest) -> None:
        """See `IRecovery`."""
        self._vms.add(vm_uuid)
        self.__getattr__("adopt_vm")(vm_uuid, request)

    def evacuate(self, instance_uuid: UUID, request: EvacuateRequest) -> None:
        """See `IInstanceRecovery`."""
        self._vms.add(instance_uuid)
        self.__getattr__("evacuate")(instance_uuid, request)

    def rescue(self, instance_uuid: UUID, request: RescueRequest) -> None:
        """See `IRescue`."""
        self._image_keys.add(request.image.cache_key)
        self.__getattr__("rescue")(instance_uuid, request)

    def prepare_incoming(
        self, vm_uuid: UUID, request: PrepareIncomingRequest | PrepareIncomingInstanceRequest
    ) -> MigrationTicket:
        """See `IMigrationTarget` and `IInstanceMigrationTarget`."""
        self._vms.add(vm_uuid)
        self._incoming.add(vm_uuid)
        if isinstance(request, PrepareIncomingInstanceRequest) and request.instance.image:
            self._image_keys.add(request.instance.image.cache_key)
        ticket: MigrationTicket = self.__getattr__("prepare_incoming")(vm_uuid, request)
        return ticket

    def migrate_vm(self, vm_uuid: UUID, request: MigrateVmRequest) -> None:
        """See `IMigrationSource`."""
        self._outgoing.add(vm_uuid)
        self.__getattr__("migrate_vm")(vm_uuid, request)

    def migrate(self, instance_uuid: UUID, request: MigrateVmRequest) -> None:
        """See `IInstanceMigrationSource`."""
        self._outgoing.add(instance_uuid)
        self.__getattr__("migrate")(instance_uuid, request)

    def cache_image(self, image: CacheImageRequest | Image) -> CachedImage:
        """See `IImageCache` and `IImageCaching`."""
        self._image_keys.add(image.key if isinstance(image, CacheImageRequest) else image.cache_key)
        cached: CachedImage = self.__getattr__("cache_image")(image)
        return cached

    def free(self) -> None:
        """Delete all VMs and images that the test asked for; one that stays does not keep the
        others.
        """
        connection = self.connection
        with ExitStack() as last_first:
            for key in self._image_keys:
                if hasattr(connection, "delete_cached_image"):
                    last_first.callback(connection.delete_cached_image, DeleteImageRequest(key=key))
            for vm_uuid in self._vms:
                if IHypervisor.providedBy(connection):
                    last_first.callback(connection.delete_vm, vm_uuid, DeleteVmRequest())
                else:
                    last_first.callback(connection.destroy, vm_uuid, DestroyRequest())
                last_first.callback(self._end_migrations, vm_uuid)

    def _end_migrations(self, vm_uuid: UUID) -> None:
        # A VM that is this host's is deleted next.
        if vm_uuid in self._incoming:
            with suppress(InvalidState):
                self.connection.cancel_incoming(vm_uuid, CancelIncomingRequest())
        if vm_uuid in self._outgoing:
            with suppress(InvalidState):
                self.connection.finish_outgoing(vm_uuid, FinishOutgoingRequest())
