"""The one table: error of the host in memory → contract error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nova_virt_interface.errors import (
    BackendError,
    Busy,
    Cancelled,
    Conflict,
    HostUnreachable,
    InsufficientResources,
    InvalidRequest,
    NotFound,
    PeerUnreachable,
    Resource,
    VirtError,
)
from nova_virt_interface.reference.host import HostError

__all__ = ["translated"]

_TABLE: dict[str, Callable[[str], VirtError]] = {
    "AWAY": lambda text: HostUnreachable(text, remedy="start the host, then repeat"),
    "NO_SUCH_VM": lambda text: NotFound(f"there is no VM {text}", resource=Resource.VM, name=text),
    "NO_DISK": lambda text: NotFound(f"no disk {text}", resource=Resource.DISK, name=text),
    "EXISTS": lambda text: Conflict(f"{text} exists", resource=Resource.VM, name=text),
    "IN_USE": lambda text: Conflict(f"{text} is in use", resource=Resource.IMAGE, name=text),
    "BAD_STATE": lambda text: Busy(f"{text}, somebody else changed it"),
    "ABORTED": lambda text: Cancelled(f"{text} was given up"),
    "NO_TICKET": lambda text: Conflict(
        text, remedy="prepare the migration anew", resource=Resource.VM, name=text
    ),
    "PEER_AWAY": lambda text: PeerUnreachable(
        f"host {text} does not answer",
        remedy="start that host, or migrate to another",
        resource=Resource.DESTINATION,
        name=text,
    ),
    "NO_MEMORY": lambda text: InsufficientResources(text, resource=Resource.MEMORY),
    "IN_MAINTENANCE": lambda text: InsufficientResources(
        text, remedy="use another host", resource=Resource.HOST
    ),
    "LOCKED": lambda text: InvalidRequest(
        text, remedy="send the device's secret with the request", field="secrets"
    ),
    "IS_USED": lambda text: Busy(text, remedy="stop its VMs first"),
    "NO_AGENT": lambda text: PeerUnreachable(
        text, remedy="start the guest's agent", resource=Resource.GUEST_AGENT
    ),
    "SILENT_AGENT": lambda text: PeerUnreachable(
        text,
        remedy="look into the guest",
        resource=Resource.GUEST_AGENT,
        may_have_been_done=True,
    ),
    "NO_USER": lambda text: NotFound(
        f"the guest has no user {text}", resource=Resource.GUEST_USER, name=text
    ),
    "NO_STORAGE": lambda text: InsufficientResources(text, resource=Resource.STORAGE),
}


@contextmanager
def translated() -> Iterator[None]:
    """Turn the host's errors into contract errors. The host changes nothing when it refuses."""
    try:
        yield
    except HostError as error:
        text = str(error).partition(": ")[2]
        make = _TABLE.get(error.code)
        if make is None:
            raise BackendError(
                "the host failed", detail=str(error), may_have_been_done=True
            ) from error
        raise make(text) from error
