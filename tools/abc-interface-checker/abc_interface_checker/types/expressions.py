"""The canonical type language: what an annotation means, in one spelling.

Names are dotted and absolute; what `builtins` has is written without it. ``X | Y`` has its members
sorted, without repetition, ``None`` last. ``typing``'s second names give way to the classes that
they stand for. A type that could not be understood is ``Unknown['its text']``.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

__all__ = [
    "ANY",
    "ELLIPSIS",
    "EMPTY",
    "NONE",
    "Callable",
    "Literal",
    "Named",
    "Type",
    "Union",
    "Unknown",
    "canonical_name",
    "expand",
    "is_member",
    "literal",
    "named",
    "names",
    "parse",
    "render",
    "union",
]


@dataclass(frozen=True, slots=True)
class Named:
    """A class, alias or type variable, with its arguments.

    ``tuple[X, ...]`` has `ELLIPSIS` as its second argument, ``tuple[()]`` has `EMPTY` as its only.
    """

    name: str
    arguments: tuple[Type, ...] = ()


@dataclass(frozen=True, slots=True)
class Union:
    """Any of two or more types; `union` makes it."""

    members: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class Literal:
    """One of some values: canonical Python literals, or dotted names of enumerations' members."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Callable:
    """A function; ``parameters`` None: it may be called with anything."""

    parameters: tuple[Type, ...] | None
    result: Type


@dataclass(frozen=True, slots=True)
class Unknown:
    """What could not be understood, as it is written."""

    text: str


Type = Named | Union | Literal | Callable | Unknown

NONE = Named("None")
ANY = Named("typing.Any")
ELLIPSIS = Named("...")
EMPTY = Named("()")

_CALLABLE = "collections.abc.Callable"
_ABSTRACT = (
    "AsyncGenerator AsyncIterable AsyncIterator Awaitable Callable Collection Container Coroutine "
    "Generator Hashable ItemsView Iterable Iterator KeysView Mapping MappingView MutableMapping "
    "MutableSequence MutableSet Reversible Sequence Sized ValuesView"
)
_SPELLINGS: Mapping[str, str] = {
    **{f"typing.{name}": f"collections.abc.{name}" for name in _ABSTRACT.split()},
    **{f"typing.{name}": name.lower() for name in ("Dict", "FrozenSet", "List", "Set", "Type")},
    "types.NoneType": "None",
    "typing.AbstractSet": "collections.abc.Set",
    "typing.AsyncContextManager": "contextlib.AbstractAsyncContextManager",
    "typing.Buffer": "collections.abc.Buffer",
    "typing.ChainMap": "collections.ChainMap",
    "typing.ContextManager": "contextlib.AbstractContextManager",
    "typing.Counter": "collections.Counter",
    "typing.DefaultDict": "collections.defaultdict",
    "typing.Deque": "collections.deque",
    "typing.Match": "re.Match",
    "typing.NoReturn": "typing.Never",
    "typing.OrderedDict": "collections.OrderedDict",
    "typing.Pattern": "re.Pattern",
    "typing.Text": "str",
    "typing.Tuple": "tuple",
}

_BOOL_OR_NONE = Union((Named("bool"), NONE))
_DEFAULTS: Mapping[str, tuple[Type, ...]] = {
    "collections.abc.AsyncGenerator": (NONE,),
    "collections.abc.Generator": (NONE, NONE),
    "contextlib.AbstractAsyncContextManager": (_BOOL_OR_NONE,),
    "contextlib.AbstractContextManager": (_BOOL_OR_NONE,),
}
"""What Python takes for arguments behind the first that are not written."""


def canonical_name(name: str) -> str:
    """The one spelling of an absolute dotted name."""
    name = name.removeprefix("builtins.")
    if name.startswith("typing_extensions."):
        name = name.replace("typing_extensions.", "typing.", 1)
    return _SPELLINGS.get(name, name)


