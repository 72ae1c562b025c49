"""Whether the records are as many as xapi says (``valid_ref_counts``)."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any

__all__ = ["Counts"]


class Counts:
    """Compares answer by answer.

    What goes while xapi writes an answer is counted, but not told of; the next answer counts right
    again. So one difference is a reason to ask once more, and two are a loss. A difference that was
    there when everything was told is no loss: everything tells no more than everything.
    """

    def __init__(self) -> None:
        self._at_first: dict[str, int] = {}
        self._before: set[str] = set()
        self.differ = False
        """Whether the last answer's numbers were others."""

    def lost(
        self, rows: Mapping[str, Sized], counts: Mapping[str, Any], *, whole: bool
    ) -> set[str]:
        """The classes of which something was not told.

        Args:
            rows: the records by class.
            counts: their numbers by class in lower case, as text or not.
            whole: the answer told everything.
        """
        found = {name: int(counts[name.lower()]) - len(of) for name, of in rows.items()}
        if whole:
            self._at_first = found
        differing = {name for name, number in found.items() if number != self._at_first[name]}
        lost, self._before = differing & self._before, differing
        self.differ = bool(differing)
        return lost
