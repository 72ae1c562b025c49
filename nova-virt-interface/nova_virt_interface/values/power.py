"""Power states of a VM and how to change them."""

from __future__ import annotations

import enum

from nova_virt_interface.marks import enumeration, value
from nova_virt_interface.values._checks import fits
from nova_virt_interface.values.secrets import DeviceSecret

__all__ = [
    "CrashDumpRequest",
    "PauseRequest",
    "PowerState",
    "RebootKind",
    "RebootRequest",
    "StartRequest",
    "StopRequest",
    "SuspendRequest",
]


@enumeration(since="1.0", open=False)
class PowerState(enum.Enum):
    """The one power state that a VM has at a time.

    [PWR-1] A VM in transition is reported in the state that it leaves, until it has arrived.
    [PWR-2] ``UNKNOWN`` means that the hypervisor answered, and said something that is none of the
    other members. It never means that the VM is gone, nor that the host is away: that is
    `HostUnreachable`.
    """

    RUNNING = "running"
    """It executes, also while a guest shuts itself down."""
    PAUSED = "paused"
    """Its processors are held, its memory stays in the host's memory."""
    STOPPED = "stopped"
    """It is off; its definition and disks exist."""
    SUSPENDED = "suspended"
    """Its memory is saved on disk."""
    CRASHED = "crashed"
    """The guest or its virtual machine monitor failed; it executes nothing. Where a hypervisor
    turns such a VM off, it is `STOPPED`, and an event has told of the crash.
    """
    UNKNOWN = "unknown"


@enumeration(since="1.0", open=False)
class RebootKind(enum.Enum):
    """How to restart a guest."""

    SOFT = "soft"
    """Ask the guest; if it has not gone down in time, as `HARD`."""
    HARD = "hard"
    """Off and on again, without the guest's consent."""


@value(since="1.0")
class StartRequest:
    """How to start a VM."""

    secrets: tuple[DeviceSecret, ...] = ()
    """Of all its devices that need one."""


@value(since="1.0")
class StopRequest:
    """How to stop a VM."""

    graceful_timeout_seconds: float = 0.0
    """How long to wait for the guest to shut itself down before it is turned off; 0: turn it off at
    once.
    """

    def __post_init__(self) -> None:
        fits(self.graceful_timeout_seconds >= 0, "graceful_timeout_seconds", "is negative")


@value(since="1.0")
class RebootRequest:
    """How to restart a VM."""

    kind: RebootKind
    graceful_timeout_seconds: float = 60.0
    """For a soft reboot: how long to wait for the guest before it is restarted hard."""
    secrets: tuple[DeviceSecret, ...] = ()
    """Of all its devices that need one."""

    def __post_init__(self) -> None:
        fits(self.graceful_timeout_seconds >= 0, "graceful_timeout_seconds", "is negative")


@value(since="1.0")
class PauseRequest:
    """How to pause a VM."""


@value(since="1.0")
class SuspendRequest:
    """How to suspend a VM."""


@value(since="1.0")
class CrashDumpRequest:
    """How to make a guest dump its memory."""
