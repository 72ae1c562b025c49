"""Optional: what runs inside an instance."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.guest import (
        GuestPasswordRequest,
        QuiesceRequest,
        SyncTimeRequest,
        UnquiesceRequest,
    )

__all__ = ["IAdminPassword", "IInstanceQuiesce", "IInstanceTime"]


class IAdminPassword(Interface):
    """A node that asks guests to change a password."""

    taggedValue("since", "1.0")

    def set_admin_password(instance_uuid: UUID, request: GuestPasswordRequest) -> None:
        """See `IGuestPassword.set_guest_password`.

        Raises: NotFound (vm, guest user); InvalidState; PeerUnreachable (guest agent).
        """


class IInstanceQuiesce(Interface):
    """A node that brings guests' file systems to rest."""

    taggedValue("since", "1.0")

    def quiesce(instance_uuid: UUID, request: QuiesceRequest) -> None:
        """See `IGuestQuiesce.quiesce_guest`."""

    def unquiesce(instance_uuid: UUID, request: UnquiesceRequest) -> None:
        """See `IGuestQuiesce.unquiesce_guest`."""


class IInstanceTime(Interface):
    """A node that sets guests' clocks."""

    taggedValue("since", "1.0")

    def sync_time(instance_uuid: UUID, request: SyncTimeRequest) -> None:
        """See `IGuestTime.sync_guest_time`."""