def named(name: str, arguments: Iterable[Type] = ()) -> Type:
    """The class of this absolute name with these arguments, in canonical form.

    Arguments that are all ``Any`` say no more than none, so that they are dropped, and so are
    those that Python fills in.
    """
    name, arguments = canonical_name(name), tuple(arguments)
    if name == _CALLABLE and not arguments:
        return Callable(None, ANY)
    says_nothing = all(argument == ANY for argument in arguments)
    if name == "tuple":
        says_nothing = arguments == (ANY, ELLIPSIS)
    if says_nothing:
        return Named(name)
    defaults = _DEFAULTS.get(name, ())
    while defaults and len(arguments) == len(defaults) + 1 and arguments[-1] == defaults[-1]:
        arguments, defaults = arguments[:-1], defaults[:-1]
    return Named(name, arguments)


def union(members: Iterable[Type]) -> Type:
    """The type of what is of any of these types; ``typing.Never`` for none."""
    flat: list[Type] = []
    for member in members:
        flat.extend(member.members if isinstance(member, Union) else (member,))
    values = {value for member in flat if isinstance(member, Literal) for value in member.values}
    distinct: set[Type] = {member for member in flat if not isinstance(member, Literal)}
    if values:
        distinct.add(Literal(tuple(sorted(values))))
    ordered = sorted(distinct, key=lambda member: (member == NONE, render(member)))
    if len(ordered) > 1:
        return Union(tuple(ordered))
    return ordered[0] if ordered else Named("typing.Never")


def literal(values: Iterable[str]) -> Type:
    """The type of exactly these values; None among them is `NONE`."""
    others = tuple(sorted({value for value in values if value != "None"}))
    none = (NONE,) if "None" in values else ()
    return union(((Literal(others),) if others else ()) + none)


def render(type_: Type) -> str:
    """The canonical text; `parse` reads it back to an equal type."""
    match type_:
        case Named(name, ()):
            return name
        case Named(name, arguments):
            return f"{name}[{', '.join(map(render, arguments))}]"
        case Union(members):
            return " | ".join(map(render, members))
        case Literal(values):
            return f"typing.Literal[{', '.join(values)}]"
        case Callable(parameters, result):
            taken = "..." if parameters is None else f"[{', '.join(map(render, parameters))}]"
            return f"{_CALLABLE}[{taken}, {render(result)}]"
        case Unknown(text):
            return f"Unknown[{text!a}]"


@functools.lru_cache(maxsize=4096)
def parse(text: str) -> Type:
    """The type of a text whose names are absolute. What is no type expression is `Unknown`."""
    # The reader of syntax builds on this module.
    from abc_interface_checker.types.syntax import type_of_text  # noqa: PLC0415

    return type_of_text(text, lambda name: name)


def expand(type_: Type, targets: Mapping[str, str]) -> Type:
    """The type with the names of aliases replaced by what they stand for, at any depth.

    ``targets`` maps an alias to its canonical type. An alias that names itself stays at the second
    mention.
    """
    match type_:
        case Named(name, ()) if name in targets:
            inner = {other: target for other, target in targets.items() if other != name}
            return expand(parse(targets[name]), inner)
        case Named(name, arguments):
            return named(name, (expand(argument, targets) for argument in arguments))
        case Union(members):
            return union(expand(member, targets) for member in members)
        case Callable(parameters, result):
            return Callable(
                None if parameters is None else tuple(expand(each, targets) for each in parameters),
                expand(result, targets),
            )
    return type_


def names(type_: Type) -> Iterator[str]:
    """All names of classes and aliases in it, one possibly more than once."""
    match type_:
        case Named(name, arguments):
            if type_ not in (NONE, ELLIPSIS, EMPTY):
                yield name
            inner = arguments
        case Union(members):
            inner = members
        case Callable(parameters, result):
            inner = (*(parameters or ()), result)
        case Literal(values):
            yield from (value.rpartition(".")[0] for value in values if is_member(value))
            inner = ()
        case Unknown():
            inner = ()
    for each in inner:
        yield from names(each)


def is_member(value: str) -> bool:
    """Whether a value of `Literal` is an enumeration's member, not a Python literal."""
    return "." in value and value[-1] not in "'\""
