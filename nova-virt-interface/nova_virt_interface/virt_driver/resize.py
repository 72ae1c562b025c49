"""Optional: instances that get another flavor on the node where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.instance_requests import ResizeInstanceRequest
    from nova_virt_interface.values.resize import ConfirmResizeRequest, RevertResizeRequest

__all__ = ["IInstanceResize"]


class IInstanceResize(Interface):
    """A node that gives instances another flavor, and the old one back."""

    taggedValue("since", "1.0")

    def resize(instance_uuid: UUID, request: ResizeInstanceRequest) -> None:
        """Give a stopped instance another flavor; see `IResize.resize_vm`.

        Raises: NotFound (vm); InvalidState; InvalidRequest (a smaller disk); Unsupported; Conflict
        (vm); InsufficientResources.
        """

    def confirm_resize(instance_uuid: UUID, request: ConfirmResizeRequest) -> None:
        """Make it final; see `IResize.confirm_resize`.

        Raises: NotFound (vm).
        """

    def revert_resize(instance_uuid: UUID, request: RevertResizeRequest) -> None:
        """Undo it; see `IResize.revert_resize`.

        Raises: NotFound (vm); InvalidState.
        """
