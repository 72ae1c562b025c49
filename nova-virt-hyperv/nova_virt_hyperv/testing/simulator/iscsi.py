"""The iSCSI initiator of the simulated host, and the disks that it brings; and the targets.

https://learn.microsoft.com/previous-versions/windows/desktop/iscsidisc/msft-iscsitarget
and the pages of the classes beside it; https://learn.microsoft.com/windows-hardware/drivers/storage/msft-disk;
error codes: https://learn.microsoft.com/windows-hardware/drivers/ddi/iscsierr
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nova_virt_hyperv.testing.simulator.host import STORAGE, VIRTUALIZATION, WMI, Host
from nova_virt_hyperv.testing.simulator.machines import Machines
from nova_virt_hyperv.testing.simulator.model import Outcome, Refused, Row, WsFault
from nova_virt_hyperv.testing.simulator.wql import parse_path

__all__ = ["Iscsi", "Target"]

_CONNECTION_FAILED, _TARGET_NOT_FOUND, _LOGGED_IN = 0xEFFF0003, 0xEFFF0031, 0xEFFF003F
_AUTHENTICATION_FAILURE = 0xEFFF0009
_AUTHENTICATION_TYPES = ("NONE", "ONEWAYCHAP", "MUTUALCHAP")
_ISCSI_BUS = 9
_FIRST_NUMBER = 2


@dataclass
class Target:
    """What a storage server offers."""

    portals: set[str] = field(default_factory=set)
    """``HOST:PORT`` of each."""
    units: dict[int, Path] = field(default_factory=dict)
    """The file behind each logical unit."""
    user: str = ""
    """Whom it lets in, by CHAP; empty: everybody."""
    password: str = field(default="", repr=False)
    """The user's."""


@dataclass(frozen=True)
class _Session:
    iqn: str
    portal: str
    identifier: str
    multipath: bool


@dataclass
class _Disk:
    iqn: str
    lun: int
    size_bytes: int
    offline: bool = False


