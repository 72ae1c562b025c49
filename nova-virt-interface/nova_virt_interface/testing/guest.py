"""The guest that bootable test images hold, as far as the suite must know it.

It writes lines to its serial console that begin with ``NVG``: ``NVG uuid=`` (of its config drive),
``NVG hostname=``, ``NVG dmi_uuid=``, ``NVG mac=`` for each NIC, ``NVG disk=NAME BYTES`` for each
disk, ``NVG config_drive=yes``, then ``NVG ready``; later ``NVG mac_added=``, ``NVG mac_removed=``,
``NVG disk_added=NAME BYTES``, ``NVG disk_removed=NAME``, and ``NVG poweroff`` when it is asked to
turn itself off.
"""

from __future__ import annotations

__all__ = ["GuestReport"]


class GuestReport:
    """The facts in a console log, since the guest turned itself off last."""

    def __init__(self, console_log: bytes) -> None:
        text = console_log.decode("utf-8", errors="replace")
        last_boot = text.rpartition("NVG poweroff")[2]
        self._facts = [
            line.strip()[4:] for line in last_boot.splitlines() if line.startswith("NVG ")
        ]

    @property
    def is_ready(self) -> bool:
        """Whether the guest has come up, since it turned itself off last, and said all about
        itself.
        """
        return "ready" in self._facts

    def all(self, fact: str) -> list[str]:
        """All contents of a fact, in the order in which the guest told them."""
        return [line.partition("=")[2] for line in self._facts if line.startswith(f"{fact}=")]
