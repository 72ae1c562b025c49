"""Undoes what a failed operation has done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nova_virt_interface.call import Call, current_call
from nova_virt_interface.errors import Busy, HostUnreachable, VirtError

__all__ = ["undone_by"]

_log = logging.getLogger(__name__)


@contextmanager
def undone_by(undo: Callable[[], object], *, timeout_seconds: float = 120.0) -> Iterator[None]:
    """If the block fails, undo it, also when the call was cancelled or is out of time.

    The error of the block leaves as it was, but for ``may_have_been_done`` (rule ERR-2): it is
    False once all is undone, unless an answer was lost, whose request may still be under way.

    Args:
        undo: may raise a `VirtError`, which is logged.
        timeout_seconds: how long it may take; it has a call of its own, with the same request id.
    """
    try:
        yield
    except BaseException as error:
        remains = True
        try:
            with Call(current_call().request_id, timeout_seconds=timeout_seconds):
                undo()
            remains = False
        except VirtError:
            _log.exception("could not undo a failed operation; repeating or deleting it will")
        if isinstance(error, VirtError):
            under_way = error.may_have_been_done and isinstance(error, HostUnreachable | Busy)
            error.may_have_been_done = remains or under_way
        raise
