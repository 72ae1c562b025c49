"""Starts, stops and restarts VMs."""

from __future__ import annotations

import logging
from uuid import UUID

from nova_virt_interface.errors import (
    Cancelled,
    DeadlineExceeded,
    HostUnreachable,
    InsufficientResources,
    Resource,
    VirtError,
)
from nova_virt_interface.states import require_state
from nova_virt_interface.values.power import (
    PauseRequest,
    PowerState,
    RebootKind,
    RebootRequest,
    StartRequest,
    StopRequest,
    SuspendRequest,
)

from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.records import Found, Records
from nova_virt_xenapi.session import Session, undone_by
from nova_virt_xenapi.tasks import Tasks
from nova_virt_xenapi.translate import power_state

__all__ = ["Power"]

_log = logging.getLogger(__name__)


class Power:
    """The power of one owner's VMs."""

    def __init__(self, session: Session, tasks: Tasks, records: Records, pool: Pool) -> None:
        self._session = session
        self._tasks = tasks
        self._records = records
        self._pool = pool

    def start_vm(self, vm_uuid: UUID, request: StartRequest) -> None:
        """See `IHypervisor.start_vm`."""
        with self._session.operation(f"VM {vm_uuid}"):
            self._go_on(self._records.require(vm_uuid))

    def stop_vm(self, vm_uuid: UUID, request: StopRequest) -> None:
        """See `IHypervisor.stop_vm`."""
        with self._session.operation(f"VM {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            timeout = request.graceful_timeout_seconds
            if not self._asked(vm, "VM.clean_shutdown", timeout):
                self.turn_off(vm)

    def reboot_vm(self, vm_uuid: UUID, request: RebootRequest) -> None:
        """See `IHypervisor.reboot_vm`."""
        with self._session.operation(f"VM {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            self._require_host()
            state = vm.record["power_state"]
            soft = request.kind is RebootKind.SOFT
            timeout = request.graceful_timeout_seconds if soft else 0.0
            if self._asked(vm, "VM.clean_reboot", timeout):
                return
            if state in ("Running", "Paused"):
                self._run(vm, "VM.hard_reboot")
                return
            self.turn_off(vm)
            self._boot(vm)

    def pause_vm(self, vm_uuid: UUID, request: PauseRequest) -> None:
        """See `IPause.pause_vm`."""
        with self._session.operation(f"VM {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            state = power_state(vm.record["power_state"])
            if state is not PowerState.PAUSED:
                require_state(vm_uuid, state, PowerState.RUNNING)
                self._run(vm, "VM.pause")

    def suspend_vm(self, vm_uuid: UUID, request: SuspendRequest) -> None:
        """See `ISuspend.suspend_vm`. xapi suspends what runs, nothing that is paused."""
        with self._session.operation(f"VM {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            state = power_state(vm.record["power_state"])
            if state is PowerState.SUSPENDED:
                return
            require_state(vm_uuid, state, PowerState.RUNNING, PowerState.PAUSED)
            if state is PowerState.RUNNING:
                self._run(vm, "VM.suspend")
                return
            with undone_by(lambda: self._run(vm, "VM.pause")):
                self._run(vm, "VM.unpause")
                self._run(vm, "VM.suspend")

    def turn_off(self, vm: Found) -> None:
        """Turn a VM off by force, if it is not off."""
        if vm.record["power_state"] != "Halted" and self._state(vm) != "Halted":
            self._run(vm, "VM.hard_shutdown")

    def _require_host(self) -> None:
        """Refuse what ends in a start, while the host takes no VMs: xapi itself refuses only the
        start, when the VM is off already, and restarts where it is.
        """
        if not self._session.call("host.get_enabled", self._pool.host):
            raise InsufficientResources(
                "the host takes no VMs",
                resource=Resource.HOST,
                remedy="let it leave maintenance first",
            )

    def _asked(self, vm: Found, method: str, seconds: float) -> bool:
        """Ask the guest of a running VM; says whether it did so in time."""
        if seconds <= 0 or vm.record["power_state"] != "Running":
            return False
        try:
            return self._tasks.run(method, vm.ref, about=f"VM {vm.mark.vm_uuid}", seconds=seconds)
        except (Cancelled, DeadlineExceeded, HostUnreachable):
            raise
        except VirtError as error:
            # A guest without Xen drivers, or one that refuses, is a guest that does not listen.
            _log.info("the guest of %s did not follow: %s", vm.mark.vm_uuid, error)
            return False

    def _go_on(self, vm: Found) -> None:
        match vm.record["power_state"]:
            case "Halted":
                self._boot(vm)
            case "Paused":
                self._run(vm, "VM.unpause")
            case "Suspended":
                self._run(vm, "VM.resume_on", self._pool.host, False, False)

    def _boot(self, vm: Found) -> None:
        self._run(vm, "VM.start_on", self._pool.host, False, False)

    def _run(self, vm: Found, method: str, *arguments: object) -> None:
        self._tasks.run(method, vm.ref, *arguments, about=f"VM {vm.mark.vm_uuid}")

    def _state(self, vm: Found) -> str:
        state: str = self._session.call("VM.get_power_state", vm.ref)
        return state
