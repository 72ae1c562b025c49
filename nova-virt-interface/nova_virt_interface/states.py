"""Refuses what a VM's power state does not allow: the same for every driver."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.errors import InvalidState
from nova_virt_interface.values.power import PowerState

__all__ = ["ON", "PLUGGABLE", "require_state"]

ON = (PowerState.RUNNING, PowerState.PAUSED)
"""The states in which a VM has memory in the host's memory, and a console."""
PLUGGABLE = (PowerState.STOPPED, *ON)
"""The states in which disks and NICs come and go (rules DISK-12, NIC-6)."""


def require_state(vm_uuid: UUID, state: PowerState, *allowed: PowerState) -> None:
    """Raise `InvalidState` unless the VM's state is one of those that are allowed."""
    if state not in allowed:
        raise InvalidState(
            f"VM {vm_uuid} is {state.value}",
            remedy=f"bring it to the state {' or '.join(item.value for item in allowed)} first",
            state=state.value,
        )
