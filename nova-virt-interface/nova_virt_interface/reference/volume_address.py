"""Where a storage server in memory has a volume."""

from __future__ import annotations

from nova_virt_interface.offers import protocol_of
from nova_virt_interface.values.volumes import (
    BlockDeviceVolume,
    FibreChannelVolume,
    FileVolume,
    HypervisorVolume,
    IscsiVolume,
    NbdVolume,
    NfsVolume,
    RbdVolume,
    SmbVolume,
    VolumeConnection,
)

__all__ = ["address_of"]


def address_of(connection: VolumeConnection) -> str:
    """The same for every host that asks for the same volume."""
    return f"{protocol_of(connection).value}:{_place(connection)}"


def _place(connection: VolumeConnection) -> str:
    match connection:
        case FileVolume() | BlockDeviceVolume():
            return connection.path
        case IscsiVolume():
            return f"{connection.portals[0]}/{connection.target_iqn}/{connection.lun}"
        case RbdVolume():
            return f"{connection.monitors[0]}/{connection.pool}/{connection.image}"
        case NbdVolume():
            return f"{connection.host}:{connection.port}/{connection.export}"
        case NfsVolume():
            return f"{connection.export}/{connection.path}"
        case SmbVolume():
            return f"{connection.share}/{connection.path}"
        case FibreChannelVolume():
            return f"{connection.target_wwpns[0]}/{connection.lun}"
        case HypervisorVolume():
            return connection.identity
