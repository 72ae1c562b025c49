"""Consoles: what guests wrote to the serial one, a file beside the VM's disks, and tickets for the
one that a person connects to.
"""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.secret import Secret
from nova_virt_interface.states import require_state
from nova_virt_interface.values.console import Console as OpenedConsole
from nova_virt_interface.values.console import ConsoleKind, OpenConsoleRequest
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.power import PowerState
from pyVmomi import vim

from nova_virt_vmware import devices, translate
from nova_virt_vmware.api import Api
from nova_virt_vmware.datastore import Datastore, path_in
from nova_virt_vmware.session import Session
from nova_virt_vmware.vms import Vms

__all__ = ["LOG_NAME", "Console"]

LOG_NAME = "console.log"
# A WebSocket: the plain protocol of port 902 is not for browsers.
_TICKET = "webmks"
_PATH = "/ticket/"
_HTTPS = 443
# The reference does not say how long a ticket waits to be used: one minute is on the safe side.
_VALID_SECONDS = 60


class Console:
    """The consoles of one compute node's VMs."""

    def __init__(
        self, session: Session, datastore: Datastore, vms: Vms, host: HostDescription
    ) -> None:
        self._session = session
        self._datastore = datastore
        self._vms = vms
        self._host = host

    def console_log(self, vm_uuid: UUID, limit_bytes: int) -> bytes:
        """See `IConsoleLog.console_log`."""
        found = self._vms.ours(vm_uuid, ["config.hardware.device"])
        file = devices.serial_file(found.facts["config.hardware.device"])
        if limit_bytes <= 0 or file is None:
            return b""
        return self._datastore.tail(path_in(file), limit_bytes)

    def open_console(self, vm_uuid: UUID, request: OpenConsoleRequest) -> OpenedConsole:
        """See `IConsole.open_console`. The secret is the last part of the path to ask for."""
        offers.check_offered(request.kind, self._host.console_kinds, "kind")
        found = self._vms.ours(vm_uuid, translate.POWER_PATHS)
        require_state(vm_uuid, translate.power_state(found.facts), PowerState.RUNNING)

        def acquire(api: Api) -> vim.VirtualMachine.Ticket:
            return found.on(api).AcquireTicket(_TICKET)

        ticket = self._session.ask(f"a console of VM {vm_uuid}", acquire)
        return OpenedConsole(
            kind=ConsoleKind.MKS,
            # Empty means: the server that was asked.
            host=ticket.host or self._session.settings.host,
            port=ticket.port or _HTTPS,
            tls=True,
            path=_PATH,
            secret=Secret(ticket.ticket),
            valid_seconds=_VALID_SECONDS,
        )
