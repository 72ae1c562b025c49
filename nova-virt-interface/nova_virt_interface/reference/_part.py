"""What the parts of the reference driver, one for each subject, can count on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn
from uuid import UUID

from nova_virt_interface.errors import InvalidState
from nova_virt_interface.reference.host import Host, Vm
from nova_virt_interface.reference.translate import power_state
from nova_virt_interface.states import PLUGGABLE, require_state
from nova_virt_interface.values.host import HostDescription

__all__ = ["Part", "require_pluggable", "wrong_state"]


class Part:
    """A part of a connection to a host in memory."""

    _owner: str
    _description: HostDescription

    if TYPE_CHECKING:

        @property
        def _host(self) -> Host:
            """The host; raises HostUnreachable when the connection is closed."""

        def _ours(self, vm_uuid: UUID) -> Vm:
            """The VM of this uuid; raises NotFound also for a foreign one."""

    def _mark(self, vm_uuid: UUID) -> str:
        """The mark of a VM of ours. An operator's copy of it has the mark, but another uuid."""
        return f"{self._owner} {vm_uuid}"


def require_pluggable(vm: Vm) -> None:
    """Raise `InvalidState` about a VM that is suspended."""
    require_state(vm.uuid, power_state(vm.state), *PLUGGABLE)


def wrong_state(vm_uuid: UUID, state: str, problem: str, remedy: str) -> NoReturn:
    """Raise `InvalidState`."""
    raise InvalidState(f"VM {vm_uuid} {problem}", state=state, remedy=remedy)
