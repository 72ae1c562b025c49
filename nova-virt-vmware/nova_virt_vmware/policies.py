"""Storage policies of a vCenter, by its storage policy API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nova_virt_interface.errors import NotFound, Resource, Unsupported
from pyVmomi import SoapStubAdapter, pbm, vim

from nova_virt_vmware.api import Api

__all__ = ["compatible", "find_policy", "policy", "under_policy"]

_PATH = "/pbm"
_VERSION = "pbm.version.version11"


def find_policy(api: Api, name: str) -> str:
    """The id of the policy of this name.

    Raises: NotFound, Unsupported (a host without a vCenter).
    """
    if api.content.about.apiType != "VirtualCenter":
        raise Unsupported(
            "option storage_policy: a host without a vCenter has no storage policies",
            remedy="leave it empty",
            field="storage_policy",
        )
    manager = _content(api).profileManager
    storage = pbm.profile.ResourceType(resourceType="STORAGE")
    ids = manager.QueryProfile(storage, "REQUIREMENT")
    names = {found.name: found.profileId.uniqueId for found in manager.RetrieveContent(ids)}
    if name not in names:
        raise NotFound(
            f"there is no storage policy {name}",
            remedy=f"set option storage_policy to one of: {', '.join(sorted(names))}",
            resource=Resource.STORAGE,
            name=name,
        )
    return str(names[name])


def compatible(api: Api, policy_id: str, stores: Iterable[vim.Datastore]) -> set[str]:
    """Ids of those datastores that can keep what the policy promises."""
    hub = pbm.placement.PlacementHub
    hubs = [hub(hubType="Datastore", hubId=store._moId) for store in stores]
    profile = pbm.profile.ProfileId(uniqueId=policy_id)
    wanted = [pbm.placement.CapabilityProfileRequirement(profileId=profile)]
    solver = _content(api).placementSolver
    found = solver.CheckRequirements(hubs, None, wanted)
    return {result.hub.hubId for result in found if not result.error}


def _content(api: Api) -> pbm.ServiceInstanceContent:
    """The service's objects. It knows the login at the vCenter by the same cookie."""
    cookie = str(api.stub.cookie).partition(";")[0].partition("=")[2].strip('"')
    stub = SoapStubAdapter(
        host=api.settings.host,
        port=api.settings.port,
        path=_PATH,
        version=_VERSION,
        sslContext=api.tls,
        httpConnectionTimeout=api.settings.request_timeout_seconds,
        poolSize=0,
        requestContext={"vcSessionCookie": cookie},
    )
    return pbm.ServiceInstance("ServiceInstance", stub).RetrieveContent()


def under_policy(changes: Iterable[Any], policy_id: str) -> list[Any]:
    """The changes with the policy for each disk that is added and is the driver's own."""
    found = list(changes)
    for change in found:
        mode = getattr(getattr(change.device, "backing", None), "diskMode", None)
        if policy_id and str(change.operation) == "add" and mode == "persistent":
            change.profile = policy(policy_id)
    return found


def policy(policy_id: str) -> list[vim.vm.ProfileSpec]:
    """The policy as a VM or a disk gets it; none for an empty id."""
    return [vim.vm.DefinedProfileSpec(profileId=policy_id)] if policy_id else []
