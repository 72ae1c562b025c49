"""Optional: what a guest writes to its console, and consoles to connect to."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.console import Console, OpenConsoleRequest

__all__ = ["IConsole", "IConsoleLog"]


class IConsoleLog(Interface):
    """A hypervisor that records the serial console of every VM."""

    taggedValue("since", "1.0")

    def console_log(vm_uuid: UUID, limit_bytes: int) -> bytes:
        """Return the end of what the guest wrote, at most ``limit_bytes``, oldest first.

        [CON-1] Empty for a VM that has written nothing. The record of a stopped VM stays readable
        until it is started again or deleted; a host may keep a limited amount, but at least the
        last 64 KiB.

        Raises: NotFound (vm).
        """


class IConsole(Interface):
    """A hypervisor whose VMs have consoles that a person can connect to, of the kinds in
    `HostDescription.console_kinds`.
    """

    taggedValue("since", "1.0")

    def open_console(vm_uuid: UUID, request: OpenConsoleRequest) -> Console:
        """Say where a VM's console is, and what it asks for.

        [CON-2] What is returned suffices to connect: somebody listens there, and lets nobody in
        without the secret, where there is one. Asked again it may be another secret; one that was
        given out before stays good for its time.
        [CON-3] A VM that neither runs nor is paused is an `InvalidState`; a kind that the host does
        not name is `Unsupported`.

        Raises: NotFound (vm); InvalidState; Unsupported (kind).
        """
