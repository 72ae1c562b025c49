"""Optional: VMs that become larger or smaller, and may become again what they were."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.resize import (
        ConfirmResizeRequest,
        ResizeVmRequest,
        RevertResizeRequest,
    )

__all__ = ["IResize"]


class IResize(Interface):
    """A hypervisor that can give a stopped VM another description, and keep the old one for a
    while.

    [RSZ-1] A resize is pending from `resize_vm` until `confirm_resize` or `revert_resize`; a VM
    has one at most. Meanwhile it can be started, stopped and used. `IHypervisor.delete_vm` removes
    what was kept, too.
    """

    taggedValue("since", "1.0")

    def resize_vm(vm_uuid: UUID, request: ResizeVmRequest) -> None:
        """Give a stopped VM another description, and keep what it was.

        [RSZ-2] On return the VM is as described and stopped. Disks are matched by key: one of both
        descriptions keeps its content, also that of a medium, and may have grown; one of the new
        alone is made; one of the old alone is set aside. NICs likewise.
        [RSZ-3] A disk that would shrink, or whose source, format or encryption is another, is an
        `InvalidRequest`; a VM that is not stopped is an `InvalidState`; nothing is touched.
        [RSZ-4] With the description that the VM has it succeeds and changes nothing, whatever the
        VM's state, pending or confirmed. With another one while a resize is pending it is a
        `Conflict`.
        [RSZ-5] After an error the VM is as it was, and none is pending.

        Blocking: as long as it takes to keep, and to make, the disks.

        Raises: NotFound (vm, image, network); InvalidState; InvalidRequest; Unsupported; Conflict
        (vm; network); InsufficientResources.
        """

    def confirm_resize(vm_uuid: UUID, request: ConfirmResizeRequest) -> None:
        """Remove what was kept of the old VM.

        [RSZ-6] Succeeds when no resize is pending. The VM may be in any state, and stays in it.

        Raises: NotFound (vm).
        """

    def revert_resize(vm_uuid: UUID, request: RevertResizeRequest) -> None:
        """Make the VM again what it was before the resize.

        [RSZ-7] On return the VM is stopped, and its description and the content of all its disks
        are those of the moment before the resize. A VM that runs is an `InvalidState`. Succeeds
        when no resize is pending.

        Raises: NotFound (vm); InvalidState.
        """
