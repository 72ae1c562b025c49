"""Requests to what runs inside a guest."""

from __future__ import annotations

from nova_virt_interface.marks import value
from nova_virt_interface.secret import Secret
from nova_virt_interface.values._checks import fits, printable

__all__ = ["GuestPasswordRequest", "QuiesceRequest", "SyncTimeRequest", "UnquiesceRequest"]


@value(since="1.0")
class GuestPasswordRequest:
    """The password to give to a user of the guest."""

    user: str
    """For instance ``root`` or ``Administrator``."""
    password: Secret

    def __post_init__(self) -> None:
        printable(self.user, "user")


@value(since="1.0")
class QuiesceRequest:
    """How to bring a guest's file systems to rest."""

    timeout_seconds: float = 60.0
    """How long the guest may take."""

    def __post_init__(self) -> None:
        fits(self.timeout_seconds >= 0, "timeout_seconds", "is negative")


@value(since="1.0")
class UnquiesceRequest:
    """How to let a guest write again."""


@value(since="1.0")
class SyncTimeRequest:
    """How to set a guest's clock to the host's."""
