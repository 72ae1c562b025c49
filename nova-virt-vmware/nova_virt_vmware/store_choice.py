"""Which of the compute node's datastores has its disks and images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from nova_virt_interface.errors import InvalidRequest, NotFound, Resource
from pyVmomi import vim, vmodl

from nova_virt_vmware.api import Api
from nova_virt_vmware.conf import Settings
from nova_virt_vmware.policies import compatible
from nova_virt_vmware.waiting import result_of

__all__ = ["MOUNT", "choose_store", "root_folder"]

MOUNT = re.compile("nova-virt-[0-9a-f]{8}-[0-9a-f]{12}")
"""Names of datastores that a driver has mounted for volumes."""

_query = vmodl.query.PropertyCollector
_browser = vim.host.DatastoreBrowser
_PATHS = ["name", "browser", "host", "summary.type", "summary.accessible", "summary.freeSpace"]
_Store = tuple[Any, dict[str, Any]]


def root_folder(settings: Settings) -> str:
    """The folder of all the driver's files on its datastore."""
    return f"nova-virt-{settings.owner}"


def choose_store(api: Api, settings: Settings, compute: Any, policy_id: str) -> _Store:
    """The datastore that the settings name or describe.

    Of several that fit it is the one that has the driver's files already, so that a choice lasts;
    else the one with the most room that all hosts reach.

    Raises: NotFound, InvalidRequest.
    """
    there = [store for store in _stores(api, compute) if not MOUNT.fullmatch(store[1]["name"])]
    fitting = [store for store in there if _is_named(store[1]["name"], settings)]
    if policy_id and fitting:
        ids = compatible(api, policy_id, (store for store, _ in fitting))
        fitting = [store for store in fitting if store[0]._moId in ids]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise _none(there, settings)
    if not settings.datastore_regex:
        raise InvalidRequest(
            "there are several datastores",
            remedy=f"set option datastore to one of: {_names(fitting)}",
            field="datastore",
        )
    fitting = _shared(fitting) or fitting
    used = [store for store in fitting if _has_files(api, store[1], settings)]
    return max(used or fitting, key=lambda store: (store[1]["summary.freeSpace"], store[1]["name"]))


def _is_named(name: str, settings: Settings) -> bool:
    if settings.datastore_regex:
        return re.match(settings.datastore_regex, name) is not None
    return settings.datastore in ("", name)


def _shared(stores: Sequence[_Store]) -> list[_Store]:
    """Those that are accessible and that as many hosts as possible have."""
    found = [store for store in stores if store[1]["summary.accessible"]]
    most = max((len(facts.get("host") or ()) for _, facts in found), default=0)
    return [store for store in found if len(store[1].get("host") or ()) == most]


def _has_files(api: Api, facts: dict[str, Any], settings: Settings) -> bool:
    name = root_folder(settings)
    spec = _browser.SearchSpec(query=[_browser.FolderQuery()], matchPattern=[name])
    task = facts["browser"].SearchDatastore_Task(f"[{facts['name']}]", spec)
    return any(entry.path == name for entry in result_of(api.collectors, task).file)


def _stores(api: Api, compute: Any) -> list[_Store]:
    through = _query.TraversalSpec(type=vim.ComputeResource, path="datastore", skip=False)
    start = _query.ObjectSpec(obj=compute, skip=True, selectSet=[through])
    return api.retrieve([start], {vim.Datastore: _PATHS})


def _none(there: Sequence[_Store], settings: Settings) -> NotFound:
    wanted = settings.datastore_regex or settings.datastore or "any"
    policy = f" that fits policy {settings.storage_policy}" if settings.storage_policy else ""
    option = "datastore_regex" if settings.datastore_regex else "datastore"
    return NotFound(
        f"there is no datastore {wanted}{policy}",
        remedy=f"set option {option} for one of: {_names(there)}",
        resource=Resource.STORAGE,
        name=wanted,
    )


def _names(stores: Sequence[_Store]) -> str:
    return ", ".join(sorted(facts["name"] for _, facts in stores)) or "none"
