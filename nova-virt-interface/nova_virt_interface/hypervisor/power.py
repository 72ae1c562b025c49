"""Optional: more power states, and a push for guests that hang."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.power import CrashDumpRequest, PauseRequest, SuspendRequest

__all__ = ["ICrashDump", "IPause", "ISuspend"]


class IPause(Interface):
    """A hypervisor that holds a VM's processors while its memory stays in the host's memory."""

    taggedValue("since", "1.0")

    def pause_vm(vm_uuid: UUID, request: PauseRequest) -> None:
        """Hold a running VM; `IHypervisor.start_vm` lets it go on.

        [PWR-10] On return the VM is paused. A paused VM stays as it is; one in any other state but
        running is an `InvalidState`.

        Raises: NotFound (vm); InvalidState.
        """


class ISuspend(Interface):
    """A hypervisor that saves a VM's memory on disk."""

    taggedValue("since", "1.0")

    def suspend_vm(vm_uuid: UUID, request: SuspendRequest) -> None:
        """Save a running or paused VM; `IHypervisor.start_vm` lets it go on where it was.

        [PWR-11] On return the VM is suspended and takes no memory of the host; it stays so when the
        host is restarted. A suspended VM stays as it is; a stopped or crashed one is an
        `InvalidState`.

        Blocking: as long as it takes to write the memory.

        Raises: NotFound (vm); InvalidState; Unsupported (a device that cannot be saved);
        InsufficientResources (storage).
        """


class ICrashDump(Interface):
    """A hypervisor that can send a guest what makes its system dump its memory."""

    taggedValue("since", "1.0")

    def trigger_crash_dump(vm_uuid: UUID, request: CrashDumpRequest) -> None:
        """Send a running guest a non-maskable interrupt, or what its processor has instead.

        [PWR-12] What the guest does about it is the guest's affair; the call does not wait for it.
        Not idempotent: a repeat sends another one. A VM that does not run is an `InvalidState`.

        Raises: NotFound (vm); InvalidState.
        """
