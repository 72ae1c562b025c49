"""Starts, stops and restarts VMs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import libvirt
from nova_virt_interface import offers
from nova_virt_interface.values.power import (
    PowerState,
    RebootKind,
    RebootRequest,
    StartRequest,
    StopRequest,
)

from nova_virt_libvirt.census import Census
from nova_virt_libvirt.domains import Domains, domain_state
from nova_virt_libvirt.errors import is_code
from nova_virt_libvirt.mark import Mark
from nova_virt_libvirt.secrets import lent_secrets
from nova_virt_libvirt.session import Session
from nova_virt_libvirt.waiting import guest_did

__all__ = ["Power", "turn_off"]

_ASK_AGAIN_SECONDS = 5.0


class Power:
    """The power states of one backend's VMs."""

    def __init__(self, session: Session, domains: Domains, census: Census) -> None:
        self._session = session
        self._domains = domains
        self._census = census

    def start_vm(self, vm_uuid: UUID, request: StartRequest) -> None:
        """See `IHypervisor.start_vm`."""
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            domain, description, mark = self._domains.ours(connection, vm_uuid)
            if not domain.isActive():
                offers.require_secrets(description.needs, request.secrets)
            self._forget_copy(domain, mark)
            with lent_secrets(connection, vm_uuid, request.secrets):
                _start(domain)
            self._census.note_saved(vm_uuid, None)

    def stop_vm(self, vm_uuid: UUID, request: StopRequest) -> None:
        """See `IHypervisor.stop_vm`."""
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            _stop(self._domains.ours(connection, vm_uuid)[0], request.graceful_timeout_seconds)
            self._census.note_saved(vm_uuid, False)

    def reboot_vm(self, vm_uuid: UUID, request: RebootRequest) -> None:
        """See `IHypervisor.reboot_vm`.

        A soft reboot is a shutdown and a start, because only so it is certain that the guest boots
        anew.
        """
        graceful = request.graceful_timeout_seconds if request.kind is RebootKind.SOFT else 0.0
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            domain, description, mark = self._domains.ours(connection, vm_uuid)
            offers.require_secrets(description.needs, request.secrets)
            self._forget_copy(domain, mark)
            _stop(domain, graceful)
            with lent_secrets(connection, vm_uuid, request.secrets):
                _start(domain)

    def _forget_copy(self, domain: Any, mark: Mark) -> None:
        """What another host has is not the VM as it will be."""
        if mark.copying or mark.copied:
            self._domains.set_mark(domain, replace(mark, copying="", copied=""))


def turn_off(domain: Any) -> None:
    """Turn a domain off without asking the guest, and drop its saved memory; one that is off stays
    so.
    """
    _unless(domain.destroy, libvirt.VIR_ERR_OPERATION_INVALID)
    if domain_state(domain) is PowerState.SUSPENDED:
        domain.managedSaveRemove(0)


def _start(domain: Any) -> None:
    state, _ = domain.state()
    if state == libvirt.VIR_DOMAIN_PAUSED:
        domain.resume()
    elif state == libvirt.VIR_DOMAIN_PMSUSPENDED:
        domain.pMWakeup(0)
    elif state in (libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_CRASHED):
        if state == libvirt.VIR_DOMAIN_CRASHED:
            turn_off(domain)
        # Goes on from saved memory if there is some; what an operator saved may go on paused.
        domain.create()
        if domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
            domain.resume()


def _stop(domain: Any, graceful_seconds: float) -> None:
    if graceful_seconds > 0 and domain.state()[0] in (
        libvirt.VIR_DOMAIN_RUNNING,
        libvirt.VIR_DOMAIN_BLOCKED,
    ):
        guest_did(
            lambda: not domain.isActive(),
            lambda: _unless(domain.shutdown, libvirt.VIR_ERR_OPERATION_INVALID),
            timeout_seconds=graceful_seconds,
            ask_again_seconds=_ASK_AGAIN_SECONDS,
        )
    turn_off(domain)


def _unless(call: Any, *codes: int) -> None:
    """Call; an error with one of the codes means that the domain is off already."""
    try:
        call()
    except libvirt.libvirtError as error:
        if not is_code(error, *codes):
            raise
