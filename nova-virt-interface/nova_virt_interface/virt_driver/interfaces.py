"""Optional: ports that are plugged while an instance exists."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.instances import AttachInterfaceRequest, DetachInterfaceRequest

__all__ = ["IInterfaceAttachment"]


class IInterfaceAttachment(Interface):
    """A node that plugs ports into instances that run or are stopped."""

    taggedValue("since", "1.0")

    def attach_interface(instance_uuid: UUID, request: AttachInterfaceRequest) -> None:
        """Plug a port in; see `INicHotplug.attach_nic`."""

    def detach_interface(instance_uuid: UUID, request: DetachInterfaceRequest) -> None:
        """Unplug a port; see `INicHotplug.detach_nic`."""
