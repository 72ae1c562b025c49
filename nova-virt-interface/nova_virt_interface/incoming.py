"""What every host refuses alike when a VM comes to it: the same for every driver's
`IMigrationTarget`.
"""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.errors import Conflict, InvalidRequest, InvalidState, Resource
from nova_virt_interface.values.migration import CheckIncomingRequest
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.volumes import Volume

__all__ = ["has_come", "not_come", "require_described", "taken"]


def require_described(vm_uuid: UUID, request: CheckIncomingRequest) -> None:
    """Raise `InvalidRequest` unless the spec is one of the VM that the source describes."""
    theirs = {disk.key: disk.is_volume for disk in request.vm.disks}
    ours = {disk.key: isinstance(disk.source, Volume) for disk in request.spec.disks}
    if request.vm.vm_uuid != vm_uuid or theirs != ours:
        raise InvalidRequest(
            f"VM {request.vm.vm_uuid} has the disks {sorted(theirs)}, the description of VM "
            f"{vm_uuid} has {sorted(ours)}, or takes others of them for volumes",
            remedy="describe the VM as it is",
            field="spec.disks",
        )


def taken(vm_uuid: UUID) -> Conflict:
    """The error about a uuid that another VM has here, or under which another one is expected."""
    return Conflict(
        f"VM {vm_uuid} is here already, or another one of this uuid is expected",
        remedy="delete what is here, or cancel what is to come, or use another host",
        resource=Resource.VM,
        name=str(vm_uuid),
    )


def not_come(vm_uuid: UUID) -> InvalidState:
    """The error about a VM whose migration is to be finished before it came."""
    return InvalidState(
        f"VM {vm_uuid} has not come",
        remedy="migrate it first",
        state=PowerState.UNKNOWN.value,
    )


def has_come(vm_uuid: UUID, state: PowerState) -> InvalidState:
    """The error about a VM whose migration can no longer be cancelled: it is this host's."""
    return InvalidState(
        f"VM {vm_uuid} has come, and is this host's",
        remedy="finish the migration, and migrate or delete the VM; stop a cold copy first",
        state=state.value,
    )
