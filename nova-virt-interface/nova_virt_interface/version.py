"""The version of the contract: ``MAJOR.MINOR``, or ``MAJOR.MINOR.devN`` while it is a draft."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["CONTRACT_VERSION", "ContractVersion"]

CONTRACT_VERSION = "1.0.dev2"
"""The contract that this package describes; independent of the package's own version."""

_PATTERN = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)(?:\.dev(0|[1-9]\d*))?", re.ASCII)


@dataclass(frozen=True, order=True)
class ContractVersion:
    """A contract version. A draft sorts before the release that it becomes.

    ``stage`` is ``(0, N)`` for draft ``N`` and ``(1, 0)`` for a release, so that tuple order is
    version order.
    """

    major: int
    minor: int
    stage: tuple[int, int] = (1, 0)

    @classmethod
    def parse(cls, text: str) -> ContractVersion:
        """Read ``1.0`` or ``1.0.dev2``; anything else raises ValueError."""
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise ValueError(
                f"{text!r} is not a contract version: write MAJOR.MINOR or MAJOR.MINOR.devN"
            )
        major, minor, draft = match.groups()
        stage = (1, 0) if draft is None else (0, int(draft))
        return cls(int(major), int(minor), stage)

    @property
    def is_draft(self) -> bool:
        """Whether this is a draft, which promises no compatibility with any other version."""
        return self.stage[0] == 0

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}"
        return f"{text}.dev{self.stage[1]}" if self.is_draft else text
