"""Where volumes are, as storage repositories: pure.

A target of iSCSI, and a folder of an export of NFS, become a repository each, with a VDI for each
unit, and for each file.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.disks import DiskSpec
from nova_virt_interface.values.volumes import IscsiVolume, NfsVolume, Volume, VolumeConnection

__all__ = ["Place", "check_volume", "place_of"]


@dataclass(frozen=True)
class Place:
    """What a storage repository is introduced with."""

    kind: str
    label: str
    description: str
    sm_config: dict[str, str]
    device_config: dict[str, str]
    has: Callable[[dict[str, Any]], bool]
    """Whether a VDI of the repository is the volume."""


def check_volume(spec: DiskSpec) -> None:
    """Refuse a volume that no storage manager would find."""
    source = spec.source
    if isinstance(source, Volume) and isinstance(source.connection, NfsVolume):
        _vdi_of_file(source.connection, f"disks[{spec.key}].source.connection.path")


def place_of(connection: VolumeConnection) -> Place:
    """The place of a volume that other hosts have, too."""
    if isinstance(connection, NfsVolume):
        return _folder(connection)
    assert isinstance(connection, IscsiVolume)  # noqa: S101 - offered are these two
    host, _, port = connection.portals[0].rpartition(":")
    target, lun = connection.target_iqn, str(connection.lun)
    return Place(
        kind="iscsi",
        label=target,
        description=",".join(connection.portals),
        sm_config={},
        device_config={"target": host.strip("[]"), "port": port, "targetIQN": target},
        has=lambda row: bool(row["sm_config"].get("LUNid") == lun),
    )


def _folder(connection: NfsVolume) -> Place:
    """After the storage manager's ``NFSSR`` and ``FileSR``: a file's name is its VDI's uuid."""
    server, _, path = connection.export.partition(":/")
    folder = posixpath.join("/", path, posixpath.dirname(connection.path)).rstrip("/") or "/"
    uuid = _vdi_of_file(connection, "connection.path")
    return Place(
        kind="nfs",
        label=server.strip("[]"),
        description=folder,
        # Else it would look in a folder of the repository's own name.
        sm_config={"nosubdir": "true"},
        device_config={"server": server.strip("[]"), "serverpath": folder},
        has=lambda row: bool(row["uuid"] == uuid),
    )


def _vdi_of_file(connection: NfsVolume, field: str) -> str:
    stem, dot, suffix = posixpath.basename(connection.path).partition(".")
    try:
        uuid = str(UUID(stem))
    except ValueError:
        uuid = ""
    if (uuid, dot + suffix) != (stem, f".{connection.format.value}"):
        raise Unsupported(
            f"{field}: a storage manager finds files UUID.{connection.format.value} alone, "
            f"not {connection.path}",
            remedy="let its service name it so",
            field=field,
        )
    return uuid
