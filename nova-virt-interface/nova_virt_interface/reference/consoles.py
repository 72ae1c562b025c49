"""The reference driver's part of `IConsole`."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.offers import check_offered
from nova_virt_interface.reference._part import Part
from nova_virt_interface.reference.errors import translated
from nova_virt_interface.reference.host_consoles import TICKET_SECONDS, consoles_of
from nova_virt_interface.reference.translate import power_state
from nova_virt_interface.secret import Secret
from nova_virt_interface.states import ON, require_state
from nova_virt_interface.values.console import Console, OpenConsoleRequest

__all__ = ["ReferenceConsoles"]


class ReferenceConsoles(Part):
    """Consoles of VMs on a host in memory."""

    def open_console(self, vm_uuid: UUID, request: OpenConsoleRequest) -> Console:
        """See `IConsole`."""
        state = power_state(self._ours(vm_uuid).state)
        check_offered(request.kind, self._description.console_kinds, "kind")
        require_state(vm_uuid, state, *ON)
        with translated():
            host = self._host
            port, ticket = consoles_of(host).open(host, vm_uuid, request.kind.value)
        return Console(
            kind=request.kind,
            host="127.0.0.1",
            port=port,
            secret=Secret(ticket),
            valid_seconds=TICKET_SECONDS,
        )
