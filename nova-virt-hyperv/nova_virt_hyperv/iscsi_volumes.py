"""Volumes that are logical units of iSCSI targets, which the host passes on as disks.

Beside a VM's disks lies a record of each: it is written before the host logs in, and removed after
it has logged out, so that no session is left when a call ends in the middle. It holds no secret:
where a target asks for a password, the host is logged in only while the VM is on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from uuid import UUID

from nova_virt_interface.errors import BackendError, InvalidRequest, VirtError
from nova_virt_interface.offers import require_secrets
from nova_virt_interface.turns import Turns
from nova_virt_interface.values.disks import DiskSpec
from nova_virt_interface.values.secrets import DeviceSecret, SecretPurpose
from nova_virt_interface.values.volumes import IscsiVolume, Volume

from nova_virt_hyperv.errors import unreachable_volume
from nova_virt_hyperv.files import DISKS, Files
from nova_virt_hyperv.iscsi import Iscsi, Login
from nova_virt_hyperv.mark import UNIT, DiskName

__all__ = ["IscsiVolumes", "Secrets", "Unit", "is_unit"]

Secrets = tuple[DeviceSecret, ...]
"""What core brings to open the devices of a VM."""


@dataclass(frozen=True)
class Unit:
    """A logical unit that a VM has as a disk."""

    key: str
    portals: tuple[str, ...]
    iqn: str
    lun: int
    host: str
    """The host that is logged in; empty: none, as long as the VM is off."""
    user: str = ""
    """Of whom the target wants a password; empty: it lets everybody in."""


def is_unit(spec: DiskSpec) -> bool:
    """Whether a disk is a logical unit."""
    return isinstance(spec.source, Volume) and isinstance(spec.source.connection, IscsiVolume)


class IscsiVolumes:
    """The logical units that the VMs of one host have."""

    def __init__(self, files: Files, iscsi: Iscsi, host_name: str) -> None:
        self._files = files
        self._iscsi = iscsi
        self._host = host_name.lower()
        # Who logs out looks first whether anybody needs the session, and nobody logs in meanwhile.
        self._turns = Turns()

    def of(self, vm_uuid: UUID) -> tuple[Unit, ...]:
        """What a VM has."""
        return tuple(unit for _, unit in self._read(f"{vm_uuid}.*.{UNIT}"))

    def require_secrets(self, vm_uuid: UUID, secrets: Secrets) -> None:
        """Raise InvalidRequest (secrets) unless there is each that a VM's units need."""
        for unit in self.of(vm_uuid):
            _login(unit, secrets)

    def connect(self, vm_uuid: UUID, spec: DiskSpec, secrets: Secrets) -> str:
        """Connect the host to a volume; returns how a VM's drive names it."""
        unit = _unit(spec, self._host)
        login = _login(unit, secrets)
        with self._turns.turn(unit.iqn):
            self._write(str(DiskName.of(vm_uuid, spec)), unit)
            try:
                disk = self._iscsi.connect(unit.portals, unit.iqn, unit.lun, login)
                if disk.size_bytes != spec.size_bytes:
                    raise InvalidRequest(
                        f"volume {spec.key} has {disk.size_bytes} bytes",
                        remedy="say the volume's own size",
                        field=f"disks[{spec.key}].size_bytes",
                    )
                return self._iscsi.drive_path(disk)
            except InvalidRequest:
                raise
            except VirtError as error:
                raise unreachable_volume(spec.key, error) from error

    def restore(self, vm_uuid: UUID, secrets: Secrets) -> dict[str, str]:
        """Connect the host again to what a VM that is off has; returns how its drives have to name
        them.
        """
        units = list(self._read(f"{vm_uuid}.*.{UNIT}"))
        logins = {name: _login(unit, secrets) for name, unit in units}
        # A session that a guest has left that shut itself down would take any password.
        self.rest(vm_uuid)
        found = {}
        for name, unit in units:
            with self._turns.turn(unit.iqn):
                if unit.user:
                    self._write(name, replace(unit, host=self._host))
                try:
                    disk = self._iscsi.connect(unit.portals, unit.iqn, unit.lun, logins[name])
                    found[unit.key] = self._iscsi.drive_path(disk)
                except InvalidRequest:
                    raise
                except VirtError as error:
                    raise unreachable_volume(unit.key, error) from error
        return found

    def rest(self, vm_uuid: UUID) -> None:
        """Forget passwords as long as a VM is off: log out from the targets that want one."""
        for name, unit in list(self._read(f"{vm_uuid}.*.{UNIT}")):
            if unit.user and unit.host == self._host:
                with self._turns.turn(unit.iqn):
                    self._leave(name, unit)
                    self._write(name, replace(unit, host=""))

    def require_grown(self, vm_uuid: UUID, key: str, size_bytes: int) -> None:
        """A volume has this size, which its service has given it."""
        for _, unit in self._read(f"{vm_uuid}.{key}.*.{UNIT}"):
            found = self._iscsi.size_bytes(unit.iqn, unit.lun)
            if found != size_bytes:
                raise InvalidRequest(
                    f"volume {key} has {found} bytes, not {size_bytes}",
                    remedy="let its service enlarge it first",
                    field="size_bytes",
                )

    def release(self, vm_uuid: UUID, key: str = "*") -> None:
        """Let go of what a VM had, and has no more."""
        for name, unit in list(self._read(f"{vm_uuid}.{key}.*.{UNIT}")):
            with self._turns.turn(unit.iqn):
                if unit.host == self._host:
                    self._leave(name, unit)
                self._files.remove(DISKS, name)

    def _leave(self, name: str, unit: Unit) -> None:
        """Log out from a unit's target, unless somebody else needs it."""
        others = [other for file, other in self._read(f"*.{UNIT}") if file != name]
        others = [other for other in others if other.host == self._host]
        if unit.iqn in {other.iqn for other in others}:
            return
        self._iscsi.disconnect(unit.iqn)
        needed = {portal for other in others for portal in other.portals}
        for portal in unit.portals:
            if portal not in needed:
                self._iscsi.forget_portal(portal)

    def _write(self, name: str, unit: Unit) -> None:
        self._files.put(DISKS, name, json.dumps(asdict(unit)).encode())

    def _read(self, pattern: str) -> Iterator[tuple[str, Unit]]:
        for entry in self._files.files(DISKS, pattern):
            if entry.name.startswith("_"):
                continue
            with self._files.read(DISKS, entry.name) as file:
                text = file.read()
            try:
                found = json.loads(text)
                yield entry.name, Unit(**found | {"portals": tuple(found["portals"])})
            except (ValueError, TypeError, KeyError) as error:
                raise BackendError(
                    f"the record {entry.name} is damaged", remedy="remove it from the share"
                ) from error


def _unit(spec: DiskSpec, host: str) -> Unit:
    if not isinstance(spec.source, Volume) or not isinstance(spec.source.connection, IscsiVolume):
        raise BackendError(f"disk {spec.key} is no logical unit")
    connection = spec.source.connection
    user = connection.user.name if connection.user else ""
    return Unit(spec.key, connection.portals, connection.target_iqn, connection.lun, host, user)


def _login(unit: Unit, secrets: Secrets) -> Login | None:
    """Who logs in to a unit's target. Raises InvalidRequest (secrets)."""
    if not unit.user:
        return None
    wanted = (unit.key, SecretPurpose.AUTHENTICATION)
    require_secrets([wanted], secrets)
    [password, *_] = [item.secret for item in secrets if (item.key, item.purpose) == wanted]
    return Login(unit.user, password)
