"""Pauses and suspends VMs, and wakes guests that hang."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any
from uuid import UUID

import libvirt
from nova_virt_interface.call import current_call
from nova_virt_interface.errors import Cancelled, DeadlineExceeded
from nova_virt_interface.states import ON, require_state
from nova_virt_interface.values.power import (
    CrashDumpRequest,
    PauseRequest,
    PowerState,
    SuspendRequest,
)

from nova_virt_libvirt.census import Census
from nova_virt_libvirt.domains import Domains, domain_state
from nova_virt_libvirt.session import Session

__all__ = ["Pausing", "interruptible"]

_STEP_SECONDS = 0.2


class Pausing:
    """More power states of one backend's VMs."""

    def __init__(self, session: Session, domains: Domains, census: Census) -> None:
        self._session = session
        self._domains = domains
        self._census = census

    def pause_vm(self, vm_uuid: UUID, request: PauseRequest) -> None:
        """See `IPause.pause_vm`."""
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            domain = self._domains.ours(connection, vm_uuid)[0]
            state = domain_state(domain)
            require_state(vm_uuid, state, *ON)
            if state is PowerState.RUNNING:
                domain.suspend()

    def suspend_vm(self, vm_uuid: UUID, request: SuspendRequest) -> None:
        """See `ISuspend.suspend_vm`."""
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            domain = self._domains.ours(connection, vm_uuid)[0]
            state = domain_state(domain)
            require_state(vm_uuid, state, *ON, PowerState.SUSPENDED)
            if state is not PowerState.SUSPENDED:
                # Also of a paused one: when it goes on, it runs.
                interruptible(domain, lambda: domain.managedSave(libvirt.VIR_DOMAIN_SAVE_RUNNING))
            self._census.note_saved(vm_uuid, True)

    def trigger_crash_dump(self, vm_uuid: UUID, request: CrashDumpRequest) -> None:
        """See `ICrashDump.trigger_crash_dump`."""
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            domain = self._domains.ours(connection, vm_uuid)[0]
            require_state(vm_uuid, domain_state(domain), PowerState.RUNNING)
            domain.injectNMI()


def interruptible(domain: Any, work: Callable[[], object]) -> None:
    """Do what takes long, and abort it when the call is over before; then it is undone."""
    with ThreadPoolExecutor(1, thread_name_prefix="nova-virt-libvirt-job") as thread:
        job = thread.submit(work)
        while True:
            # Not `result`, whose TimeoutError may be one of the work itself.
            if wait([job], timeout=_STEP_SECONDS).done:
                job.result()
                return
            try:
                current_call().check()
            except (Cancelled, DeadlineExceeded):
                with suppress(libvirt.libvirtError):
                    domain.abortJob()
                if job.exception() is None:
                    # It was done before it could be aborted.
                    return
                raise
            _tell_progress(domain)


def _tell_progress(domain: Any) -> None:
    with suppress(libvirt.libvirtError):
        numbers = domain.jobStats()
        total = numbers.get("data_total")
        if total:
            current_call().progress(min(numbers.get("data_processed", 0), total), total)
