"""Optional: directories of file servers, mounted for guests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.shares import (
        MountedShare,
        MountShareRequest,
        UnmountShareRequest,
    )

__all__ = ["IShareMounts"]


class IShareMounts(Interface):
    """A host that mounts directories, so that its VMs can have them as `Share`.

    The interface has no word of VMs, and serves both levels.
    """

    taggedValue("since", "1.0")

    def mount_share(request: MountShareRequest) -> MountedShare:
        """Mount a directory.

        [SHR-1] Repeated with an equal request it succeeds and tells the same path; with another
        export it is a `Conflict` (share).

        Raises: PeerUnreachable (file server); Conflict (share); Unsupported (protocol).
        """

    def unmount_share(request: UnmountShareRequest) -> None:
        """Unmount a directory.

        [SHR-2] What is not mounted is no error. One that a running VM uses stays, with `Conflict`
        (share).

        Raises: Conflict (share).
        """

    def list_mounted_shares() -> tuple[MountedShare, ...]:
        """Say which directories are mounted through this interface, in any order."""
