"""What a guest's QEMU agent is asked, through libvirt."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import libvirt
import libvirt_qemu
from nova_virt_interface.errors import (
    InvalidRequest,
    NotFound,
    PeerUnreachable,
    Resource,
    VirtError,
)
from nova_virt_interface.states import require_state
from nova_virt_interface.values.guest import (
    GuestPasswordRequest,
    QuiesceRequest,
    SyncTimeRequest,
    UnquiesceRequest,
)
from nova_virt_interface.values.power import PowerState

from nova_virt_libvirt.conf import Settings
from nova_virt_libvirt.domains import Domains, domain_state
from nova_virt_libvirt.errors import is_code
from nova_virt_libvirt.session import Session

__all__ = ["GuestAgent"]

_STATUS = json.dumps({"execute": "guest-fsfreeze-status"})
_NO_SUCH_USER = ("does not exist", "could not be found", "failed to set user password")


class GuestAgent:
    """The agents in one backend's guests."""

    def __init__(self, session: Session, domains: Domains, settings: Settings) -> None:
        self._session = session
        self._domains = domains
        self._answer_seconds = settings.agent_answer_seconds

    def set_guest_password(self, vm_uuid: UUID, request: GuestPasswordRequest) -> None:
        """See `IGuestPassword.set_guest_password`."""
        try:
            password = request.password.reveal().decode()
        except UnicodeDecodeError:
            raise InvalidRequest(
                "libvirt takes passwords in UTF-8", remedy="use another one", field="password"
            ) from None
        with self._asking(vm_uuid, self._answer_seconds) as domain:
            try:
                domain.setUserPassword(request.user, password)
            except libvirt.libvirtError as error:
                if any(words in str(error) for words in _NO_SUCH_USER):
                    raise NotFound(
                        f"the guest gives no password to user {request.user}",
                        resource=Resource.GUEST_USER,
                        name=request.user,
                        detail=str(error),
                        remedy="use a user of the guest",
                    ) from error
                raise

    def quiesce_guest(self, vm_uuid: UUID, request: QuiesceRequest) -> None:
        """See `IGuestQuiesce.quiesce_guest`."""
        seconds = max(1, round(request.timeout_seconds))
        with self._asking(vm_uuid, seconds) as domain:
            if _is_frozen(domain, seconds):
                return
            try:
                domain.fsFreeze()
            except libvirt.libvirtError as error:
                undone = _succeeds(domain.fsThaw)
                made = _unreachable(vm_uuid, error)
                made.may_have_been_done = not undone
                raise made from error

    def unquiesce_guest(self, vm_uuid: UUID, request: UnquiesceRequest) -> None:
        """See `IGuestQuiesce.unquiesce_guest`."""
        with self._asking(vm_uuid, self._answer_seconds) as domain:
            domain.fsThaw()

    def sync_guest_time(self, vm_uuid: UUID, request: SyncTimeRequest) -> None:
        """See `IGuestTime.sync_guest_time`.

        The guest reads its hardware clock, which QEMU keeps at the host's time.
        """
        with self._asking(vm_uuid, self._answer_seconds) as domain:
            # libvirt-python insists on a time, which libvirt then does not look at.
            domain.setTime({"seconds": 0, "nseconds": 0}, libvirt.VIR_DOMAIN_TIME_SYNC)

    @contextmanager
    def _asking(self, vm_uuid: UUID, seconds: int) -> Iterator[Any]:
        """Give the domain to a block that asks its agent, which has so long to answer."""
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            domain = self._domains.ours(connection, vm_uuid)[0]
            require_state(vm_uuid, domain_state(domain), PowerState.RUNNING)
            try:
                # Without it libvirt would wait for ever.
                domain.agentSetResponseTimeout(seconds)
                yield domain
            except libvirt.libvirtError as error:
                if not _is_about_agent(error):
                    raise
                raise _unreachable(vm_uuid, error) from error


def _is_frozen(domain: Any, seconds: int) -> bool:
    answer = libvirt_qemu.qemuAgentCommand(domain, _STATUS, seconds, 0)
    return bool(json.loads(answer).get("return") == "frozen")


def _succeeds(call: Callable[[], object]) -> bool:
    try:
        call()
    except libvirt.libvirtError:
        return False
    return True


def _is_about_agent(error: libvirt.libvirtError) -> bool:
    return is_code(error, libvirt.VIR_ERR_AGENT_UNRESPONSIVE, libvirt.VIR_ERR_AGENT_UNSYNCED) or (
        error.get_error_domain() == libvirt.VIR_FROM_QEMU and "guest agent" in str(error).lower()
    )


def _unreachable(vm_uuid: UUID, error: libvirt.libvirtError) -> VirtError:
    # Of an agent that is not there nothing can have been asked.
    was_asked = "not connected" not in str(error) and "not configured" not in str(error)
    return PeerUnreachable(
        f"the agent of VM {vm_uuid} does not answer",
        resource=Resource.GUEST_AGENT,
        name=str(vm_uuid),
        detail=str(error),
        remedy="make the VM with guest_agent, and start qemu-guest-agent in its guest",
        may_have_been_done=was_asked,
    )
