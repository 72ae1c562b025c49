"""Volumes of a volume service, as disks of VMs.

An iSCSI target is a storage repository of type ``iscsi`` (a logical unit is a VDI) that exists
while a VM has one of its units; a volume of the hypervisor's own is a VDI that is there already.
"""

from __future__ import annotations

import threading
from typing import Final
from uuid import UUID, uuid5

from nova_virt_interface.errors import (
    InvalidRequest,
    NotFound,
    PeerUnreachable,
    Resource,
    VirtError,
)
from nova_virt_interface.states import require_state
from nova_virt_interface.values.disks import ResizeDiskRequest
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.volumes import (
    HypervisorVolume,
    IscsiVolume,
    Volume,
    VolumeConnector,
)

from nova_virt_xenapi.cache import Cache, Rows
from nova_virt_xenapi.conf import Settings
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.records import Found
from nova_virt_xenapi.session import Session
from nova_virt_xenapi.translate import power_state

__all__ = ["Volumes"]

_NAMESPACE: Final = UUID("5f0e0b5c-5a3c-4a0e-9c1b-0d3f8a1f7a11")
_SCAN_SECONDS: Final = 1.0


class Volumes:
    """Connects the host to volumes. Whoever connects holds ``lock`` until a VM has the VDI."""

    def __init__(self, session: Session, cache: Cache, pool: Pool, settings: Settings) -> None:
        self._session = session
        self._cache = cache
        self._pool = pool
        self._owner = settings.owner
        self.lock = threading.RLock()

    def volume_connector(self) -> VolumeConnector:
        """See `IVolumeConnector.volume_connector`."""
        with self._session.operation("the host"):
            record = self._cache.row("host", self._pool.host)
        return VolumeConnector(
            hostname=record["hostname"],
            addresses=(record["address"],),
            initiator_iqns=(record["iscsi_iqn"],),
            multipath=bool(record["multipathing"]),
        )

    def connect(self, volume: Volume) -> str:
        """The VDI of a volume; raises PeerUnreachable."""
        connection = volume.connection
        if isinstance(connection, HypervisorVolume):
            try:
                vdi: str = self._session.call("VDI.get_by_uuid", connection.identity)
            except NotFound as error:
                raise _away(volume) from error
            return vdi
        assert isinstance(connection, IscsiVolume)  # noqa: S101 - offered are these two
        sr = self._target(connection)

        def unit() -> str | None:
            return _unit_of(self._cache.told("VDI"), sr, connection.lun)

        # The storage manager writes the units beside its answer.
        if not self._cache.wait_for(lambda: unit() is not None, _SCAN_SECONDS):
            self._cache.sync()
        found = unit()
        if found is None:
            self.release_unused()
            raise _away(volume)
        return found

    def release_unused(self) -> None:
        """Disconnect the host from targets of which no VM has a unit any more."""
        with self.lock:
            connected = {row["VDI"] for row in self._cache.rows("VBD").values()}
            vdis = self._cache.rows("VDI")
            used = {vdis[ref]["SR"] for ref in connected if ref in vdis}
            for sr in self._ours():
                if sr not in used:
                    self._forget(sr)

    def leave(self, here: set[str]) -> None:
        """Disconnect the host from targets of which none of its own VMs has a unit: those that have
        one are on other hosts.
        """
        with self.lock:
            vbds, vdis = self._cache.rows("VBD").values(), self._cache.rows("VDI")
            used = {row["VDI"] for row in vbds if row["VM"] in here}
            mine = {vdis[ref]["SR"] for ref in used if ref in vdis}
            for sr in self._ours():
                if sr not in mine:
                    self._forget(sr)

    def take_size(self, vdi: str, vm: Found, request: ResizeDiskRequest) -> None:
        """Let the pool see that a volume has grown. Its guest sees it when it starts: no storage
        manager of XCP-ng tells a domain that has the disk.
        """
        if self._has_size(vdi, request):
            return
        state = power_state(vm.record["power_state"])
        require_state(vm.mark.vm_uuid, state, PowerState.STOPPED)
        repository = self._cache.row("VDI", vdi)["SR"]
        if repository in self._ours():
            self._session.call("SR.scan", repository)
        else:
            self._session.call("VDI.update", vdi)
        if not self._has_size(vdi, request):
            raise InvalidRequest(
                f"volume {request.key} of VM {vm.mark.vm_uuid} has another size",
                remedy="let its service enlarge it first",
                field="size_bytes",
            )

    def _has_size(self, vdi: str, request: ResizeDiskRequest) -> bool:
        size = int(self._session.call("VDI.get_virtual_size", vdi))
        return 0 <= size - request.size_bytes < self._pool.description.disk_step_bytes

    def _ours(self) -> Rows:
        """The targets that a driver of this owner has introduced: their uuid says so."""
        return {
            ref: record
            for ref, record in self._cache.rows("SR").items()
            if record["uuid"] == self._uuid(record["name_label"], record["name_description"])
        }

    def _uuid(self, iqn: str, portals: str) -> str:
        return str(uuid5(_NAMESPACE, f"{self._owner} {iqn} {portals}"))

    def _target(self, connection: IscsiVolume) -> str:
        """The storage repository of a target, plugged in on this host, with all its units."""
        iqn, portals = connection.target_iqn, ",".join(connection.portals)
        uuid = self._uuid(iqn, portals)
        found = [ref for ref, record in self._ours().items() if record["uuid"] == uuid]
        sr: str = (
            found[0]
            if found
            else self._session.call("SR.introduce", uuid, iqn, portals, "iscsi", "", True, {})
        )
        try:
            self._plug(sr, connection)
            self._session.call("SR.scan", sr)
        except VirtError:
            self.release_unused()
            raise
        return sr

    def _plug(self, sr: str, connection: IscsiVolume) -> None:
        here = {ref: row for ref, row in self._pbds(sr).items() if row["host"] == self._pool.host}
        host, _, port = connection.portals[0].rpartition(":")
        pbd = (
            next(iter(here))
            if here
            else self._session.call(
                "PBD.create",
                {
                    "host": self._pool.host,
                    "SR": sr,
                    "device_config": {
                        "target": host.strip("[]"),
                        "port": port,
                        "targetIQN": connection.target_iqn,
                    },
                    "other_config": {},
                },
            )
        )
        if not here or not here[pbd]["currently_attached"]:
            self._session.call("PBD.plug", pbd)

    def _forget(self, sr: str) -> None:
        remain = 0
        for pbd, row in self._pbds(sr).items():
            if row["host"] != self._pool.host:
                remain += 1
                continue
            if row["currently_attached"]:
                self._session.call("PBD.unplug", pbd)
            self._session.call("PBD.destroy", pbd)
        if not remain:
            self._session.call("SR.forget", sr)

    def _pbds(self, sr: str) -> Rows:
        return {ref: row for ref, row in self._cache.rows("PBD").items() if row["SR"] == sr}


def _unit_of(vdis: Rows, sr: str, lun: int) -> str | None:
    """The VDI of a logical unit."""
    for ref, row in vdis.items():
        if row["SR"] == sr and row["sm_config"].get("LUNid") == str(lun):
            return ref
    return None


def _away(volume: Volume) -> PeerUnreachable:
    return PeerUnreachable(
        f"volume {volume.volume_id} is not to be reached",
        resource=Resource.VOLUME,
        name=str(volume.volume_id),
        remedy="check its storage, then repeat it",
    )
