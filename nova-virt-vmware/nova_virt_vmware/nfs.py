"""NFS exports with volumes: datastores that the hosts mount while a VM has a volume on them."""

from __future__ import annotations

import hashlib
import logging
from pathlib import PurePosixPath
from typing import Any

from nova_virt_interface.errors import Busy, Conflict, NotFound, Resource
from nova_virt_interface.values.volumes import NfsVolume
from pyVmomi import vim

from nova_virt_vmware.api import Api
from nova_virt_vmware.hosts import Hosts
from nova_virt_vmware.session import Session
from nova_virt_vmware.stores import Store, Stores
from nova_virt_vmware.volume_marks import Backing

__all__ = ["Nfs"]

_log = logging.getLogger(__name__)
_SYSTEM = "configManager.datastoreSystem"
_STATE = "runtime.connectionState"


class Nfs:
    """The exports of one compute node's volumes. A datastore that somebody else made of an export
    is used, too, and stays.
    """

    def __init__(self, session: Session, hosts: Hosts, stores: Stores) -> None:
        self._session = session
        self._hosts = hosts
        self._stores = stores
        # A datastore on NFS has at most 42 characters, and one name in a vCenter: a VM that goes to
        # another compute node finds it by that.
        self._prefix = f"nova-virt-{_short(session.settings.owner)[:8]}-"

    def connect(self, volume: NfsVolume) -> Backing:
        """Mount the export on all hosts, and find the disk. Idempotent.

        Raises: NotFound (disk); VirtError.
        """
        store = self._mounted(volume.export)
        path = PurePosixPath(volume.path)
        return Backing(self._stores.disk_bytes(store, path), file=store.disk(path))

    def _mounted(self, export: str) -> Store:
        store = self._found(export)
        systems = self._systems()
        missing = [id for id in systems if store is None or id not in store.hosts]
        if not missing and store is not None:
            return store
        host, _, path = export.partition(":/")
        spec = vim.host.NasVolume.Specification(
            remoteHost=host.strip("[]"),
            remotePath=f"/{path}",
            localPath=store.name if store else self._prefix + _short(export)[:12],
            accessMode="readWrite",
            type="NFS",
        )
        for host_id in missing:
            self._mount(systems[host_id], spec)
        store = self._found(export)
        if store is None:
            raise NotFound(f"no host has mounted {export}", resource=Resource.VOLUME, name=export)
        return store

    def _mount(self, system: str, spec: vim.host.NasVolume.Specification) -> None:
        def mount(api: Api) -> None:
            vim.host.DatastoreSystem(system, api.stub).CreateNasDatastore(spec)

        try:
            self._session.change(f"mounting {spec.remoteHost}:{spec.remotePath}", mount)
        except Conflict:
            # A lost request, or another process, has mounted it.
            return

    def release(self, used: set[str]) -> bool:
        """Unmount what the driver has mounted, but for these exports; says whether nothing that
        somebody else uses is left.

        Raises: VirtError.
        """
        done = True
        for store in self._stores.all():
            if store.name.startswith(self._prefix) and store.export not in used:
                systems = self._systems()
                for host_id in store.hosts & systems.keys():
                    done &= self._unmount(systems[host_id], store)
        return done

    def _unmount(self, system: str, store: Store) -> bool:
        def unmount(api: Api) -> None:
            datastore = vim.Datastore(store.store_id, api.stub)
            vim.host.DatastoreSystem(system, api.stub).RemoveDatastore(datastore)

        try:
            self._session.change(f"unmounting {store.export}", unmount)
        except NotFound:
            return True
        except Busy as error:
            _log.warning("%s stays mounted, somebody uses it: %s", store.export, error)
            return False
        return True

    def _found(self, export: str) -> Store | None:
        return next((store for store in self._stores.all() if store.export == export), None)

    def _systems(self) -> dict[str, str]:
        """Id of each host that answers → id of what manages its datastores."""
        found: list[tuple[Any, dict[str, Any]]] = self._hosts.facts([_SYSTEM, _STATE])
        return {
            host._moId: facts[_SYSTEM]._moId
            for host, facts in found
            if str(facts.get(_STATE)) == "connected" and _SYSTEM in facts
        }


def _short(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
