"""Optional: the console output of an instance, and consoles to connect to."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.console import Console, OpenConsoleRequest

__all__ = ["IConsoleOutput", "IInstanceConsole"]


class IConsoleOutput(Interface):
    """A node that records the serial console of its instances."""

    taggedValue("since", "1.0")

    def get_console_output(instance_uuid: UUID, limit_bytes: int) -> bytes:
        """Return the end of what the guest wrote; see `IConsoleLog.console_log`."""


class IInstanceConsole(Interface):
    """A node whose instances have consoles that a person can connect to."""

    taggedValue("since", "1.0")

    def get_console(instance_uuid: UUID, request: OpenConsoleRequest) -> Console:
        """Say where an instance's console is; see `IConsole.open_console`.

        Raises: NotFound (vm); InvalidState; Unsupported (kind).
        """
