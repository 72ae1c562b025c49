"""Optional: what runs inside a guest, by its agent or tools."""

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

__all__ = ["IGuestPassword", "IGuestQuiesce", "IGuestTime"]


class IGuestPassword(Interface):
    """A hypervisor that asks a guest to change a password.

    [GST-1] For all that asks the guest: a VM that does not run is an `InvalidState`; a guest that
    has no agent, or does not answer, is `PeerUnreachable` (guest agent).
    """

    taggedValue("since", "1.0")

    def set_guest_password(vm_uuid: UUID, request: GuestPasswordRequest) -> None:
        """Give a user of the guest a password.

        Raises: NotFound (vm, guest user); InvalidState; PeerUnreachable (guest agent).
        """


class IGuestQuiesce(Interface):
    """A hypervisor that asks a guest to bring its file systems to rest."""

    taggedValue("since", "1.0")

    def quiesce_guest(vm_uuid: UUID, request: QuiesceRequest) -> None:
        """Let a guest finish its writes and begin no more.

        [GST-2] On return all its file systems are at rest, and stay so until `unquiesce_guest`; a
        guest may end the rest by itself after a time. One that is at rest stays so. After an error
        it is not at rest, unless ``may_have_been_done``: a guest that does not answer may come to
        rest later.

        Raises: NotFound (vm); InvalidState; PeerUnreachable (guest agent).
        """

    def unquiesce_guest(vm_uuid: UUID, request: UnquiesceRequest) -> None:
        """Let a guest write again; one that is not at rest stays as it is.

        Raises: NotFound (vm); InvalidState; PeerUnreachable (guest agent).
        """


class IGuestTime(Interface):
    """A hypervisor that sets a guest's clock."""

    taggedValue("since", "1.0")

    def sync_guest_time(vm_uuid: UUID, request: SyncTimeRequest) -> None:
        """Set a running guest's clock to the host's time.

        Raises: NotFound (vm); InvalidState; PeerUnreachable (guest agent).
        """
