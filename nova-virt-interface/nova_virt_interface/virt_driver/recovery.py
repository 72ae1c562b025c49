"""Optional: instances whose host is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.instance_requests import EvacuateRequest
    from nova_virt_interface.values.recovery import ReleaseVmRequest

__all__ = ["IInstanceRecovery"]


class IInstanceRecovery(Interface):
    """A node on storage that outlives its hosts."""

    taggedValue("since", "1.0")

    def find_instance_disks(instance_uuid: UUID) -> tuple[str, ...]:
        """Return the keys of this instance's disks that the node can reach; see
        `IRecovery.find_disks`.
        """

    def evacuate(instance_uuid: UUID, request: EvacuateRequest) -> None:
        """Take an instance over with its disks, and start it; see `IRecovery.adopt_vm`.

        [REC-4] Repeated it succeeds and the instance runs.

        Raises: NotFound (disk, network); Conflict (vm); Unsupported; InsufficientResources.
        """

    def release_instance(instance_uuid: UUID, request: ReleaseVmRequest) -> None:
        """Forget an instance that another node has taken over; see `IRecovery.release_vm`."""
