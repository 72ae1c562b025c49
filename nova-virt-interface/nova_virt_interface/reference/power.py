"""The reference driver's part of `IPause`, `ISuspend` and `ICrashDump`."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.reference._part import Part
from nova_virt_interface.reference.errors import translated
from nova_virt_interface.reference.host_power import HostPower
from nova_virt_interface.reference.translate import power_state
from nova_virt_interface.states import ON, require_state
from nova_virt_interface.values.power import (
    CrashDumpRequest,
    PauseRequest,
    PowerState,
    SuspendRequest,
)

__all__ = ["ReferencePower"]


class ReferencePower(Part):
    """More power states of VMs on a host in memory."""

    def _state(self, vm_uuid: UUID) -> PowerState:
        return power_state(self._ours(vm_uuid).state)

    def pause_vm(self, vm_uuid: UUID, request: PauseRequest) -> None:
        """See `IPause`."""
        state = self._state(vm_uuid)
        require_state(vm_uuid, state, *ON)
        if state is PowerState.RUNNING:
            with translated():
                HostPower(self._host).pause(vm_uuid)

    def suspend_vm(self, vm_uuid: UUID, request: SuspendRequest) -> None:
        """See `ISuspend`."""
        state = self._state(vm_uuid)
        require_state(vm_uuid, state, *ON, PowerState.SUSPENDED)
        if state is not PowerState.SUSPENDED:
            with translated():
                HostPower(self._host).suspend(vm_uuid)

    def trigger_crash_dump(self, vm_uuid: UUID, request: CrashDumpRequest) -> None:
        """See `ICrashDump`."""
        require_state(vm_uuid, self._state(vm_uuid), PowerState.RUNNING)
        with translated():
            HostPower(self._host).interrupt(vm_uuid)
