"""Starting, stopping and restarting VMs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from uuid import UUID

from nova_virt_interface.call import current_call
from nova_virt_interface.errors import InvalidState, NotFound, VirtError
from nova_virt_interface.states import require_state
from nova_virt_interface.values.power import (
    CrashDumpRequest,
    PowerState,
    RebootKind,
    RebootRequest,
    StartRequest,
    StopRequest,
    SuspendRequest,
)
from pyVmomi import vim

from nova_virt_vmware import translate
from nova_virt_vmware.maintenance import Maintenance
from nova_virt_vmware.session import Session
from nova_virt_vmware.vms import Found, Vms
from nova_virt_vmware.volume_marks import VOLUMES, volumes_in
from nova_virt_vmware.volumes import Volumes

__all__ = ["Power"]

_log = logging.getLogger(__name__)
_PATHS = [*translate.POWER_PATHS, translate.mark_path(VOLUMES)]
_STARTS = (PowerState.STOPPED, PowerState.SUSPENDED)
_STOPS = (PowerState.RUNNING, PowerState.SUSPENDED)
# How soon a guest whose tools do not answer is asked again: it may be booting.
_ASK_AGAIN_SECONDS = 2.0
# How long a call that waits may take to notice that it was cancelled (CALL-3).
_TURN_SECONDS = 1.0


class Power:
    """The power of one compute node's VMs."""

    def __init__(
        self, session: Session, vms: Vms, maintenance: Maintenance, volumes: Volumes
    ) -> None:
        self._session = session
        self._vms = vms
        self._maintenance = maintenance
        self._volumes = volumes

    def start_vm(self, vm_uuid: UUID, request: StartRequest) -> None:
        """See `IHypervisor.start_vm`."""

        def start(found: Found) -> None:
            self._volumes.require(found.facts)
            self._session.run(
                f"starting VM {vm_uuid}", lambda api: found.on(api).PowerOnVM_Task(None)
            )

        told = self._vms.told(vm_uuid)
        if told is not None and volumes_in(told.facts):
            # Hosts would be connected in vain to one that was just detached.
            told = None
        self._bring(vm_uuid, PowerState.RUNNING, _STARTS, start, told)

    def stop_vm(self, vm_uuid: UUID, request: StopRequest) -> None:
        """See `IHypervisor.stop_vm`."""
        timeout = request.graceful_timeout_seconds

        def stop(found: Found) -> None:
            is_running = translate.power_state(found.facts) is PowerState.RUNNING
            if not (timeout > 0 and is_running and self._shut_down(vm_uuid, found, timeout)):
                self._cut(vm_uuid, found)

        self._bring(vm_uuid, PowerState.STOPPED, _STOPS, stop, self._vms.told(vm_uuid))

    def suspend_vm(self, vm_uuid: UUID, request: SuspendRequest) -> None:
        """See `ISuspend.suspend_vm`."""

        def suspend(found: Found) -> None:
            require_state(vm_uuid, translate.power_state(found.facts), PowerState.RUNNING)
            self._session.run(
                f"suspending VM {vm_uuid}", lambda api: found.on(api).SuspendVM_Task()
            )

        told = self._vms.told(vm_uuid)
        self._bring(vm_uuid, PowerState.SUSPENDED, (PowerState.RUNNING,), suspend, told)

    def _bring(
        self,
        vm_uuid: UUID,
        wanted: PowerState | None,
        begins: Collection[PowerState],
        act: Callable[[Found], None],
        told: Found | None,
    ) -> None:
        """Bring a VM into a state, or do something to it that leads to none. If the server told
        that it is in one of those where `act` begins it is not asked: should that be over, the
        server refuses, and is asked then.
        """
        if told is not None and translate.power_state(told.facts) in begins:
            try:
                act(told)
            except (InvalidState, NotFound) as error:
                _log.debug("VM %s is not what it was: %s", vm_uuid, error)
            else:
                return
        found = self._vms.ours(vm_uuid, _PATHS)
        if translate.power_state(found.facts) is not wanted:
            self._act(vm_uuid, wanted, found, act)

    def _act(
        self, vm_uuid: UUID, wanted: PowerState | None, found: Found, act: Callable[[Found], None]
    ) -> None:
        try:
            act(found)
        except InvalidState:
            # The guest, or an operator, may have been faster.
            if self._vms.get_vm(vm_uuid).power_state is not wanted:
                raise

    def trigger_crash_dump(self, vm_uuid: UUID, request: CrashDumpRequest) -> None:
        """See `ICrashDump.trigger_crash_dump`."""

        def interrupt(found: Found) -> None:
            require_state(vm_uuid, translate.power_state(found.facts), PowerState.RUNNING)
            self._session.change(f"interrupting VM {vm_uuid}", lambda api: found.on(api).SendNMI())

        told = self._vms.told(vm_uuid)
        self._bring(vm_uuid, None, (PowerState.RUNNING,), interrupt, told)

    def turn_off(self, vm_uuid: UUID, found: Found) -> None:
        """Turn a VM off by force, of which `translate.POWER_PATHS` are known."""
        if translate.power_state(found.facts) is not PowerState.STOPPED:
            self._act(vm_uuid, PowerState.STOPPED, found, lambda now: self._cut(vm_uuid, now))

    def _cut(self, vm_uuid: UUID, found: Found) -> None:
        self._session.run(f"turning VM {vm_uuid} off", lambda api: found.on(api).PowerOffVM_Task())

    def reboot_vm(self, vm_uuid: UUID, request: RebootRequest) -> None:
        """See `IHypervisor.reboot_vm`. The guest is turned off and started, not reset, so that it
        gets the virtual hardware that it should have.
        """
        if self._vms.told(vm_uuid) is None:
            self._vms.ours(vm_uuid, [])
        # Else a VM would be turned off that cannot be started again (HOST-4).
        self._maintenance.require_active()
        soft = request.kind is RebootKind.SOFT
        timeout = request.graceful_timeout_seconds if soft else 0.0
        self.stop_vm(vm_uuid, StopRequest(graceful_timeout_seconds=timeout))
        self.start_vm(vm_uuid, StartRequest())

    def _shut_down(self, vm_uuid: UUID, found: Found, seconds: float) -> bool:
        """Ask the guest to shut itself down, and wait for it, for so long at most; says whether it
        did.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            accepted = self._accepted(vm_uuid, found)
            if self._is_off_in(vm_uuid, left if accepted else min(left, _ASK_AGAIN_SECONDS)):
                return True
        return False

    def _is_off_in(self, vm_uuid: UUID, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while True:
            current_call().check()
            found = self._vms.told(vm_uuid) or self._vms.ours(vm_uuid, _PATHS)
            left = deadline - time.monotonic()
            is_off = translate.power_state(found.facts) is PowerState.STOPPED
            if is_off or left <= 0:
                return is_off
            self._vms.wait_for_news(min(left, _TURN_SECONDS))

    def _accepted(self, vm_uuid: UUID, found: Found) -> bool:
        current_call().check()
        try:
            self._session.change(
                f"shutting VM {vm_uuid} down", lambda api: found.on(api).ShutdownGuest()
            )
        except VirtError as error:
            # One that is off in the meantime is noticed by whoever waits for it.
            if isinstance(error.__cause__, vim.fault.InvalidPowerState):
                return True
            if isinstance(error.__cause__, vim.fault.ToolsUnavailable):
                return False
            raise
        return True
