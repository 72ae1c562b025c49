"""What a harness says of a situation that its backend cannot be brought into."""

from __future__ import annotations

__all__ = ["CannotProvoke"]


class CannotProvoke(Exception):
    """The backend has no way to bring the situation about; the test that asked needs a deviation
    with this reason.
    """
