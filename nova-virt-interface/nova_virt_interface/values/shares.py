"""Directories of file servers that a host mounts for its guests."""

from __future__ import annotations

import enum

from nova_virt_interface.marks import enumeration, value
from nova_virt_interface.values._checks import device_key, printable

__all__ = ["MountShareRequest", "MountedShare", "ShareProtocol", "UnmountShareRequest"]


@enumeration(since="1.0", open=True)
class ShareProtocol(enum.Enum):
    """How a host reaches a file server."""

    NFS = "nfs"
    CEPHFS = "cephfs"
    SMB = "smb"


@value(since="1.0")
class MountShareRequest:
    """The directory to mount."""

    key: str
    """Core's name for it on this host."""
    protocol: ShareProtocol
    export: str
    """As the protocol writes it: ``HOST:/PATH`` for NFS."""

    def __post_init__(self) -> None:
        device_key(self.key, "key")
        printable(self.export, "export", limit=1024)


@value(since="1.0")
class UnmountShareRequest:
    """The directory to unmount."""

    key: str

    def __post_init__(self) -> None:
        device_key(self.key, "key")


@value(since="1.0")
class MountedShare:
    """A directory that is mounted."""

    key: str
    path: str
    """Where it is on the host: what `Share.path` takes."""
