"""Waiting for a guest, which may do what it was asked to after the caller has given up."""

from __future__ import annotations

import time
from collections.abc import Callable

from nova_virt_interface.call import current_call
from nova_virt_interface.errors import Cancelled, DeadlineExceeded

__all__ = ["guest_did"]

_STEP_SECONDS = 0.1


def guest_did(
    done: Callable[[], bool],
    ask: Callable[[], None],
    *,
    timeout_seconds: float,
    ask_again_seconds: float,
) -> bool:
    """Ask a guest for something until it has done it; say whether it did so in time.

    Args:
        done: asks the host whether it is done.
        ask: asks the guest.
        timeout_seconds: how long to wait.
        ask_again_seconds: a guest that has not come up yet overhears the first question.

    Raises: Cancelled and DeadlineExceeded; the guest was asked, so it may still do it.
    """
    end = time.monotonic() + timeout_seconds
    asked = float("-inf")
    while not done():
        now = time.monotonic()
        if now >= end:
            return False
        if now >= asked + ask_again_seconds:
            ask()
            asked = now
        try:
            current_call().wait(min(_STEP_SECONDS, end - now))
        except (Cancelled, DeadlineExceeded) as error:
            error.may_have_been_done = True
            raise
    return True
