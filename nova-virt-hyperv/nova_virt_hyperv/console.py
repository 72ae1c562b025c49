"""Consoles of VMs: the host's remote desktop service for virtual machines."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.states import ON, require_state
from nova_virt_interface.values.console import Console, ConsoleKind, OpenConsoleRequest
from nova_virt_interface.values.host import HostDescription

from nova_virt_hyperv.cim import select
from nova_virt_hyperv.machines import Machine, Machines
from nova_virt_hyperv.wmi import Wmi

__all__ = ["Consoles", "console_port"]


def console_port(wmi: Wmi) -> int | None:
    """Where the host offers its VMs' consoles; None if it does not."""
    rows = wmi.query(select("Msvm_TerminalServiceSettingData"))
    return rows[0].number("ListenerPort") if rows else None


class Consoles:
    """The consoles of the VMs of one host."""

    def __init__(self, machines: Machines, host: HostDescription, address: str, port: int) -> None:
        self._machines = machines
        self._host = host
        self._address = address
        self._port = port

    def open_console(self, vm_uuid: UUID, request: OpenConsoleRequest) -> Console:
        """See `IConsole.open_console`.

        The console asks for a Windows account that may connect to the VM, which a proxy has of its
        own: the driver hands out no password of its account.
        """

        def find(machine: Machine) -> Console:
            state = self._machines.entry(machine, vm_uuid).state
            offers.check_offered(request.kind, self._host.console_kinds, "kind")
            require_state(vm_uuid, state, *ON)
            return Console(
                kind=ConsoleKind.RDP,
                host=self._address,
                port=self._port,
                # The preconnection blob of MS-RDPEPS, which names the VM.
                path=machine.guid,
            )

        return self._machines.on(vm_uuid, find, reads=True)
