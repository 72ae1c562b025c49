"""Undoing what a failed operation has done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nova_virt_interface.call import Call, current_call
from nova_virt_interface.errors import VirtError

__all__ = ["undone"]

_log = logging.getLogger(__name__)
_SECONDS = 60.0


@contextmanager
def undone(what: str, undo: Callable[[], None]) -> Iterator[None]:
    """If the block fails, undo it, also when the call was cancelled or is out of time.

    The error of the block says that it may have been done only if undoing failed, too.
    """
    try:
        yield
    except BaseException as error:
        remains = not _is_done(what, undo)
        if isinstance(error, VirtError):
            error.may_have_been_done = remains
        raise


def _is_done(what: str, undo: Callable[[], None]) -> bool:
    with Call(current_call().request_id, timeout_seconds=_SECONDS):
        try:
            undo()
        except VirtError as error:
            _log.warning("%s is left behind: %s", what, error)
            return False
    return True
