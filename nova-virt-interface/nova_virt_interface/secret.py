"""A value whose content appears in no log, repr, report, digest or pickle."""

from __future__ import annotations

from typing import NoReturn

__all__ = ["Secret"]


class Secret:
    """Holds a password, key or token. Only `reveal` gives it out.

    [SEC-1] The content of a secret appears in no repr, no log line, no error and no report.
    [SEC-2] A driver never stores a secret; it keeps one no longer than the call that brought it.
    """

    __slots__ = ("_content",)

    def __init__(self, content: str | bytes) -> None:
        self._content = content

    def reveal(self) -> bytes:
        """The content; a text is encoded as UTF-8."""
        return self._content.encode() if isinstance(self._content, str) else self._content

    def __repr__(self) -> str:
        return "Secret('***')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.reveal() == other.reveal()

    def __hash__(self) -> int:
        return hash((Secret, self.reveal()))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not serialised: send it by a channel made for secrets")
