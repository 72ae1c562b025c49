"""Instances that get another flavor, on a host in memory."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.reference.virt_description import check_flavor, vm_spec
from nova_virt_interface.values.instance_requests import ResizeInstanceRequest
from nova_virt_interface.values.resize import (
    ConfirmResizeRequest,
    ResizeVmRequest,
    RevertResizeRequest,
)

__all__ = ["VirtResizePart"]


class VirtResizePart:
    """Provides `IInstanceResize`."""

    _vms: ReferenceHypervisor

    def resize(self, instance_uuid: UUID, request: ResizeInstanceRequest) -> None:
        """See `IInstanceResize`."""
        instance = request.instance
        if instance.image is not None:
            check_flavor(instance.flavor, instance.image)
        spec = vm_spec(instance_uuid, instance)
        self._vms.resize_vm(instance_uuid, ResizeVmRequest(spec=spec))

    def confirm_resize(self, instance_uuid: UUID, request: ConfirmResizeRequest) -> None:
        """See `IInstanceResize`."""
        self._vms.confirm_resize(instance_uuid, request)

    def revert_resize(self, instance_uuid: UUID, request: RevertResizeRequest) -> None:
        """See `IInstanceResize`."""
        self._vms.revert_resize(instance_uuid, request)
