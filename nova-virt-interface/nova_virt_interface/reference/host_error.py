"""What a host in memory says when it refuses."""

from __future__ import annotations

__all__ = ["HostError"]


class HostError(Exception):
    """The host refuses; ``code`` is its own name for the reason."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
