"""Optional: the console output of an instance."""

from __future__ import annotations

from uuid import UUID

from zope.interface import Interface, taggedValue

__all__ = ["IConsoleOutput"]


class IConsoleOutput(Interface):
    """A node that records the serial console of its instances."""

    taggedValue("since", "1.0")

    def get_console_output(instance_uuid: UUID, limit_bytes: int) -> bytes:
        """Return the end of what the guest wrote; see `IConsoleLog.console_log`."""
