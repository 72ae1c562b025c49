"""The contract's errors: the fewest classes that core treats differently.

[ERR-1] Every exception that leaves a driver is a `VirtError`; a backend error that the driver's
table does not know becomes a `BackendError`. The original exception is chained as ``__cause__``.
[ERR-2] ``may_have_been_done`` is False only when the driver knows that the call changed nothing, or
that what it changed is undone again.
[ERR-3] ``transient`` tells whether the same call, unchanged, may succeed later. Every operation is
idempotent, so core may repeat a transient failure without looking at the state first, also one that
may have been done.
[ERR-4] A request that the host cannot satisfy as asked is refused before anything is touched.
"""

from __future__ import annotations

import enum
from typing import Any, ClassVar

from nova_virt_interface.marks import enumeration

__all__ = [
    "AccessDenied",
    "BackendError",
    "Busy",
    "Cancelled",
    "Conflict",
    "DeadlineExceeded",
    "HostUnreachable",
    "ImageCorrupt",
    "IncompatibleContract",
    "InsufficientResources",
    "InvalidRequest",
    "InvalidState",
    "NotFound",
    "PeerUnreachable",
    "Resource",
    "Unsupported",
    "VirtError",
]


@enumeration(since="1.0", open=True)
class Resource(enum.Enum):
    """What an error is about."""

    VM = "vm"
    IMAGE = "image"
    DISK = "disk"
    NIC = "nic"
    MEMORY = "memory"
    CPU = "cpu"
    STORAGE = "storage"
    NETWORK = "network"
    VOLUME = "volume"
    SHARE = "share"
    HOST_DEVICE = "host-device"
    GUEST_AGENT = "guest-agent"
    GUEST_USER = "guest-user"
    HOST = "host"
    """The host as a whole: it is in maintenance."""
    DESTINATION = "destination"
    """The other host of a migration."""


class VirtError(Exception):
    """Root of all errors that cross the contract.

    Args:
        message: what happened, for people; never a secret.
        remedy: what to do about it, for people.
        detail: the backend's own words and code, unchanged.
        may_have_been_done: the operation may have taken effect, in whole or in part.
    """

    transient: ClassVar[bool] = False

    def __init__(
        self, message: str, *, remedy: str = "", detail: str = "", may_have_been_done: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.detail = detail
        self.may_have_been_done = may_have_been_done

    def __str__(self) -> str:
        text = self.message
        if self.detail:
            text += f" ({self.detail})"
        if self.may_have_been_done:
            text += " [it may have been done]"
        return f"{text}: {self.remedy}" if self.remedy else text

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


def _restore(cls: type[VirtError], args: tuple[Any, ...], state: dict[str, Any]) -> VirtError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class InvalidRequest(VirtError, ValueError):
    """The request can be satisfied by no host: a malformed or contradictory value in ``field``."""

    def __init__(self, message: str, *, field: str = "", **more: Any) -> None:
        super().__init__(message, **more)
        self.field = field


class Unsupported(VirtError):
    """This host, or a driver of this contract version, cannot do what ``field`` asks for."""

    def __init__(self, message: str, *, field: str = "", **more: Any) -> None:
        super().__init__(message, **more)
        self.field = field


class NotFound(VirtError):
    """``name`` of kind ``resource`` does not exist here; the host was asked and is certain."""

    def __init__(self, message: str, *, resource: Resource, name: str, **more: Any) -> None:
        super().__init__(message, **more)
        self.resource = resource
        self.name = name


class Conflict(VirtError):
    """``name`` exists with other content, belongs to somebody else, or is in use."""

    def __init__(self, message: str, *, resource: Resource, name: str, **more: Any) -> None:
        super().__init__(message, **more)
        self.resource = resource
        self.name = name


class InvalidState(VirtError):
    """The VM's power state, ``state`` (a `PowerState` value), does not allow the operation."""

    def __init__(self, message: str, *, state: str, **more: Any) -> None:
        super().__init__(message, **more)
        self.state = state


class Busy(VirtError):
    """Another operation, of somebody else, holds what this one needs."""

    transient = True


class InsufficientResources(VirtError):
    """The host has too little of ``resource``; amounts are bytes or pieces, or None."""

    def __init__(
        self,
        message: str,
        *,
        resource: Resource,
        needed: int | None = None,
        available: int | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message, **more)
        self.resource = resource
        self.needed = needed
        self.available = available


class ImageCorrupt(VirtError):
    """The bytes of an image are not what was promised; nothing of it was kept."""


class HostUnreachable(VirtError):
    """The hypervisor does not answer, or the connection was cut."""

    transient = True


class PeerUnreachable(VirtError):
    """``resource``, which is not the hypervisor but something that it needs, does not answer: a
    volume's or share's server, the guest's agent, the other host of a migration.
    """

    transient = True

    def __init__(self, message: str, *, resource: Resource, name: str = "", **more: Any) -> None:
        super().__init__(message, **more)
        self.resource = resource
        self.name = name


class AccessDenied(VirtError):
    """The hypervisor refused the credentials, they do not suffice, or one side does not trust the
    other's certificate.
    """


class Cancelled(VirtError):
    """The caller cancelled the call; what it had done is undone unless ``may_have_been_done``."""


class DeadlineExceeded(VirtError):
    """The call's deadline passed before it was done."""

    transient = True


class IncompatibleContract(VirtError):
    """Core and driver do not share a contract version; raised by core before the driver is
    imported.
    """


class BackendError(VirtError):
    """The hypervisor failed in a way that the contract has no word for; ``detail`` has its own."""
