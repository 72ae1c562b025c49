"""The part of the side channel that is about disks: what guests and volume services do."""

from __future__ import annotations

from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

from nova_virt_hyperv.testing.simulator import vhdx, vhdx_data
from nova_virt_hyperv.testing.simulator.catalogue import Simulated
from nova_virt_hyperv.testing.simulator.firmware import booted_file
from nova_virt_hyperv.testing.simulator.iscsi import Target
from nova_virt_hyperv.testing.simulator.model import Row
from nova_virt_hyperv.testing.simulator.resources import PHYSICAL_DRIVE, children

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
            row = self._content(guid, drive)
            if row["ResourceSubType"] == PHYSICAL_DRIVE:
                return b64encode(self._raw(row).read_bytes()[offset : offset + size]).decode()
            path = file(self._path(row))
            return b64encode(vhdx_data.read(path, offset, size, file)).decode()

    def do_write_drive(self, guid: str, drive: str, offset: int, content: str) -> None:
        """Write to a disk as its guest would."""
        with self._simulated.host.lock:
            file = self._simulated.host.file
            row = self._content(guid, drive)
            if row["ResourceSubType"] == PHYSICAL_DRIVE:
                with self._raw(row).open("r+b") as raw:
                    raw.seek(offset)
                    raw.write(b64decode(content))
                return
            path = file(self._path(row))
            vhdx_data.write(path, offset, b64decode(content), file)

    def do_boots(self, guid: str) -> str:
        """The file that a VM's firmware boots."""
        with self._simulated.host.lock:
            return booted_file(self._simulated.machines.by_guid[guid])

    def do_boot_sources(self, guid: str, paths: list[str]) -> None:
        """Give a VM another order of booting, as an operator would."""
        with self._simulated.host.lock:
            self._simulated.machines.by_guid[guid].settings["BootSourceOrder"] = paths

    def do_add_target(
        self, iqn: str, portal: str, lun: int, file: str, user: str = "", password: str = ""
    ) -> None:
        """Let a storage server offer a file as a logical unit, by one more portal, to everybody or
        to one user.
        """
        with self._simulated.host.lock:
            made = Target(user=user, password=password)
            target = self._simulated.iscsi.targets.setdefault(iqn, made)
            target.portals.add(portal)
            target.units[lun] = Path(file)

    def do_drop_target(self, iqn: str) -> None:
        """Let this host lose a target, which is gone for all hosts."""
        with self._simulated.host.lock:
            self._simulated.iscsi.targets.pop(iqn, None)
            self._simulated.iscsi.drop(iqn)

    def do_uses_target(self, iqn: str) -> bool:
        """Whether this host has a session with a target."""
        return self._simulated.iscsi.uses(iqn)

    def do_iscsi(self) -> list[str]:
        """What the host's initiator keeps."""
        with self._simulated.host.lock:
            return self._simulated.iscsi.connections()

    def do_end_sessions(self) -> None:
        """End all sessions, as a restart of the host does."""
        with self._simulated.host.lock:
            self._simulated.iscsi.reboot()

    def do_enlarge_file(self, path: str, size: int) -> None:
        """Enlarge a virtual disk that is a volume, as its service would."""
        with self._simulated.host.lock:
            vhdx.resize(self._simulated.host.file(path), size)

    def _content(self, guid: str, drive: str) -> Row:
        machine = self._simulated.machines.by_guid[guid]
        [row] = [row for row in machine.resources if row["InstanceID"] == drive]
        if row["ResourceSubType"] == PHYSICAL_DRIVE:
            return row
        [content] = children(machine, row)
        return content

    def _raw(self, drive: Row) -> Path:
        file = self._simulated.iscsi.file(self._path(drive))
        if file is None:
            raise ValueError("the physical disk is gone")
        return file

    def _size(self, row: Row) -> int:
        if row["ResourceSubType"] == PHYSICAL_DRIVE:
            return self._simulated.iscsi.size_bytes(self._path(row))
        return vhdx.read(self._simulated.host.file(self._path(row))).size_bytes

    @staticmethod
    def _path(row: Row) -> str:
        return str(row["HostResource"][0])
