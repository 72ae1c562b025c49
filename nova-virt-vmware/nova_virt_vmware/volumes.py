"""Volumes of a volume service: the hosts connect to one while a VM has it as a disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from nova_virt_interface.errors import (
    BackendError,
    InvalidRequest,
    NotFound,
    PeerUnreachable,
    Resource,
    VirtError,
)
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.values.disks import DiskSpec, ResizeDiskRequest
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.volumes import (
    FileVolume,
    HypervisorVolume,
    IscsiVolume,
    NfsVolume,
    Volume,
    VolumeConnection,
    VolumeConnector,
    VolumeProtocol,
)

from nova_virt_vmware import translate
from nova_virt_vmware.first_class import found_disk
from nova_virt_vmware.hosts import Hosts
from nova_virt_vmware.iscsi import Iscsi
from nova_virt_vmware.nfs import Nfs
from nova_virt_vmware.session import Session
from nova_virt_vmware.stores import Stores
from nova_virt_vmware.vms import Vms
from nova_virt_vmware.volume_marks import VOLUMES, Backing, file_path, volumes_in

__all__ = ["Volumes"]

_ADDRESSES = "config.network.vnic"


class Volumes:
    """The volumes of one compute node's VMs."""

    def __init__(
        self,
        session: Session,
        hosts: Hosts,
        stores: Stores,
        nfs: Nfs,
        iscsi: Iscsi,
        vms: Vms,
        host: HostDescription,
    ) -> None:
        self._session = session
        self._hosts = hosts
        self._stores = stores
        self._nfs = nfs
        self._iscsi = iscsi if VolumeProtocol.ISCSI in host.volume_protocols else None
        self._vms = vms
        self._host = host
        # Whoever connects holds it until a VM has the volume, and is seen to use it.
        self._lock = threading.RLock()
        # Whether there may be connections that no VM uses: an earlier process may have crashed.
        self._in_doubt = True

    def volume_connector(self) -> VolumeConnector:
        """See `IVolumeConnector.volume_connector`."""
        cards = [card for _, facts in self._hosts.facts([_ADDRESSES]) for card in facts[_ADDRESSES]]
        addresses = {card.spec.ip.ipAddress for card in cards if card.spec.ip}
        return VolumeConnector(
            hostname=self._host.hostname,
            addresses=tuple(sorted(addresses - {None})),
            initiator_iqns=self._iscsi.names() if self._iscsi else (),
            multipath=self._iscsi is not None,
        )

    @contextmanager
    def connected(self, specs: Sequence[DiskSpec]) -> Iterator[dict[str, Backing]]:
        """Inside, the hosts are connected to the volumes among these disks, by their keys; they
        stay so if it ends well.

        Raises: PeerUnreachable (volume); InvalidRequest (another size).
        """
        wanted: dict[str, Any] = {s.key: s for s in specs if isinstance(s.source, Volume)}
        if not wanted:
            yield {}
            return
        connections = [spec.source.connection for spec in wanted.values()]
        with self._lock, undone_by(lambda: self._let_go(connections)):
            yield {key: self._connect(spec) for key, spec in wanted.items()}

    def _let_go(self, connections: Sequence[VolumeConnection]) -> None:
        with self.letting_go(connections):
            # No VM has got them.
            pass

    def _connect(self, spec: Any) -> Backing:
        backing = self.backing(spec.key, spec.source.connection)
        if backing.size_bytes != spec.size_bytes:
            raise InvalidRequest(
                f"volume {spec.key} has {backing.size_bytes} bytes, not {spec.size_bytes}",
                remedy="say the volume's own size",
                field=f"disks[{spec.key}].size_bytes",
            )
        return backing

    def backing(self, key: str, connection: VolumeConnection) -> Backing:
        """Connect the hosts to a volume that is a disk of this key; raises PeerUnreachable."""
        return _reached(key, lambda: self._found(connection))

    def _found(self, connection: VolumeConnection) -> Backing:
        if isinstance(connection, NfsVolume):
            return self._nfs.connect(connection)
        if isinstance(connection, IscsiVolume) and self._iscsi:
            return self._iscsi.connect(connection)
        if isinstance(connection, HypervisorVolume):
            return found_disk(self._session, connection)
        assert isinstance(connection, FileVolume)  # noqa: S101 - offered are these four
        name, path = file_path(connection.path)
        size = self._stores.disk_bytes(self._stores.of_name(name), path)
        return Backing(size, file=connection.path)

    def require(self, facts: Mapping[str, Any]) -> None:
        """The hosts reach all volumes of a VM, by its mark; raises PeerUnreachable."""
        for key, connection in volumes_in(facts).items():
            with self._lock:
                self.backing(key, connection)

    def require_size(self, request: ResizeDiskRequest, connection: VolumeConnection) -> None:
        """A volume has grown to this size, or more; raises InvalidRequest, PeerUnreachable."""
        size = self.backing(request.key, connection).size_bytes
        if request.size_bytes > size:
            raise InvalidRequest(
                f"volume {request.key} has {size} bytes, not {request.size_bytes}",
                remedy="let its service enlarge it first",
                field="size_bytes",
            )

    @contextmanager
    def letting_go(self, connections: Iterable[VolumeConnection]) -> Iterator[None]:
        """Inside, a VM loses these volumes; after it the hosts are disconnected from those that no
        VM of ours uses. What fails is done by a later `settle`.
        """
        if all(isinstance(connection, FileVolume | HypervisorVolume) for connection in connections):
            # The hosts have the datastore anyway.
            yield
            return
        self._in_doubt = True
        try:
            yield
        finally:
            # Another thread may have looked while the VM still had them.
            self._in_doubt = True
        self.settle()

    def settle(self) -> None:
        """Disconnect the hosts from what no VM of ours uses, if there may be something."""
        with self._lock:
            if not self._in_doubt:
                return
            self._in_doubt = False
            try:
                self._release()
            except BaseException:
                self._in_doubt = True
                raise

    def _release(self) -> None:
        used = self._used()
        self._in_doubt = not self._nfs.release({c.export for c in used if isinstance(c, NfsVolume)})
        if self._iscsi:
            self._iscsi.release([c for c in used if isinstance(c, IscsiVolume)])

    def _used(self) -> list[VolumeConnection]:
        paths = [*translate.IDENTITY_PATHS, translate.mark_path(VOLUMES)]
        ours = (facts for _, vm_uuid, facts in self._vms.census(paths) if vm_uuid)
        return [connection for facts in ours for connection in volumes_in(facts).values()]


def _reached(key: str, find: Callable[[], Backing]) -> Backing:
    try:
        return find()
    except (NotFound, BackendError, PeerUnreachable) as error:
        raise _away(key, error) from error


def _away(key: str, error: VirtError) -> PeerUnreachable:
    return PeerUnreachable(
        f"the hosts do not reach volume {key}",
        remedy="check its storage, then repeat it",
        resource=Resource.VOLUME,
        name=key,
        detail=error.detail or str(error),
        may_have_been_done=error.may_have_been_done,
    )
