"""Volumes: how a host is known to those who make them, and those that are virtual disks in files,
on the host or on an SMB 3 share that it reaches.
"""

from __future__ import annotations

from nova_virt_interface.errors import (
    BackendError,
    InvalidRequest,
    NotFound,
    PeerUnreachable,
)
from nova_virt_interface.values.disks import DiskSpec
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.volumes import VolumeConnector

from nova_virt_hyperv.conf import Settings
from nova_virt_hyperv.disk_files import DiskFiles
from nova_virt_hyperv.errors import unreachable_volume
from nova_virt_hyperv.volume_paths import volume_path

__all__ = ["Volumes"]


class Volumes:
    """The volumes that one host reaches."""

    def __init__(
        self, disk_files: DiskFiles, host: HostDescription, settings: Settings, iqn: str
    ) -> None:
        self._disk_files = disk_files
        self._host = host
        self._address = settings.host
        self._iqn = iqn
        self._multipath = settings.multipath

    def volume_connector(self) -> VolumeConnector:
        """See `IVolumeConnector.volume_connector`."""
        return VolumeConnector(
            hostname=self._host.hostname,
            addresses=(self._address,),
            initiator_iqns=(self._iqn,) if self._iqn else (),
            multipath=self._multipath and bool(self._iqn),
        )

    def require(self, path: str, key: str) -> int:
        """The size of a volume's disk; PeerUnreachable if the host does not reach it."""
        try:
            return self._disk_files.read(path, f"volume {key}").size_bytes
        except (NotFound, PeerUnreachable, BackendError) as error:
            raise unreachable_volume(key, error) from error

    def require_size(self, spec: DiskSpec) -> None:
        """The host reaches the volume of a disk, and it has the size that the disk is to have."""
        path = volume_path(spec)
        if path and self.require(path, spec.key) != spec.size_bytes:
            raise InvalidRequest(
                f"volume {spec.key} has another size than {spec.size_bytes} bytes",
                remedy="say the volume's own size",
                field=f"disks[{spec.key}].size_bytes",
            )

    def require_grown(self, path: str, key: str, size_bytes: int) -> None:
        """A volume has this size, which its service has given it."""
        found = self.require(path, key)
        if found != size_bytes:
            raise InvalidRequest(
                f"volume {key} has {found} bytes, not {size_bytes}",
                remedy="let its service enlarge it first",
                field="size_bytes",
            )
