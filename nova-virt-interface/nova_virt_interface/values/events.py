"""What happened to a VM without, or because of, a call."""

from __future__ import annotations

import enum
from datetime import datetime
from uuid import UUID

from nova_virt_interface.marks import enumeration, value
from nova_virt_interface.values._checks import fits

__all__ = ["EventKind", "VmEvent"]


@enumeration(since="1.0", open=True)
class EventKind(enum.Enum):
    """What happened. The last three are about the connection and carry no VM.

    [EVT-5] A paused or suspended VM that goes on is ``RESUMED``, not ``STARTED``. Saving may be
    told as ``PAUSED``, then ``SUSPENDED``.
    """

    STARTED = "started"
    STOPPED = "stopped"
    PAUSED = "paused"
    RESUMED = "resumed"
    SUSPENDED = "suspended"
    CRASHED = "crashed"
    DELETED = "deleted"
    POST_COPY_STARTED = "post-copy-started"
    """A migration has switched over with memory still to come: from now on a loss of either host
    loses the VM.
    """
    MIGRATED = "migrated"
    """A migration of this VM has switched over: it runs at the destination."""
    EVENTS_LOST = "events-lost"
    """Events were, or may have been, lost: ask for the state of all VMs."""
    HOST_UNREACHABLE = "host-unreachable"
    """The connection broke; the driver tries to connect again."""
    RECONNECT = "reconnect"
    """What the host can do has changed: close this connection and make a new one."""


_ABOUT_CONNECTION = (EventKind.EVENTS_LOST, EventKind.HOST_UNREACHABLE, EventKind.RECONNECT)


@value(since="1.0")
class VmEvent:
    """One event.

    [EVT-1] Events of one VM come in the order in which they happened; one may come twice.
    [EVT-2] Events may be lost, but not silently: after a loss the driver reports
    `EventKind.EVENTS_LOST`. A driver that can only look again and again tells what changed between
    two looks; states that a VM was in between may be missing.
    [EVT-3] There are no events of foreign VMs.
    """

    kind: EventKind
    at: datetime
    """When the driver learned of it, as an aware time in UTC."""
    vm_uuid: UUID | None = None

    def __post_init__(self) -> None:
        fits(self.at.tzinfo is not None, "at", "is a naive datetime")
        fits(
            (self.vm_uuid is None) == (self.kind in _ABOUT_CONNECTION),
            "vm_uuid",
            f"does not fit {self.kind}",
        )
