"""All datastores of the compute node, and the disks of others on them."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, NamedTuple

from nova_virt_interface.errors import NotFound, Resource
from pyVmomi import vim, vmodl

from nova_virt_vmware.api import Api
from nova_virt_vmware.node import Node
from nova_virt_vmware.session import Session
from nova_virt_vmware.waiting import result_of

__all__ = ["Store", "Stores"]

_query = vmodl.query.PropertyCollector
_browser = vim.host.DatastoreBrowser
_PATHS = ["name", "browser", "info", "host"]


class Store(NamedTuple):
    """A datastore."""

    store_id: str
    name: str
    browser_id: str
    export: str
    """``HOST:/PATH`` of one on NFS, else empty."""
    hosts: frozenset[str]
    """Ids of the hosts that have it mounted."""

    def disk(self, path: PurePosixPath) -> str:
        """A file as vSphere names it."""
        return f"[{self.name}] {path}"


class Stores:
    """Finds datastores, and disks on them."""

    def __init__(self, session: Session, node: Node) -> None:
        self._session = session
        self._node = node

    def all(self) -> list[Store]:
        """Those that the compute node has, in one question."""

        def question(api: Api) -> list[tuple[Any, dict[str, Any]]]:
            through = _query.TraversalSpec(type=vim.ComputeResource, path="datastore", skip=False)
            start = _query.ObjectSpec(obj=self._node.compute(api), skip=True, selectSet=[through])
            return api.retrieve([start], {vim.Datastore: _PATHS})

        return [_store(store, facts) for store, facts in self._session.ask("datastores", question)]

    def of_name(self, name: str) -> Store:
        """The datastore of this name; raises NotFound."""
        found = next((store for store in self.all() if store.name == name), None)
        if found is None:
            raise NotFound(f"there is no datastore {name}", resource=Resource.STORAGE, name=name)
        return found

    def disk_bytes(self, store: Store, path: PurePosixPath) -> int:
        """The size of a disk that is there; raises NotFound."""
        flags = _browser.VmDiskQuery.Details(
            capacityKb=True,
            diskType=False,
            hardwareVersion=False,
            controllerType=False,
            diskExtents=False,
            thin=False,
        )
        spec = _browser.SearchSpec(
            query=[_browser.VmDiskQuery(details=flags)], matchPattern=[path.name]
        )

        def search(api: Api) -> Any:
            browser = _browser(store.browser_id, api.stub)
            folder = store.disk(path.parent)
            return result_of(api.collectors, browser.SearchDatastore_Task(folder, spec))

        name = store.disk(path)
        for entry in self._session.ask(f"looking for {name}", search).file:
            if entry.path == path.name and isinstance(entry, _browser.VmDiskInfo):
                return int(entry.capacityKb or 0) * 1024
        raise NotFound(f"there is no disk {name}", resource=Resource.DISK, name=name)


def _store(store: Any, facts: dict[str, Any]) -> Store:
    nas = getattr(facts.get("info"), "nas", None)
    return Store(
        store_id=store._moId,
        name=facts["name"],
        browser_id=facts["browser"]._moId,
        export=f"{nas.remoteHost}:{nas.remotePath}" if nas else "",
        hosts=frozenset(mount.key._moId for mount in facts.get("host") or ()),
    )
