"""Starts, stops, restarts, pauses and suspends VMs, and wakes guests that hang."""

from __future__ import annotations

import time
from uuid import UUID

from nova_virt_interface.call import current_call
from nova_virt_interface.errors import BackendError, InvalidState, NotFound, PeerUnreachable
from nova_virt_interface.states import ON
from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.power import (
    CrashDumpRequest,
    PauseRequest,
    PowerState,
    RebootKind,
    RebootRequest,
    StartRequest,
    StopRequest,
    SuspendRequest,
)
from nova_virt_interface.values.secrets import DeviceSecret

from nova_virt_hyperv.cim import Reference, equals, select
from nova_virt_hyperv.disks import Disks
from nova_virt_hyperv.events import Events
from nova_virt_hyperv.machines import Machine, Machines, about_vm
from nova_virt_hyperv.maintenance import Maintenance
from nova_virt_hyperv.session import Steps, several_steps
from nova_virt_hyperv.unit_sessions import UnitSessions
from nova_virt_hyperv.wmi import Wmi

__all__ = ["Power"]

# RequestedState of Msvm_ComputerSystem.RequestStateChange.
_RUN, _OFF, _SAVE, _PAUSE, _RESET = 2, 3, 6, 9, 11
_LOOK_SECONDS = 0.5
_REASON = "The cloud asks this guest to shut down"


