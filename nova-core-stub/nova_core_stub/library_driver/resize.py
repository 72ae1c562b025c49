"""Instances that get another flavor."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nova_virt_interface.values.instance_requests import ResizeInstanceRequest
from nova_virt_interface.values.resize import (
    ConfirmResizeRequest,
    ResizeVmRequest,
    RevertResizeRequest,
)

from nova_core_stub.library_driver.description import vm_spec

__all__ = ["ResizeMixin"]


class ResizeMixin:
    """`IInstanceResize`, over `IResize`."""

    _hypervisor: Any

    def resize(self, instance_uuid: UUID, request: ResizeInstanceRequest) -> None:
        """See `IInstanceResize`."""
        spec = vm_spec(self._hypervisor, instance_uuid, request.instance)
        self._hypervisor.resize_vm(instance_uuid, ResizeVmRequest(spec=spec))

    def confirm_resize(self, instance_uuid: UUID, request: ConfirmResizeRequest) -> None:
        """See `IInstanceResize`."""
        self._hypervisor.confirm_resize(instance_uuid, request)

    def revert_resize(self, instance_uuid: UUID, request: RevertResizeRequest) -> None:
        """See `IInstanceResize`."""
        self._hypervisor.revert_resize(instance_uuid, request)
