"""Starting, stopping and restarting VMs."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from nova_virt_interface.call import current_call
from nova_virt_interface.errors import InvalidState, VirtError
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
from nova_virt_vmware.api import Api
from nova_virt_vmware.maintenance import Maintenance
from nova_virt_vmware.session import Session
from nova_virt_vmware.vms import Found, Vms
from nova_virt_vmware.volume_marks import VOLUMES
from nova_virt_vmware.volumes import Volumes
from nova_virt_vmware.waiting import wait_for

__all__ = ["Power"]

_PATHS = translate.POWER_PATHS
_VOLUMES = translate.mark_path(VOLUMES)
# How soon a guest whose tools do not answer is asked again: it may be booting.
_ASK_AGAIN_SECONDS = 2.0


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
        found = self._vms.ours(vm_uuid, [*_PATHS, _VOLUMES])
        if translate.power_state(found.facts) is not PowerState.RUNNING:
            self._volumes.require(found.facts)
            self._turn_on(vm_uuid, found)

    def _turn_on(self, vm_uuid: UUID, found: Found) -> None:
        try:
            self._session.run(
                f"starting VM {vm_uuid}", lambda api: found.on(api).PowerOnVM_Task(None)
            )
        except InvalidState:
            # An operator may have been faster.
            if self._vms.get_vm(vm_uuid).power_state is not PowerState.RUNNING:
                raise

    def stop_vm(self, vm_uuid: UUID, request: StopRequest) -> None:
        """See `IHypervisor.stop_vm`."""
        found = self._vms.ours(vm_uuid, _PATHS)
        timeout = request.graceful_timeout_seconds
        is_running = translate.power_state(found.facts) is PowerState.RUNNING
        if timeout > 0 and is_running and self._shut_down(vm_uuid, found, timeout):
            return
        self.turn_off(vm_uuid, found)

    def suspend_vm(self, vm_uuid: UUID, request: SuspendRequest) -> None:
        """See `ISuspend.suspend_vm`."""
        found = self._vms.ours(vm_uuid, _PATHS)
        state = translate.power_state(found.facts)
        if state is not PowerState.SUSPENDED:
            require_state(vm_uuid, state, PowerState.RUNNING)
            self._session.run(
                f"suspending VM {vm_uuid}", lambda api: found.on(api).SuspendVM_Task()
            )

    def trigger_crash_dump(self, vm_uuid: UUID, request: CrashDumpRequest) -> None:
        """See `ICrashDump.trigger_crash_dump`."""
        found = self._vms.ours(vm_uuid, _PATHS)
        require_state(vm_uuid, translate.power_state(found.facts), PowerState.RUNNING)
        self._session.change(f"interrupting VM {vm_uuid}", lambda api: found.on(api).SendNMI())

    def turn_off(self, vm_uuid: UUID, found: Found) -> None:
        """Turn a VM off by force, of which `translate.POWER_PATHS` are known."""
        if translate.power_state(found.facts) is PowerState.STOPPED:
            return
        try:
            self._session.run(
                f"turning VM {vm_uuid} off", lambda api: found.on(api).PowerOffVM_Task()
            )
        except InvalidState:
            # The guest, or an operator, may have been faster.
            if self._vms.get_vm(vm_uuid).power_state is not PowerState.STOPPED:
                raise

    def reboot_vm(self, vm_uuid: UUID, request: RebootRequest) -> None:
        """See `IHypervisor.reboot_vm`. The guest is turned off and started, not reset, so that it
        gets the virtual hardware that it should have.
        """
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
            left = left if accepted else min(left, _ASK_AGAIN_SECONDS)

            def wait(api: Api, left: float = left) -> dict[str, Any]:
                return wait_for(api.collectors, found.on(api), _PATHS[:1], _is_off, seconds=left)

            if _is_off(self._session.ask(f"waiting for VM {vm_uuid} to shut down", wait)):
                return True
        return False

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


def _is_off(known: dict[str, Any]) -> bool:
    return str(known.get("runtime.powerState")) == "poweredOff"