class Power:
    """The power of the VMs of one host."""

    def __init__(
        self,
        wmi: Wmi,
        machines: Machines,
        events: Events,
        maintenance: Maintenance,
        disks: Disks,
        sessions: UnitSessions,
    ) -> None:
        self._wmi = wmi
        self._machines = machines
        self._events = events
        self._maintenance = maintenance
        self._disks = disks
        self._sessions = sessions

    def start_vm(self, vm_uuid: UUID, request: StartRequest) -> None:
        """See `IHypervisor.start_vm`."""
        self._machines.on(vm_uuid, lambda machine: self._start(machine, vm_uuid, request.secrets))

    def stop_vm(self, vm_uuid: UUID, request: StopRequest) -> None:
        """See `IHypervisor.stop_vm`."""
        seconds = request.graceful_timeout_seconds
        self._machines.on(vm_uuid, lambda machine: self.stop(machine, vm_uuid, seconds))

    def reboot_vm(self, vm_uuid: UUID, request: RebootRequest) -> None:
        """See `IHypervisor.reboot_vm`."""
        self._machines.on(vm_uuid, lambda machine: self._reboot(machine, vm_uuid, request))

    def pause_vm(self, vm_uuid: UUID, request: PauseRequest) -> None:
        """See `IPause.pause_vm`."""

        def pause(machine: Machine) -> None:
            if self._change(machine, vm_uuid, _PAUSE, PowerState.PAUSED):
                self._events.note(EventKind.PAUSED, vm_uuid)

        self._machines.on(vm_uuid, pause)

    def suspend_vm(self, vm_uuid: UUID, request: SuspendRequest) -> None:
        """See `ISuspend.suspend_vm`. Hyper-V calls it the saved state."""

        def suspend(machine: Machine) -> None:
            if self._change(machine, vm_uuid, _SAVE, PowerState.SUSPENDED):
                self._events.note(EventKind.SUSPENDED, vm_uuid)

        self._machines.on(vm_uuid, suspend)

    def trigger_crash_dump(self, vm_uuid: UUID, request: CrashDumpRequest) -> None:
        """See `ICrashDump.trigger_crash_dump`."""

        def interrupt(machine: Machine) -> None:
            about = about_vm(vm_uuid)
            try:
                self._wmi.invoke(machine.system, "InjectNonMaskableInterrupt", [], about=about)
            except InvalidState as error:
                error.state = self._state(machine, vm_uuid).value
                raise

        self._machines.on(vm_uuid, interrupt)

    def stop(self, machine: Machine, vm_uuid: UUID, graceful_seconds: float) -> None:
        """Turn a VM off, by the guest if it does so in time."""
        by_guest = False
        with several_steps() as steps:
            if graceful_seconds > 0 and self._state(machine, vm_uuid) is PowerState.RUNNING:
                by_guest = self._stop_by_guest(machine, vm_uuid, graceful_seconds, steps)
            if by_guest or self._change(machine, vm_uuid, _OFF, PowerState.STOPPED):
                self._events.note(EventKind.STOPPED, vm_uuid)
                steps.taken = True
            self._sessions.rest(vm_uuid)

    def _start(self, machine: Machine, vm_uuid: UUID, secrets: tuple[DeviceSecret, ...]) -> None:
        if self._maintenance.is_on() and self._state(machine, vm_uuid) not in ON:
            self._maintenance.refuse()
        with self._sessions.needed(machine, vm_uuid, secrets):
            try:
                changed = self._change(machine, vm_uuid, _RUN, PowerState.RUNNING)
            except (BackendError, PeerUnreachable):
                # Hyper-V says only that a file is missing, or in its own words.
                self._disks.require_volumes(machine, vm_uuid)
                raise
        if changed:
            self._events.note_running(vm_uuid)

    def _reboot(self, machine: Machine, vm_uuid: UUID, request: RebootRequest) -> None:
        if self._maintenance.is_on():
            self._maintenance.refuse()
        self._sessions.require_secrets(vm_uuid, request.secrets)
        if request.kind is RebootKind.HARD:
            try:
                self._request(machine, vm_uuid, _RESET)
            except InvalidState:
                # Only a VM that executes can be reset.
                self.stop(machine, vm_uuid, 0.0)
            else:
                self._events.note(EventKind.STOPPED, vm_uuid)
                self._events.note(EventKind.STARTED, vm_uuid)
                return
        else:
            self.stop(machine, vm_uuid, request.graceful_timeout_seconds)
        with several_steps() as steps:
            steps.taken = True
            self._start(machine, vm_uuid, request.secrets)

    def _stop_by_guest(self, machine: Machine, vm_uuid: UUID, seconds: float, steps: Steps) -> bool:
        """Ask the guest as soon as it can be asked, and wait; says whether it is off at the end."""
        deadline = time.monotonic() + seconds
        steps.taken = self._ask(machine, vm_uuid)
        while True:
            state = self._state(machine, vm_uuid)
            left = deadline - time.monotonic()
            if state is not PowerState.RUNNING or left <= 0:
                return state is PowerState.STOPPED
            current_call().wait(min(_LOOK_SECONDS, left))
            steps.taken = steps.taken or self._ask(machine, vm_uuid)

    def _ask(self, machine: Machine, vm_uuid: UUID) -> bool:
        """Ask the guest to shut itself down; says whether it was there to be asked."""
        query = select("Msvm_ShutdownComponent", equals("SystemName", machine.guid))
        found = self._wmi.query(query, about=about_vm(vm_uuid))
        if not found:
            return False
        keys = ("SystemCreationClassName", "SystemName", "CreationClassName", "DeviceID")
        component = Reference(
            "Msvm_ShutdownComponent", tuple((key, found[0].text(key)) for key in keys)
        )
        try:
            self._wmi.invoke(
                component,
                "InitiateShutdown",
                [("Force", "true"), ("Reason", _REASON)],
                about=about_vm(vm_uuid),
            )
        except (InvalidState, NotFound):
            # Its integration service is not up yet, or not any more.
            return False
        return True

    def _state(self, machine: Machine, vm_uuid: UUID) -> PowerState:
        return self._machines.entry(machine, vm_uuid).state

    def _change(self, machine: Machine, vm_uuid: UUID, request: int, wanted: PowerState) -> bool:
        """Bring a VM into a state; says whether it was in another."""
        try:
            self._request(machine, vm_uuid, request)
        except InvalidState as error:
            # Hyper-V says so, too, to a VM that is in the wanted state already.
            state = self._state(machine, vm_uuid)
            if state is wanted:
                return False
            error.state = state.value
            raise
        return True

    def _request(self, machine: Machine, vm_uuid: UUID, request: int) -> None:
        named = [("RequestedState", request)]
        about = about_vm(vm_uuid)
        self._wmi.invoke(machine.system, "RequestStateChange", named, about=about)
