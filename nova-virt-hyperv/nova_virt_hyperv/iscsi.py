"""The host's own iSCSI initiator: sessions with targets, and the disks that they bring."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from nova_virt_interface.call import current_call
from nova_virt_interface.errors import (
    BackendError,
    Busy,
    InvalidRequest,
    NotFound,
    PeerUnreachable,
    Resource,
    VirtError,
)
from nova_virt_interface.secret import Secret

from nova_virt_hyperv.cim import (
    STORAGE,
    WMI,
    Instance,
    Reference,
    equals,
    object_path,
    select,
)
from nova_virt_hyperv.errors import About
from nova_virt_hyperv.wmi import Wmi

__all__ = ["Disk", "Iscsi", "Login", "initiator_name"]

_PORTAL, _TARGET = "MSFT_iSCSITargetPortal", "MSFT_iSCSITarget"
# How long Windows may take to show a disk of a session.
_APPEAR_SECONDS = 30.0
_LOOK_SECONDS = 0.25
# How the path of a disk begins that MPIO has made of several.
_MPIO = "\\\\?\\mpio"
_FAILURES = (BackendError, Busy, NotFound, PeerUnreachable)


@dataclass(frozen=True)
class Login:
    """Who logs in to a target that asks (CHAP)."""

    user: str
    password: Secret


@dataclass(frozen=True)
class Disk:
    """A disk of the host's own."""

    number: int
    """Windows' number of it, which it may lose to another one when the host starts anew."""
    size_bytes: int


def initiator_name(wmi: Wmi) -> str:
    """The IQN of the host; empty if it has no initiator."""
    try:
        rows = wmi.query(select("MSiSCSIInitiator_MethodClass"), WMI)
    except (NotFound, BackendError):
        return ""
    return rows[0].text("iSCSINodeName") if rows else ""