class Iscsi:
    """The initiator of one host.

    Args:
        host: the host.
        machines: its VMs.
        targets: what storage servers offer to it, by name.
    """

    def __init__(self, host: Host, machines: Machines, targets: dict[str, Target]) -> None:
        self._host = host
        self.targets = targets
        self._portals: set[tuple[str, int]] = set()
        self._known: set[str] = set()
        self._sessions: list[_Session] = []
        self._disks: dict[int, _Disk] = {}
        self._next = _FIRST_NUMBER
        self._logins = 0
        for name, method, handler in (
            ("MSFT_iSCSITargetPortal", "New", self._discover),
            ("MSFT_iSCSITargetPortal", "Remove", self._forget_portal),
            ("MSFT_iSCSITarget", "Connect", self._connect),
            ("MSFT_iSCSITarget", "Disconnect", self._disconnect),
            ("MSFT_Disk", "Offline", self._offline),
            ("MSFT_StorageSetting", "UpdateHostStorageCache", self._rescan),
        ):
            host.handlers[(name, method)] = handler
        host.keep(
            host.make(
                "MSiSCSIInitiator_MethodClass",
                InstanceName="ROOT\\ISCSIPRT\\0000_0",
                iSCSINodeName=f"iqn.1991-05.com.microsoft:{host.configuration.name.lower()}",
            )
        )
        host.add_source(self._rows, STORAGE, WMI, VIRTUALIZATION)
        machines.drive_file = self.file

    def file(self, path: str) -> Path | None:
        """The file behind a physical disk, by the path of its Msvm_DiskDrive."""
        number = dict(parse_path(path).keys).get("DeviceID", "").rpartition("\\")[2]
        disk = self._disks.get(int(number)) if number.isdigit() else None
        return self.targets[disk.iqn].units[disk.lun] if disk is not None else None

    def size_bytes(self, path: str) -> int:
        """The size that the host has seen of a physical disk."""
        number = dict(parse_path(path).keys)["DeviceID"].rpartition("\\")[2]
        return self._disks[int(number)].size_bytes

    def uses(self, iqn: str) -> bool:
        """Whether the host has a session with a target."""
        return any(session.iqn == iqn for session in self._sessions)

    def connections(self) -> list[str]:
        """What the initiator keeps: portals, and sessions with targets."""
        portals = [f"portal {address}:{port}" for address, port in self._portals]
        return sorted([*portals, *(f"session with {found.iqn}" for found in self._sessions)])

    def drop(self, iqn: str) -> None:
        """A target is away: its sessions end, and its disks are gone."""
        self._sessions = [session for session in self._sessions if session.iqn != iqn]
        self._disks = {n: disk for n, disk in self._disks.items() if disk.iqn != iqn}

    def reboot(self) -> None:
        """End all sessions, and let disks have other numbers when they come again."""
        self._sessions.clear()
        self._disks.clear()
        self._next += 1

    def _discover(self, host: Host, _: Row, given: dict[str, Any]) -> Outcome:
        address = given.get("TargetPortalAddress") or ""
        port = given.get("TargetPortalPortNumber") or 3260
        offered = {
            iqn for iqn, target in self.targets.items() if f"{address}:{port}" in target.portals
        }
        self._portals.add((address, port))
        if not offered:
            raise WsFault("w:InternalError", _CONNECTION_FAILED, "Connection Failed.", is_wmi=True)
        self._known |= offered
        return Outcome(0)

    def _forget_portal(self, host: Host, portal: Row, given: dict[str, Any]) -> Outcome:
        place = (portal["TargetPortalAddress"], portal["TargetPortalPortNumber"])
        self._portals.discard(place)
        return Outcome(0)

    def _connect(self, host: Host, _: Row, given: dict[str, Any]) -> Outcome:
        iqn = given.get("NodeAddress") or ""
        target = self.targets.get(iqn)
        if iqn not in self._known or target is None:
            raise WsFault("w:InternalError", _TARGET_NOT_FOUND, "no such target", is_wmi=True)
        portal = f"{given.get('TargetPortalAddress')}:{given.get('TargetPortalPortNumber')}"
        multipath = bool(given.get("IsMultipathEnabled"))
        others = [session for session in self._sessions if session.iqn == iqn]
        if (others and not multipath) or portal in {session.portal for session in others}:
            raise WsFault("w:InternalError", _LOGGED_IN, "already logged in", is_wmi=True)
        kind = given.get("AuthenticationType") or "NONE"
        if kind not in _AUTHENTICATION_TYPES:
            raise Refused(87, f"AuthenticationType {kind}")
        known = (given.get("ChapUsername"), given.get("ChapSecret"))
        if target.user and (kind, *known) != ("ONEWAYCHAP", target.user, target.password):
            told = "Authentication Failure."
            raise WsFault("w:InternalError", _AUTHENTICATION_FAILURE, told, is_wmi=True)
        self._logins += 1
        identifier = f"ffffc20f5a3ac010-40000137{self._logins:08x}"
        self._sessions.append(_Session(iqn, portal, identifier, multipath))
        self._bring(iqn, target)
        return Outcome(0)

    def _bring(self, iqn: str, target: Target) -> None:
        there = {disk.lun for disk in self._disks.values() if disk.iqn == iqn}
        for lun, file in target.units.items():
            if lun not in there:
                self._disks[self._next] = _Disk(iqn, lun, file.stat().st_size)
                self._next += 1

    def _disconnect(self, host: Host, row: Row, given: dict[str, Any]) -> Outcome:
        iqn = str(row["NodeAddress"])
        wanted = given.get("SessionIdentifier")
        mine = [session for session in self._sessions if session.iqn == iqn]
        ended = [session for session in mine if wanted in (None, session.identifier)]
        if not ended:
            raise Refused(5, "no such session")
        if len(ended) == len(mine):
            self.drop(iqn)
        self._sessions = [session for session in self._sessions if session not in ended]
        return Outcome(0)

    def _offline(self, host: Host, row: Row, given: dict[str, Any]) -> Outcome:
        self._disks[int(row["Number"])].offline = True
        return Outcome(0)

    def _rescan(self, host: Host, _: Row, given: dict[str, Any]) -> Outcome:
        for session in self._sessions:
            self._bring(session.iqn, self.targets[session.iqn])
        for disk in self._disks.values():
            disk.size_bytes = self.targets[disk.iqn].units[disk.lun].stat().st_size
        return Outcome(0)

    def _rows(self) -> Iterator[Row]:
        make = self._host.make
        for address, port in self._portals:
            yield make(
                "MSFT_iSCSITargetPortal", TargetPortalAddress=address, TargetPortalPortNumber=port
            )
        for iqn in self._known & self.targets.keys():
            yield make("MSFT_iSCSITarget", NodeAddress=iqn, IsConnected=self.uses(iqn))
        for session in self._sessions:
            yield from self._session_rows(session.iqn, session.identifier)
        for number, disk in self._disks.items():
            yield from self._disk_rows(number, disk)

    def _is_multipath(self, iqn: str) -> bool:
        """Whether MPIO has claimed a target's disks: one of all ways to a unit."""
        return any(session.multipath for session in self._sessions if session.iqn == iqn)

    def _session_rows(self, iqn: str, identifier: str) -> Iterator[Row]:
        make = self._host.make
        yield make(
            "MSFT_iSCSISession",
            SessionIdentifier=identifier,
            TargetNodeAddress=iqn,
            AuthenticationType="ONEWAYCHAP" if self.targets[iqn].user else "NONE",
            NumberOfConnections=1,
            IsConnected=True,
            IsPersistent=False,
        )
        devices = [
            make(
                "MSiSCSIInitiator_DeviceOnSession",
                TargetName=iqn,
                ScsiLun=disk.lun,
                DeviceNumber=number,
                LegacyName=f"\\\\.\\PhysicalDrive{number}",
            )
            for number, disk in self._disks.items()
            if disk.iqn == iqn
        ]
        yield make(
            "MSiSCSIInitiator_SessionClass", SessionId=identifier, TargetName=iqn, Devices=devices
        )

    def _disk_rows(self, number: int, disk: _Disk) -> Iterator[Row]:
        yield self._host.make(
            "MSFT_Disk",
            ObjectId=f"{{1}}\\\\{self._host.configuration.name}\\{number}",
            Path=f"\\\\?\\{'mpio' if self._is_multipath(disk.iqn) else 'scsi'}#disk#{number}",
            Number=number,
            Size=disk.size_bytes,
            BusType=_ISCSI_BUS,
            IsOffline=disk.offline,
        )
        if disk.offline:
            # Hyper-V passes on what the host itself does not use.
            yield self._host.make(
                "Msvm_DiskDrive",
                SystemName=self._host.configuration.name,
                DeviceID=f"Microsoft:353B3BE8-310C-4CF4-839E-4E1B14616136\\{number}",
                DriveNumber=number,
            )
