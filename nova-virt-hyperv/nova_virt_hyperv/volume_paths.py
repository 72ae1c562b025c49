"""Which files a host can have as volumes, and how it names them; pure functions."""

from __future__ import annotations

import re

from nova_virt_interface.errors import InvalidRequest, Unsupported
from nova_virt_interface.values.disks import DiskSpec
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.volumes import FileVolume, IscsiVolume, SmbVolume, Volume

__all__ = ["check_volume", "volume_path"]

_PART = r"[^\\/:*?\"<>|\x00-\x1f]+"
_FILE = re.compile(rf"[A-Za-z]:(\\{_PART})+\.vhdx", re.IGNORECASE)
_SHARE = re.compile(rf"\\\\{_PART}\\{_PART}")
_BELOW = re.compile(rf"{_PART}([\\/]{_PART})*\.vhdx", re.IGNORECASE)


def volume_path(spec: DiskSpec) -> str:
    """How the host names a volume's file; empty for other disks."""
    if not isinstance(spec.source, Volume):
        return ""
    connection = spec.source.connection
    if isinstance(connection, FileVolume):
        return connection.path
    if isinstance(connection, SmbVolume):
        return "{}\\{}".format(connection.share, connection.path.replace("/", "\\"))
    return ""


def check_volume(spec: DiskSpec) -> None:
    """Refuse a volume that Hyper-V does not take; its protocol was checked before."""
    if not isinstance(spec.source, Volume):
        return
    place = f"disks[{spec.key}].source"
    connection = spec.source.connection
    if isinstance(connection, FileVolume):
        good = _FILE.fullmatch(connection.path) is not None
        parts = connection.path.split("\\")
    elif isinstance(connection, SmbVolume):
        good = bool(_SHARE.fullmatch(connection.share) and _BELOW.fullmatch(connection.path))
        parts = re.split(r"[\\/]", connection.path)
        if connection.user is not None:
            raise Unsupported(
                "Hyper-V opens a share's files as the host's own account, never as another user",
                remedy="let the share take the host's computer account",
                field=f"{place}.connection.user",
            )
    elif isinstance(connection, IscsiVolume):
        _check_unit(spec, spec.source, place)
        return
    else:
        return
    if connection.format is not DiskFormat.VHDX:
        raise Unsupported(
            "a volume is a VHDX file", field=f"{place}.connection.format", remedy="convert it"
        )
    if not good or {".", ".."} & set(parts):
        raise InvalidRequest("no file has such a path", field=f"{place}.connection.path")


def _check_unit(spec: DiskSpec, volume: Volume, place: str) -> None:
    if volume.shared:
        raise Unsupported(
            "Hyper-V passes a physical disk on to one VM alone", field=f"{place}.shared"
        )
    if spec.limits is not None:
        raise Unsupported(
            "Hyper-V limits virtual disks alone, no physical ones",
            field=f"disks[{spec.key}].limits",
        )
