"""What a subject of the reference driver can count on: the connection that it is part of."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.reference.host import Host, Vm
from nova_virt_interface.values.host import HostDescription

__all__ = ["Connection"]


class Connection:
    """`ReferenceHypervisor` has all of this."""

    _description: HostDescription

    @property
    def _host(self) -> Host:
        """The host; raises HostUnreachable when the connection is closed."""
        raise NotImplementedError

    def _ours(self, vm_uuid: UUID) -> Vm:
        """The VM of this uuid; raises NotFound also for a foreign one."""
        raise NotImplementedError