class Iscsi:
    """The initiator of one host.

    Args:
        wmi: speaks to it.
        host_name: its name.
        multipath: log in by all portals of a target, and wait until the host has made one disk of
            the ways to a unit.
    """

    def __init__(self, wmi: Wmi, host_name: str, *, multipath: bool = False) -> None:
        self._wmi = wmi
        self._host_name = host_name
        self._multipath = multipath

    def connect(
        self, portals: tuple[str, ...], iqn: str, lun: int, login: Login | None = None
    ) -> Disk:
        """Log in to a target, unless the host is, and take the disk of a logical unit from the
        host's own use. The session ends with the host; nothing logs in by itself, so that Windows
        keeps a password in memory alone.

        Raises: PeerUnreachable, InvalidRequest (secrets).
        """
        found = self._find(iqn, lun)
        if found is None:
            self._log_in(portals, iqn, login)
            found = self._await(iqn, lun)
        if found.text("IsOffline") != "true":
            keys = (("ObjectId", found.text("ObjectId")),)
            disk = Reference("MSFT_Disk", keys, STORAGE)
            self._wmi.invoke(disk, "Offline", [], about=About(f"disk of {iqn}"))
        return Disk(found.number("Number") or 0, found.number("Size") or 0)

    def size_bytes(self, iqn: str, lun: int) -> int:
        """The size that a logical unit has now."""
        self._rescan()
        found = self._find(iqn, lun)
        return (found.number("Size") or 0) if found else 0

    def disconnect(self, iqn: str) -> None:
        """Log out from a target; sessions that are persistent are an operator's, and stay."""
        query = select("MSFT_iSCSISession", equals("TargetNodeAddress", iqn))
        sessions = self._wmi.query(query, STORAGE)
        if not sessions or any(row.text("IsPersistent") == "true" for row in sessions):
            return
        about = About(f"sessions with {iqn}")
        for target in self._wmi.references(_TARGET, STORAGE):
            if target.key("NodeAddress") == iqn:
                for row in sessions:
                    named = [("SessionIdentifier", row.text("SessionIdentifier"))]
                    self._wmi.invoke(target, "Disconnect", named, about=about)

    def forget_portal(self, portal: str) -> None:
        """Look for targets there no more."""
        address, _, port = portal.rpartition(":")
        for found in self._wmi.references(_PORTAL, STORAGE):
            if (found.key("TargetPortalAddress"), found.key("TargetPortalPortNumber")) == (
                address,
                port,
            ):
                self._wmi.invoke(found, "Remove", [], about=About(f"portal {portal}"))

    def drive_path(self, disk: Disk) -> str:
        """How a VM's drive names the disk; raises PeerUnreachable."""
        rows = self._wmi.query(select("Msvm_DiskDrive", f"DriveNumber = {disk.number}"))
        if not rows:
            raise _away(f"Hyper-V does not see disk {disk.number} of the host")
        names = ("SystemCreationClassName", "SystemName", "CreationClassName", "DeviceID")
        keys = tuple((name, rows[0].text(name)) for name in names)
        return object_path(self._host_name, Reference("Msvm_DiskDrive", keys))

    def _log_in(self, portals: tuple[str, ...], iqn: str, login: Login | None) -> None:
        if any(True for _ in self._devices(iqn)):
            # A unit that is new on the target appears when somebody looks.
            self._rescan()
            return
        failure: VirtError = _away(f"target {iqn} has no portal")
        ways = 0
        for portal in portals:
            address, _, port = portal.rpartition(":")
            place = [("TargetPortalAddress", address), ("TargetPortalPortNumber", port)]
            try:
                self._call(_PORTAL, "New", place, iqn)
                named = [("NodeAddress", iqn), *place, ("IsPersistent", "false")]
                if self._multipath:
                    named.append(("IsMultipathEnabled", "true"))
                self._call(_TARGET, "Connect", [*named, *_authentication(login)], iqn)
            except InvalidRequest:
                # Another portal is one of the same target, which would count another attempt.
                self.forget_portal(portal)
                raise
            except _FAILURES as error:
                failure = error
                self.forget_portal(portal)
            else:
                ways += 1
                if not self._multipath:
                    return
        if not ways:
            raise failure

    def _call(self, class_name: str, method: str, named: list[tuple[str, str]], iqn: str) -> None:
        about = About(f"target {iqn}")
        self._wmi.invoke(Reference(class_name, (), STORAGE), method, named, about=about)

    def _await(self, iqn: str, lun: int) -> Instance:
        deadline = time.monotonic() + _APPEAR_SECONDS
        while (found := self._find(iqn, lun)) is None:
            if time.monotonic() > deadline:
                raise _away(f"target {iqn} shows no logical unit {lun}")
            current_call().wait(_LOOK_SECONDS)
        return found

    def _find(self, iqn: str, lun: int) -> Instance | None:
        """The MSFT_Disk of a logical unit."""
        for device in self._devices(iqn):
            if device.number("ScsiLun") == lun:
                number = f"Number = {device.number('DeviceNumber')}"
                for disk in self._wmi.query(select("MSFT_Disk", number), STORAGE):
                    if not self._multipath or disk.text("Path").lower().startswith(_MPIO):
                        return disk
        return None

    def _devices(self, iqn: str) -> Iterator[Instance]:
        query = select("MSiSCSIInitiator_SessionClass", equals("TargetName", iqn))
        for session in self._wmi.query(query, WMI):
            yield from session.instances("Devices")

    def _rescan(self) -> None:
        settings = Reference("MSFT_StorageSetting", (), STORAGE)
        self._wmi.invoke(settings, "UpdateHostStorageCache", [], about=About("disks"))


def _authentication(login: Login | None) -> list[tuple[str, str]]:
    if login is None:
        return []
    password = login.password.reveal().decode()
    return [
        ("AuthenticationType", "ONEWAYCHAP"),
        ("ChapUsername", login.user),
        ("ChapSecret", password),
    ]


def _away(why: str) -> PeerUnreachable:
    return PeerUnreachable(why, resource=Resource.VOLUME)
