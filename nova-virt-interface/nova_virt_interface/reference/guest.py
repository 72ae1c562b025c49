"""What a guest would write to its console. No guest executes here: the host asks what it would have
said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nova_virt_interface.reference.host import Disk, Nic, Vm

__all__ = ["GUEST_IMAGE", "Guest", "Inside"]

GUEST_IMAGE = b"NVG-GUEST" + bytes(1024 * 1024 - 9)
"""The content of an image whose guest reports on its console; anything else boots into silence."""


@dataclass
class Inside:
    """What a guest has inside, as far as somebody outside can change it."""

    has_channel: bool = False
    """Whether its agent finds a channel to the host."""
    hangs: bool = False
    """Whether its agent takes what it is asked for, and does not answer."""
    passwords: dict[str, bytes] = field(default_factory=lambda: {"root": b""})
    at_rest: bool = False
    clock_offset_seconds: float = 0.0
    interrupts: int = 0
    """Non-maskable ones that it got."""


class Guest:
    """The guest of a VM, as `nova_virt_interface.testing.guest` describes it."""

    def __init__(self, vm: Vm) -> None:
        self._vm = vm

    @property
    def listens(self) -> bool:
        """Whether the boot disk holds the guest that reports, and turns off when asked to."""
        bootable = [disk for disk in self._vm.disks.values() if disk.boot_index is not None]
        first = min(bootable, key=lambda disk: disk.boot_index or 0, default=None)
        return first is not None and first.seen().startswith(b"NVG-GUEST")

    @property
    def has_agent(self) -> bool:
        """Whether an agent listens in it that can be reached."""
        return self._vm.inside.has_channel and self.listens and self._vm.state == "running"

    def boot(self) -> bytes:
        """What it writes while it boots."""
        self._vm.inside.at_rest = False
        if not self.listens:
            return b""
        facts = [*self._config_drive(), f"dmi_uuid={self._vm.uuid}"]
        facts += [f"mac={nic.mac}" for nic in self._vm.nics.values()]
        facts += [
            f"disk={key} {disk.size_bytes}"
            for key, disk in self._vm.disks.items()
            if not disk.read_only
        ]
        return _lines(*facts, "ready")

    def _config_drive(self) -> list[str]:
        medium = next((disk.content for disk in self._vm.disks.values() if disk.read_only), b"")
        found = {
            name: re.search(rb'"%s": ?"([^"]*)"' % name.encode(), medium)
            for name in ("uuid", "hostname")
        }
        facts = [f"{name}={match[1].decode()}" for name, match in found.items() if match]
        return [*facts, f"config_drive={'yes' if facts else 'no'}"]

    def disk_added(self, key: str, disk: Disk) -> bytes:
        """What it writes when a disk appears."""
        return self._running(f"disk_added={key} {disk.size_bytes}")

    def disk_removed(self, key: str) -> bytes:
        """What it writes when a disk vanishes."""
        return self._running(f"disk_removed={key}")

    def nic_event(self, fact: str, nic: Nic) -> bytes:
        """What it writes when a NIC appears or vanishes."""
        return self._running(f"{fact}={nic.mac}")

    def _running(self, fact: str) -> bytes:
        return _lines(fact) if self._vm.state == "running" and self.listens else b""


def _lines(*facts: str) -> bytes:
    return "".join(f"NVG {fact}\r\n" for fact in facts).encode()
