"""More power states of instances."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nova_virt_interface.values.power import CrashDumpRequest, PauseRequest, SuspendRequest

__all__ = ["Power"]


class Power:
    """The part of `LibraryDriver` that pauses and suspends instances, and wakes their guests."""

    _hypervisor: Any

    def pause(self, instance_uuid: UUID, request: PauseRequest) -> None:
        """See `IInstancePause`."""
        self._hypervisor.pause_vm(instance_uuid, request)

    def suspend(self, instance_uuid: UUID, request: SuspendRequest) -> None:
        """See `IInstanceSuspend`."""
        self._hypervisor.suspend_vm(instance_uuid, request)

    def trigger_crash_dump(self, instance_uuid: UUID, request: CrashDumpRequest) -> None:
        """See `IInstanceCrashDump`."""
        self._hypervisor.trigger_crash_dump(instance_uuid, request)
