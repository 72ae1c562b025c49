"""Names of exceptions in docstrings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from abc_interface_checker.source.scope import Scope

__all__ = ["ExceptionNames"]


@dataclass
class ExceptionNames:
    """Finds the exception that a docstring means.

    ``own`` are the absolute names of the package's exceptions, ``external`` says of any other
    absolute name whether it is one.
    """

    own: Iterable[str]
    is_external: Callable[[str], bool]

    def __post_init__(self) -> None:
        self._own = frozenset(self.own)
        self._by_last: dict[str, list[str]] = {}
        for name in self._own:
            self._by_last.setdefault(name.rpartition(".")[2], []).append(name)

    def find(self, written: str, scope: Scope) -> str | None:
        """The absolute name; None if it is no exception, or several could be meant.

        A docstring may name what its module does not import, if the package has one exception of
        that name.
        """
        resolved = scope.resolve(written)
        if resolved is not None and (resolved in self._own or self.is_external(resolved)):
            return resolved
        candidates = self._by_last.get(written.rpartition(".")[2], [])
        return candidates[0] if len(candidates) == 1 else None
