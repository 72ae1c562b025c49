"""Volumes: disks whose content belongs to a volume service and outlives the VM."""

from __future__ import annotations

import enum
from uuid import UUID

from nova_virt_interface.marks import enumeration, value
from nova_virt_interface.values._checks import (
    at_least,
    device_key,
    fits,
    host_and_port,
    path_below,
    printable,
)
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.secrets import DeviceSecret

__all__ = [
    "BlockDeviceVolume",
    "ChapUser",
    "CreateVolumeSnapshotRequest",
    "DeleteVolumeSnapshotRequest",
    "Encryption",
    "EncryptionFormat",
    "FibreChannelVolume",
    "FileVolume",
    "HypervisorVolume",
    "IscsiVolume",
    "NbdVolume",
    "NfsVolume",
    "RbdVolume",
    "ReplaceVolumeRequest",
    "SmbVolume",
    "Volume",
    "VolumeConnection",
    "VolumeConnector",
    "VolumeProtocol",
]


@enumeration(since="1.0", open=True)
class VolumeProtocol(enum.Enum):
    """How a host reaches a volume: each member has its kind of `VolumeConnection`."""

    ISCSI = "iscsi"
    RBD = "rbd"
    NBD = "nbd"
    NFS = "nfs"
    SMB = "smb"
    FIBRE_CHANNEL = "fibre-channel"
    FILE = "file"
    BLOCK_DEVICE = "block-device"
    HYPERVISOR = "hypervisor"


@enumeration(since="1.0", open=True)
class EncryptionFormat(enum.Enum):
    """How a disk is encrypted."""

    LUKS = "luks"
    """Version 1 of LUKS."""
    PLAIN = "plain"
    """Without a header: whoever opens it must know cipher and key size."""


@value(since="1.0")
class Encryption:
    """Encryption of a disk by the hypervisor; its passphrase comes as a `DeviceSecret`."""

    format: EncryptionFormat


@value(since="1.0")
class ChapUser:
    """Who logs in to an iSCSI target; the password comes as a `DeviceSecret`."""

    name: str

    def __post_init__(self) -> None:
        printable(self.name, "name")


@value(since="1.0")
class IscsiVolume:
    """A logical unit of an iSCSI target (RFC 7143)."""

    portals: tuple[str, ...]
    """``HOST:PORT`` of every way to the target; more than one: multipath where the host can."""
    target_iqn: str
    lun: int
    user: ChapUser | None = None

    def __post_init__(self) -> None:
        fits(len(self.portals) > 0, "portals", "is empty")
        for portal in self.portals:
            host_and_port(portal, "portals")
        printable(self.target_iqn, "target_iqn")
        at_least(0, self.lun, "lun")


@value(since="1.0")
class RbdVolume:
    """An image of a Ceph pool; the user's key comes as a `DeviceSecret`."""

    monitors: tuple[str, ...]
    """``HOST:PORT``."""
    pool: str
    image: str
    user: str | None = None

    def __post_init__(self) -> None:
        fits(len(self.monitors) > 0, "monitors", "is empty")
        for monitor in self.monitors:
            host_and_port(monitor, "monitors")
        printable(self.pool, "pool")
        printable(self.image, "image")


@value(since="1.0")
class NbdVolume:
    """An export of a network block device server."""

    host: str
    port: int
    export: str = ""

    def __post_init__(self) -> None:
        printable(self.host, "host")
        at_least(1, self.port, "port")


@value(since="1.0")
class NfsVolume:
    """A file of an NFS export, which the host mounts."""

    export: str
    """``HOST:/PATH``."""
    path: str
    """Below the export."""
    format: DiskFormat

    def __post_init__(self) -> None:
        printable(self.export, "export")
        path_below(self.path, "path")


@value(since="1.0")
class SmbVolume:
    """A file of an SMB share; the password comes as a `DeviceSecret`."""

    share: str
    r"""``\\HOST\SHARE``."""
    path: str
    """Below the share."""
    format: DiskFormat
    user: str | None = None

    def __post_init__(self) -> None:
        printable(self.share, "share")
        path_below(self.path, "path")


