"""Optional: more power states of instances."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.power import CrashDumpRequest, PauseRequest, SuspendRequest

__all__ = ["IInstanceCrashDump", "IInstancePause", "IInstanceSuspend"]


class IInstancePause(Interface):
    """A node that pauses instances; `IVirtDriver.power_on` lets them go on."""

    taggedValue("since", "1.0")

    def pause(instance_uuid: UUID, request: PauseRequest) -> None:
        """Hold an instance's processors; see `IPause.pause_vm`.

        Raises: NotFound (vm); InvalidState.
        """


class IInstanceSuspend(Interface):
    """A node that suspends instances; `IVirtDriver.power_on` lets them go on."""

    taggedValue("since", "1.0")

    def suspend(instance_uuid: UUID, request: SuspendRequest) -> None:
        """Save an instance's memory on disk; see `ISuspend.suspend_vm`.

        Raises: NotFound (vm); InvalidState; Unsupported; InsufficientResources.
        """


class IInstanceCrashDump(Interface):
    """A node that makes hanging guests dump their memory."""

    taggedValue("since", "1.0")

    def trigger_crash_dump(instance_uuid: UUID, request: CrashDumpRequest) -> None:
        """See `ICrashDump.trigger_crash_dump`.

        Raises: NotFound (vm); InvalidState.
        """
