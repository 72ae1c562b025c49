"""Remembers what a test makes through a driver, and frees it even when the test failed."""

from __future__ import annotations

import inspect
from typing import Any
from uuid import UUID

from zope.interface import directlyProvides, providedBy

from nova_virt_interface.hypervisor.lifecycle import IHypervisor
from nova_virt_interface.values.images import CacheImageRequest, DeleteImageRequest
from nova_virt_interface.values.instances import DestroyRequest, Image
from nova_virt_interface.values.vm import DeleteVmRequest

__all__ = ["Tracker"]


class Tracker:
    """Stands in front of a connection and provides what it provides."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._vms: set[UUID] = set()
        self._image_keys: set[str] = set()
        directlyProvides(self, providedBy(connection))

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.connection, name)
        if name in ("create_vm", "spawn"):
            return self._noting_vm(method)
        if name == "cache_image":
            return self._noting_image(method)
        return method

    def _noting_vm(self, method: Any) -> Any:
        def noted(*args: Any, **kwargs: Any) -> Any:
            bound = inspect.signature(method).bind(*args, **kwargs).arguments
            self._vms.add(next(iter(bound.values())))
            request = bound.get("request")
            if request is not None:
                self._image_keys.add(request.image.cache_key)
            return method(*args, **kwargs)

        return noted

    def _noting_image(self, method: Any) -> Any:
        def noted(request: CacheImageRequest | Image) -> Any:
            self._image_keys.add(
                request.key if isinstance(request, CacheImageRequest) else request.cache_key
            )
            return method(request)

        return noted

    def free(self) -> None:
        """Delete all VMs and images that the test asked for."""
        for vm_uuid in self._vms:
            if IHypervisor.providedBy(self.connection):
                self.connection.delete_vm(vm_uuid, DeleteVmRequest())
            else:
                self.connection.destroy(vm_uuid, DestroyRequest())
        for key in self._image_keys:
            if hasattr(self.connection, "delete_cached_image"):
                self.connection.delete_cached_image(key, DeleteImageRequest())
