"""The part of the side channel that is about disks: what guests and volume services do."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

from nova_virt_hyperv.testing.simulator import vhdx, vhdx_data
from nova_virt_hyperv.testing.simulator.catalogue import Simulated
from nova_virt_hyperv.testing.simulator.firmware import booted_file
from nova_virt_hyperv.testing.simulator.model import Row
from nova_virt_hyperv.testing.simulator.resources import children

__all__ = ["DiskControls"]


class DiskControls:
    """What tests tell one host about disks. A drive is named by its InstanceID, a file by its path
    on the host.
    """

    def __init__(self, simulated: Simulated) -> None:
        self._simulated = simulated

    def do_disk(self, guid: str, drive: str) -> dict[str, Any]:
        """What is in a drive."""
        with self._simulated.host.lock:
            row = self._content(guid, drive)
            return {"size": self._size(row), "requests_per_second": row["IOPSLimit"] or None}

    def do_read_drive(self, guid: str, drive: str, offset: int, size: int) -> str:
        """Read from a disk as its guest would; in base 64."""
        with self._simulated.host.lock:
            file = self._simulated.host.file
            path = file(self._path(self._content(guid, drive)))
            return b64encode(vhdx_data.read(path, offset, size, file)).decode()

    def do_write_drive(self, guid: str, drive: str, offset: int, content: str) -> None:
        """Write to a disk as its guest would."""
        with self._simulated.host.lock:
            file = self._simulated.host.file
            path = file(self._path(self._content(guid, drive)))
            vhdx_data.write(path, offset, b64decode(content), file)

    def do_boots(self, guid: str) -> str:
        """The file that a VM's firmware boots."""
        with self._simulated.host.lock:
            return booted_file(self._simulated.machines.by_guid[guid])

    def do_boot_sources(self, guid: str, paths: list[str]) -> None:
        """Give a VM another order of booting, as an operator would."""
        with self._simulated.host.lock:
            self._simulated.machines.by_guid[guid].settings["BootSourceOrder"] = paths

    def do_enlarge_file(self, path: str, size: int) -> None:
        """Enlarge a virtual disk that is a volume, as its service would."""
        with self._simulated.host.lock:
            vhdx.resize(self._simulated.host.file(path), size)

    def _content(self, guid: str, drive: str) -> Row:
        machine = self._simulated.machines.by_guid[guid]
        [row] = [row for row in machine.resources if row["InstanceID"] == drive]
        [content] = children(machine, row)
        return content

    def _size(self, row: Row) -> int:
        return vhdx.read(self._simulated.host.file(self._path(row))).size_bytes

    @staticmethod
    def _path(row: Row) -> str:
        return str(row["HostResource"][0])
