"""Directories that a host in memory mounts for its guests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nova_virt_interface.errors import Conflict, Resource
from nova_virt_interface.reference.errors import translated
from nova_virt_interface.values.shares import (
    MountedShare,
    MountShareRequest,
    UnmountShareRequest,
)

if TYPE_CHECKING:
    from nova_virt_interface.reference.host import Host

__all__ = ["SharesPart"]


class SharesPart:
    """`IShareMounts` of the reference driver."""

    if TYPE_CHECKING:

        @property
        def _host(self) -> Host: ...

    def mount_share(self, request: MountShareRequest) -> MountedShare:
        """See `IShareMounts`."""
        wanted = (request.protocol.value, request.export)
        with translated():
            if self._host.mounts().get(request.key, wanted) != wanted:
                raise Conflict(
                    f"something else is mounted as {request.key}",
                    remedy="unmount it first, or use another key",
                    resource=Resource.SHARE,
                    name=request.key,
                )
            path = self._host.mount(request.key, *wanted)
        return MountedShare(key=request.key, path=path)

    def unmount_share(self, request: UnmountShareRequest) -> None:
        """See `IShareMounts`."""
        with translated():
            self._host.unmount(request.key)

    def list_mounted_shares(self) -> tuple[MountedShare, ...]:
        """See `IShareMounts`."""
        with translated():
            return tuple(
                MountedShare(key=key, path=f"/mounts/{key}") for key in self._host.mounts()
            )
