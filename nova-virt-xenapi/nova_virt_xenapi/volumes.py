"""Volumes of a volume service, as disks of VMs.

An iSCSI target is a storage repository of type ``iscsi`` (a logical unit is a VDI) that exists
while a VM has one of its units; a volume of the hypervisor's own is a VDI that is there already.
"""

from __future__ import annotations

import threading
from typing import Any, Final
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

from nova_virt_xenapi.conf import Settings
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.records import Found
from nova_virt_xenapi.session import Session
from nova_virt_xenapi.translate import power_state

__all__ = ["Volumes"]

_NAMESPACE: Final = UUID("5f0e0b5c-5a3c-4a0e-9c1b-0d3f8a1f7a11")
_OWNER: Final = "nova-virt-owner"


class Volumes:
    """Connects the host to volumes. Whoever connects holds ``lock`` until a VM has the VDI."""

    def __init__(self, session: Session, pool: Pool, settings: Settings) -> None:
        self._session = session
        self._pool = pool
        self._owner = settings.owner
        self.lock = threading.RLock()

    def volume_connector(self) -> VolumeConnector:
        """See `IVolumeConnector.volume_connector`."""
        with self._session.operation("the host"):
            record = self._session.call("host.get_record", self._pool.host)
        return VolumeConnector(
            hostname=record["hostname"],
            addresses=(record["address"],),
            initiator_iqn=record["iscsi_iqn"],
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
        for ref, record in self._session.call("VDI.get_all_records").items():
            if record["SR"] == sr and record["sm_config"].get("LUNid") == str(connection.lun):
                return str(ref)
        self.release_unused()
        raise _away(volume)

    def take_size(self, vdi: str, vm: Found, request: ResizeDiskRequest) -> None:
        """Let the pool see that a volume has grown. Its guest sees it when it starts: no storage
        manager of XCP-ng tells a domain that has the disk.
        """
        if self._has_size(vdi, request):
            return
        state = power_state(vm.record["power_state"])
        require_state(vm.mark.vm_uuid, state, PowerState.STOPPED)
        record = self._session.call("VDI.get_record", vdi)
        if record["SR"] in self._ours():
            self._session.call("SR.scan", record["SR"])
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

    def release_unused(self) -> None:
        """Disconnect the host from targets of which no VM has a unit any more."""
        with self.lock:
            for sr, record in self._ours().items():
                if not any(self._session.call("VDI.get_VBDs", vdi) for vdi in record["VDIs"]):
                    self._forget(sr, record)

    def leave(self, here: set[str]) -> None:
        """Disconnect the host from targets of which none of its own VMs has a unit: those that have
        one are on other hosts.
        """
        with self.lock:
            ours = self._ours()
            vbds = self._session.call("VBD.get_all_records") if ours else {}
            used = {row["VDI"] for row in vbds.values() if row["VM"] in here}
            for sr, record in ours.items():
                if not used & set(record["VDIs"]):
                    self._forget(sr, record)

    def _ours(self) -> dict[str, dict[str, Any]]:
        records = self._session.call("SR.get_all_records")
        return {
            ref: record
            for ref, record in records.items()
            if record["other_config"].get(_OWNER) == self._owner
        }

    def _target(self, connection: IscsiVolume) -> str:
        """The storage repository of a target, plugged in on this host, with all its units."""
        uuid = str(uuid5(_NAMESPACE, f"{self._owner} {connection.target_iqn} {connection.portals}"))
        found = [ref for ref, record in self._ours().items() if record["uuid"] == uuid]
        sr = found[0] if found else self._introduce(uuid, connection.target_iqn)
        try:
            self._plug(sr, connection)
            self._session.call("SR.scan", sr)
        except VirtError:
            self.release_unused()
            raise
        return sr

    def _introduce(self, uuid: str, iqn: str) -> str:
        about = "nova-virt volumes"
        sr: str = self._session.call("SR.introduce", uuid, iqn, about, "iscsi", "", True, {})
        self._session.call("SR.add_to_other_config", sr, _OWNER, self._owner)
        return sr

    def _plug(self, sr: str, connection: IscsiVolume) -> None:
        pbds = self._session.call("PBD.get_all_records")
        here = [
            ref for ref, row in pbds.items() if (row["SR"], row["host"]) == (sr, self._pool.host)
        ]
        host, _, port = connection.portals[0].rpartition(":")
        pbd = (
            here[0]
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
        if not here or not pbds[pbd]["currently_attached"]:
            self._session.call("PBD.plug", pbd)

    def _forget(self, sr: str, record: dict[str, Any]) -> None:
        remain = 0
        for pbd in record["PBDs"]:
            row = self._session.call("PBD.get_record", pbd)
            if row["host"] != self._pool.host:
                remain += 1
                continue
            if row["currently_attached"]:
                self._session.call("PBD.unplug", pbd)
            self._session.call("PBD.destroy", pbd)
        if not remain:
            self._session.call("SR.forget", sr)


def _away(volume: Volume) -> PeerUnreachable:
    return PeerUnreachable(
        f"volume {volume.volume_id} is not to be reached",
        resource=Resource.VOLUME,
        name=str(volume.volume_id),
        remedy="check its storage, then repeat it",
    )
