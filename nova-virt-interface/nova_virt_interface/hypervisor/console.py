"""Optional: what a guest writes to its console."""

from __future__ import annotations

from uuid import UUID

from zope.interface import Interface, taggedValue

__all__ = ["IConsoleLog"]


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
