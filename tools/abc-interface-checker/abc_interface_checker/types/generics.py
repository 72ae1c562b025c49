"""The generic classes of Python: how their parameters vary, and what they are besides.

The facts are those of typeshed, for the classes that contracts use.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from abc_interface_checker.types.expressions import ANY, Named, Type, expand, parse, render

__all__ = ["Generic", "generic"]

_ABC = "collections.abc."
# Name and parameters (``+`` covariant, ``-`` contravariant, ``=`` invariant), then the bases.
# Names that begin with a dot are in collections.abc.
_TABLE = """
bool: int
bytearray: .MutableSequence[int]
bytes: .Sequence[int], .Hashable
complex: .Hashable
dict =K =V: .MutableMapping[K, V], .Reversible[K]
float: complex
frozenset +T: .Set[T], .Hashable
int: float
list =T: .MutableSequence[T]
memoryview: .Sequence[int]
object:
range: .Sequence[int], .Hashable
set =T: .MutableSet[T]
slice:
str: .Sequence[str], .Hashable
type +T: .Hashable
typing.LiteralString: str
.AsyncGenerator +Y -S: .AsyncIterator[Y]
.AsyncIterable +T:
.AsyncIterator +T: .AsyncIterable[T]
.Awaitable +T:
.Collection +T: .Iterable[T], .Container[T], .Sized
.Container +T:
.Coroutine +Y -S +T: .Awaitable[T]
.Generator +Y -S +R: .Iterator[Y]
.Hashable:
.ItemsView +K +V: .Set[tuple[K, V]]
.Iterable +T:
.Iterator +T: .Iterable[T]
.KeysView +K: .Set[K]
.Mapping =K +V: .Collection[K]
.MutableMapping =K =V: .Mapping[K, V]
.MutableSequence =T: .Sequence[T]
.MutableSet =T: .Set[T]
.Reversible +T: .Iterable[T]
.Sequence +T: .Reversible[T], .Collection[T]
.Set +T: .Collection[T]
.Sized:
.ValuesView +V: .Collection[V]
asyncio.Future =T: .Awaitable[T]
asyncio.Task +T: asyncio.Future[T]
collections.ChainMap =K =V: .MutableMapping[K, V]
collections.Counter =T: dict[T, int]
collections.OrderedDict =K =V: dict[K, V]
collections.defaultdict =K =V: dict[K, V]
collections.deque =T: .MutableSequence[T]
contextlib.AbstractAsyncContextManager +T:
contextlib.AbstractContextManager +T:
os.PathLike +T:
pathlib.Path: pathlib.PurePath
pathlib.PurePath: os.PathLike[str], .Hashable
re.Match =T:
re.Pattern =T: .Hashable
types.MappingProxyType =K +V: .Mapping[K, V]
"""


@dataclass(frozen=True, slots=True)
class Generic:
    """A class of the table."""

    variances: tuple[str, ...]
    _parameters: tuple[str, ...]
    _bases: tuple[str, ...]

    def bases(self, arguments: tuple[Type, ...]) -> tuple[Type, ...]:
        """The direct bases of the class with these arguments; those left out are ``Any``."""
        given = dict(zip(self._parameters, map(render, arguments), strict=False))
        targets = dict.fromkeys(self._parameters, render(ANY)) | given
        return tuple(expand(parse(base), targets) for base in self._bases)


@functools.cache
def _rows() -> Mapping[str, str]:
    text = f"\n{_TABLE}".replace("\n.", f"\n{_ABC}").replace(" .", f" {_ABC}")
    rows = filter(None, text.split("\n"))
    return {row.partition(":")[0].split()[0]: row for row in rows}


@functools.cache
def generic(name: str) -> Generic | None:
    """What is known of the class; None: it is not in the table. ``tuple`` is a case of its own."""
    row = _rows().get(name)
    if row is None:
        return None
    head, _, bases = row.partition(":")
    parameters = head.split()[1:]
    inner = parse(f"tuple[{bases.strip()}]") if bases.strip() else Named("tuple")
    assert isinstance(inner, Named)  # noqa: S101 - the table is ours
    return Generic(
        variances=tuple(parameter[0] for parameter in parameters),
        _parameters=tuple(parameter[1:] for parameter in parameters),
        _bases=tuple(map(render, inner.arguments)),
    )
