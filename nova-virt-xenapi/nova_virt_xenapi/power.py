"""Starts, stops and restarts VMs.

What is to be done follows from the VM's state as it was told. If that is out of date, xapi refuses
what is done on it; and what is refused, or not done because it is so already, is decided once more
on what is certain.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from uuid import UUID

from nova_virt_interface.errors import (
    Busy,
    Cancelled,
    DeadlineExceeded,
    HostUnreachable,
    InsufficientResources,
    InvalidState,
    NotFound,
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

from nova_virt_xenapi.cache import Cache
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.records import Found, Records
from nova_virt_xenapi.session import Session, undone_by
from nova_virt_xenapi.tasks import Tasks
from nova_virt_xenapi.translate import power_state

__all__ = ["Power"]

_log = logging.getLogger(__name__)


class Power:
    """The power of one owner's VMs."""

    def __init__(
        self, session: Session, cache: Cache, tasks: Tasks, records: Records, pool: Pool
    ) -> None:
        self._session = session
        self._cache = cache
        self._tasks = tasks
        self._records = records
        self._pool = pool

    def start_vm(self, vm_uuid: UUID, request: StartRequest) -> None:
        """See `IHypervisor.start_vm`."""
        self._decide(vm_uuid, self._go_on)

    def stop_vm(self, vm_uuid: UUID, request: StopRequest) -> None:
        """See `IHypervisor.stop_vm`."""
        timeout = request.graceful_timeout_seconds

        def stop(vm: Found) -> bool:
            if self._asked(vm, "VM.clean_shutdown", timeout):
                return True
            return self._off(vm)

        self._decide(vm_uuid, stop)

    def reboot_vm(self, vm_uuid: UUID, request: RebootRequest) -> None:
        """See `IHypervisor.reboot_vm`."""
        soft = request.kind is RebootKind.SOFT
        timeout = request.graceful_timeout_seconds if soft else 0.0

        def reboot(vm: Found) -> bool:
            self._require_host()
            if self._asked(vm, "VM.clean_reboot", timeout):
                return True
            if vm.record["power_state"] in ("Running", "Paused"):
                return self._run(vm, "VM.hard_reboot")
            self._off(vm)
            return self._boot(vm)

        self._decide(vm_uuid, reboot)

    def pause_vm(self, vm_uuid: UUID, request: PauseRequest) -> None:
        """See `IPause.pause_vm`."""

        def pause(vm: Found) -> bool:
            state = power_state(vm.record["power_state"])
            if state is PowerState.PAUSED:
                return False
            require_state(vm_uuid, state, PowerState.RUNNING)
            return self._run(vm, "VM.pause")

        self._decide(vm_uuid, pause)

    def suspend_vm(self, vm_uuid: UUID, request: SuspendRequest) -> None:
        """See `ISuspend.suspend_vm`. xapi suspends what runs, nothing that is paused."""

        def suspend(vm: Found) -> bool:
            state = power_state(vm.record["power_state"])
            if state is PowerState.SUSPENDED:
                return False
            require_state(vm_uuid, state, PowerState.RUNNING, PowerState.PAUSED)
            if state is PowerState.RUNNING:
                return self._run(vm, "VM.suspend")
            with undone_by(lambda: self._pause_again(vm)):
                self._run(vm, "VM.unpause")
                return self._run(vm, "VM.suspend")

        self._decide(vm_uuid, suspend)

    def _pause_again(self, vm: Found) -> None:
        self._run(vm, "VM.pause")

    def turn_off(self, vm: Found) -> None:
        """Turn a VM off by force, if it is not off."""
        try:
            self._off(vm)
        except Busy:
            self._cache.sync()
            if self._cache.row("VM", vm.ref)["power_state"] != "Halted":
                raise

    def _decide(self, vm_uuid: UUID, act: Callable[[Found], bool]) -> None:
        """Let something be done, which says whether it was not done already."""
        with self._session.operation(f"VM {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            try:
                if act(vm):
                    return
            except (Busy, InsufficientResources, InvalidState, NotFound):
                certain = self._records.certain(vm_uuid)
                if certain.ref == vm.ref and certain.record == vm.record:
                    raise
            else:
                certain = self._records.certain(vm_uuid)
            act(certain)

    def _require_host(self) -> None:
        """Refuse what ends in a start, while the host takes no VMs: xapi itself refuses only the
        start, when the VM is off already, and restarts where it is.
        """
        if not self._cache.row("host", self._pool.host)["enabled"]:
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

    def _go_on(self, vm: Found) -> bool:
        match vm.record["power_state"]:
            case "Halted":
                return self._boot(vm)
            case "Paused":
                return self._run(vm, "VM.unpause")
            case "Suspended":
                return self._run(vm, "VM.resume_on", self._pool.host, False, False)
        return False

    def _off(self, vm: Found) -> bool:
        return vm.record["power_state"] != "Halted" and self._run(vm, "VM.hard_shutdown")

    def _boot(self, vm: Found) -> bool:
        return self._run(vm, "VM.start_on", self._pool.host, False, False)

    def _run(self, vm: Found, method: str, *arguments: object) -> bool:
        self._tasks.run(method, vm.ref, *arguments, about=f"VM {vm.mark.vm_uuid}")
        return True
