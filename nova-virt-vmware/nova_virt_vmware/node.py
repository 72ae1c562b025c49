"""The compute node: a cluster or a host outside of any, with its datastore and its networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nova_virt_interface.errors import InvalidRequest, NotFound, Resource, Unsupported
from pyVmomi import vim, vmodl

from nova_virt_vmware.api import Api
from nova_virt_vmware.conf import Settings
from nova_virt_vmware.policies import find_policy
from nova_virt_vmware.store_choice import choose_store

__all__ = ["Node", "find_node"]

_query = vmodl.query.PropertyCollector
# Their files are objects of their own, which cannot be uploaded as a disk's extent.
_OBJECT_STORES = frozenset({"vsan", "vsanD", "VVOL"})


@dataclass(frozen=True)
class Node:
    """Where the driver's VMs are. Of managed objects it keeps the ids, which outlive a login."""

    compute_id: str
    compute_type: type
    pool_id: str
    datacenter_id: str
    datacenter_path: str
    vm_folder_id: str
    datastore_id: str
    datastore: str
    browser_id: str
    takes_extents: bool
    policy_id: str
    """Of the storage policy for VMs and disks; empty: the datastore's own."""
    vcenter_id: str
    """Tells one vCenter from another; empty for a host without one."""

    def compute(self, api: Api) -> Any:
        """The cluster or the host's compute resource."""
        return self.compute_type(self.compute_id, api.stub)

    def pool(self, api: Api) -> vim.ResourcePool:
        """Its root resource pool, which holds all its VMs."""
        return vim.ResourcePool(self.pool_id, api.stub)

    def datacenter(self, api: Api) -> vim.Datacenter:
        """The datacenter that it is in."""
        return vim.Datacenter(self.datacenter_id, api.stub)

    def vm_folder(self, api: Api) -> vim.Folder:
        """The inventory folder for new VMs."""
        return vim.Folder(self.vm_folder_id, api.stub)

    def datastore_object(self, api: Api) -> vim.Datastore:
        """The datastore for disks and images."""
        return vim.Datastore(self.datastore_id, api.stub)

    def browser(self, api: Api) -> vim.host.DatastoreBrowser:
        """What searches the datastore."""
        return vim.host.DatastoreBrowser(self.browser_id, api.stub)

    @property
    def storage_id(self) -> str | None:
        """Names the datastore, which other compute nodes of the vCenter may use as well; a host
        alone does not know others.
        """
        return f"{self.vcenter_id}:{self.datastore_id}" if self.vcenter_id else None

    @property
    def is_one_host(self) -> bool:
        """Whether it is a host, not a cluster whose hosts come and go."""
        return self.compute_type is vim.ComputeResource

    @property
    def name(self) -> str:
        """Names the compute node within its vCenter, whatever an operator calls it."""
        return self.compute_id


def find_node(api: Api, settings: Settings) -> Node:
    """Find the compute node and datastore that the settings name.

    Raises: NotFound, InvalidRequest; Unsupported (the datastore is not accessible).
    """
    compute, facts = _chosen(_computes(api), settings.cluster, "cluster")
    policy_id = find_policy(api, settings.storage_policy) if settings.storage_policy else ""
    datastore, store = choose_store(api, settings, compute, policy_id)
    if not store["summary.accessible"]:
        raise Unsupported(
            f"datastore {store['name']} is not accessible", remedy="mount it on the hosts"
        )
    datacenter, path, folder = _datacenter(api, compute)
    return Node(
        compute_id=compute._moId,
        compute_type=type(compute),
        pool_id=facts["resourcePool"]._moId,
        datacenter_id=datacenter._moId,
        datacenter_path=path,
        vm_folder_id=folder._moId,
        datastore_id=datastore._moId,
        datastore=store["name"],
        browser_id=store["browser"]._moId,
        takes_extents=store["summary.type"] not in _OBJECT_STORES,
        policy_id=policy_id,
        vcenter_id=_vcenter_id(api),
    )


_Found = Sequence[tuple[Any, dict[str, Any]]]


def _chosen(found: _Found, name: str, field: str) -> tuple[Any, dict[str, Any]]:
    named = [entry for entry in found if not name or entry[1]["name"] == name]
    if len(named) == 1:
        return named[0]
    there = ", ".join(sorted(facts["name"] for _, facts in found)) or "none"
    if not named:
        raise NotFound(
            f"there is no {field} {name}",
            remedy=f"set option {field} to one of: {there}",
            resource=Resource.STORAGE if field == "datastore" else Resource.CPU,
            name=name,
        )
    raise InvalidRequest(
        f"there are several {field}s{f' of name {name}' if name else ''}",
        remedy=f"set option {field} to one of: {there}",
        field=field,
    )


def _vcenter_id(api: Api) -> str:
    about = api.content.about
    return about.instanceUuid or "" if about.apiType == "VirtualCenter" else ""


def _computes(api: Api) -> _Found:
    view = api.content.viewManager.CreateContainerView(
        api.content.rootFolder, [vim.ComputeResource], True
    )
    try:
        through = _query.TraversalSpec(type=vim.view.ContainerView, path="view", skip=False)
        start = _query.ObjectSpec(obj=view, skip=True, selectSet=[through])
        return api.retrieve([start], {vim.ComputeResource: ["name", "resourcePool"]})
    finally:
        view.DestroyView()


def _datacenter(api: Api, compute: Any) -> tuple[Any, str, Any]:
    """The datacenter, its path as the folder access wants it, and its folder of VMs."""
    upwards = _query.TraversalSpec(
        name="up",
        type=vim.ManagedEntity,
        path="parent",
        skip=False,
        selectSet=[_query.SelectionSpec(name="up")],
    )
    start = _query.ObjectSpec(obj=compute, skip=True, selectSet=[upwards])
    found = dict(
        api.retrieve([start], {vim.ManagedEntity: ["name", "parent"], vim.Datacenter: ["vmFolder"]})
    )
    datacenter = next(entity for entity in found if isinstance(entity, vim.Datacenter))
    names = []
    entity = datacenter
    # The root folder, which has no parent, is not part of a path.
    while found[entity].get("parent") is not None:
        names.append(found[entity]["name"])
        entity = found[entity]["parent"]
    return datacenter, "/".join(reversed(names)), found[datacenter]["vmFolder"]
