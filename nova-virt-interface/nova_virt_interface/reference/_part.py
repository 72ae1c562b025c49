"""What the parts of the reference driver, one for each subject, can count on."""

from __future__ import annotations

from typing import NoReturn
from uuid import UUID

from nova_virt_interface.errors import InvalidState
from nova_virt_interface.reference.host import Host, Vm
from nova_virt_interface.values.host import HostDescription

__all__ = ["Part", "wrong_state"]


class Part:
    """A part of a connection to a host in memory."""

    _owner: str
    _description: HostDescription

    @property
    def _host(self) -> Host:
        raise NotImplementedError

    def _ours(self, vm_uuid: UUID) -> Vm:
        raise NotImplementedError


def wrong_state(vm_uuid: UUID, state: str, problem: str, remedy: str) -> NoReturn:
    """Raise `InvalidState`."""
    raise InvalidState(f"VM {vm_uuid} {problem}", state=state, remedy=remedy)
