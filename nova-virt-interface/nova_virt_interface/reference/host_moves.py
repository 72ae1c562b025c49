"""What a host in memory remembers of VMs beside those that it lists: on their way to it or from it,
or as they were before they were resized.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from nova_virt_interface.reference.host import Vm

__all__ = ["Incoming", "Job", "Moves", "Sent"]


@dataclass
class Incoming:
    """A VM that is to come. ``vm`` is as it will be; its disks are whole once it has come."""

    vm: Vm
    digest: str
    ticket: str
    password: str
    copied: tuple[str, ...]
    has_come: bool = False


@dataclass
class Sent:
    """A VM that has gone to another host, or was copied there."""

    vm: Vm
    ticket: str
    is_live: bool


@dataclass
class Job:
    """A migration that is on its way."""

    ticket: str
    target: str
    memory_bytes: int
    disk_bytes: int
    bytes_per_second: int | None
    may_post_copy: bool
    is_live: bool
    began: float = field(default_factory=time.monotonic)
    done_bytes: float = 0.0
    forced_by: str = ""
    in_post_copy: bool = False
    aborted: bool = False
    failed: tuple[str, str] | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def total_bytes(self) -> int:
        """All that has to cross."""
        return self.memory_bytes + self.disk_bytes

    def advance(self, seconds: float) -> bool:
        """Let time pass; says whether all has crossed."""
        limit = self.total_bytes / seconds if self.forced_by else self.bytes_per_second
        step = self.total_bytes if limit is None else limit * seconds
        self.done_bytes = min(self.total_bytes, self.done_bytes + step)
        return self.done_bytes >= self.total_bytes


class Moves:
    """The host's memory of them; it outlives all connections."""

    def __init__(self) -> None:
        self.storage_id: str | None = None
        self.before_resize: dict[UUID, Vm] = {}
        self.incoming: dict[UUID, Incoming] = {}
        self.arrived: dict[UUID, bool] = {}
        """VMs that came from elsewhere; whether it was by a live migration."""
        self.jobs: dict[UUID, Job] = {}
        self.sent: dict[UUID, Sent] = {}

    def forget(self, uuid: UUID) -> None:
        """The VM is no more."""
        for memory in (self.before_resize, self.arrived, self.sent):
            memory.pop(uuid, None)

    def stored(self) -> Iterator[Vm]:
        """VMs that are not listed, but have disks here."""
        yield from self.before_resize.values()
        yield from (incoming.vm for incoming in self.incoming.values())
        yield from (sent.vm for sent in self.sent.values())

    def traces(self) -> Iterator[str]:
        """A name for each thing that is remembered."""
        yield from (f"VM {uuid} before its resize" for uuid in self.before_resize)
        yield from (f"VM {uuid} that is to come" for uuid in self.incoming)
        yield from (f"VM {uuid} that has gone" for uuid, sent in self.sent.items() if sent.is_live)
        yield from (f"migration of VM {uuid}" for uuid in self.jobs)