@value(since="1.0")
class FibreChannelVolume:
    """A logical unit behind Fibre Channel ports."""

    target_wwpns: tuple[str, ...]
    """World-wide port names, 16 hexadecimal digits in lower case."""
    lun: int

    def __post_init__(self) -> None:
        fits(len(self.target_wwpns) > 0, "target_wwpns", "is empty")
        at_least(0, self.lun, "lun")


@value(since="1.0")
class FileVolume:
    """A file that the host has already."""

    path: str
    format: DiskFormat

    def __post_init__(self) -> None:
        printable(self.path, "path", limit=4096)


@value(since="1.0")
class BlockDeviceVolume:
    """A block device that the host has already."""

    path: str

    def __post_init__(self) -> None:
        printable(self.path, "path", limit=4096)


@value(since="1.0")
class HypervisorVolume:
    """A disk that the hypervisor itself knows by a name of its own: a first class disk of vSphere,
    a VDI of XenAPI.
    """

    identity: str

    def __post_init__(self) -> None:
        printable(self.identity, "identity")


VolumeConnection = (
    IscsiVolume
    | RbdVolume
    | NbdVolume
    | NfsVolume
    | SmbVolume
    | FibreChannelVolume
    | FileVolume
    | BlockDeviceVolume
    | HypervisorVolume
)


@value(since="1.0")
class Volume:
    """A disk of a VM that is a volume.

    [VOL-1] The volume service makes and deletes volumes. A driver connects the host to one when a
    VM needs it and disconnects it when none does any more; it never changes or deletes its content
    of its own accord, also not when the VM is deleted. An encrypted volume has its header already.
    [VOL-2] On return from a detachment or a deletion all that the guest wrote has reached the
    volume, and the host does not use it for this VM any more.
    [VOL-3] The volume's own size counts: `DiskSpec.size_bytes` is what the guest sees of it, which
    of an encrypted volume is less by its header.
    [VOL-4] A volume that cannot be reached is `PeerUnreachable`: for a running VM at once, else at
    the latest when the VM is started; the VM and its disks are as they were.
    """

    volume_id: UUID
    connection: VolumeConnection
    encryption: Encryption | None = None
    read_only: bool = False
    shared: bool = False
    """Whether VMs on this or other hosts may have it attached at the same time."""


@value(since="1.0")
class VolumeConnector:
    """By which names a volume service knows the host. What the host does not have is empty."""

    hostname: str
    addresses: tuple[str, ...] = ()
    """Addresses from which it reaches storage."""
    initiator_iqns: tuple[str, ...] = ()
    """By which it logs in to iSCSI targets; a node that is a cluster has one for each host."""
    wwpns: tuple[str, ...] = ()
    wwnns: tuple[str, ...] = ()
    multipath: bool = False


@value(since="1.0")
class ReplaceVolumeRequest:
    """Another volume in the place of an attached one."""

    key: str
    """The disk's key; it stays the same."""
    volume: Volume
    size_bytes: int
    """Of the new volume, which is at least as large as the old one."""
    secrets: tuple[DeviceSecret, ...] = ()
    """Of the new volume."""

    def __post_init__(self) -> None:
        device_key(self.key, "key")
        at_least(1, self.size_bytes, "size_bytes")


@value(since="1.0")
class CreateVolumeSnapshotRequest:
    """The snapshot to make of a volume that is a file."""

    key: str
    """The disk's key."""
    snapshot_id: UUID
    overlay: NfsVolume | SmbVolume | FileVolume
    """The file that takes the guest's writes from now on; the volume service has made it."""

    def __post_init__(self) -> None:
        device_key(self.key, "key")


@value(since="1.0")
class DeleteVolumeSnapshotRequest:
    """The snapshot whose file is to take in the one that is built on it."""

    key: str
    """The disk's key."""
    snapshot_id: UUID

    def __post_init__(self) -> None:
        device_key(self.key, "key")
