"""Values of types, as Python code that a person can read."""

from __future__ import annotations

from collections.abc import Iterator

from abc_interface_checker.types.assignability import Classes, assignable
from abc_interface_checker.types.expressions import (
    ELLIPSIS,
    EMPTY,
    Callable,
    Literal,
    Named,
    Type,
    Union,
    Unknown,
    parse,
    render,
)

__all__ = ["outside", "sample"]

_SAMPLES = {
    "None": "None",
    "bool": "True",
    "bytes": "b'x'",
    "complex": "1j",
    "float": "1.5",
    "int": "1",
    "object": "object()",
    "str": "'x'",
    "typing.Any": "object()",
}
_BRACKETS = {"frozenset": "{}", "list": "[]", "set": "{}", "tuple": "()"}
_MADE_OF = {
    "collections.abc.Collection": ("list", "tuple", "set"),
    "collections.abc.Iterable": ("list", "tuple", "set"),
    "collections.abc.Mapping": ("dict", "types.MappingProxyType"),
    "collections.abc.MutableMapping": ("dict",),
    "collections.abc.MutableSequence": ("list",),
    "collections.abc.Reversible": ("list", "tuple"),
    "collections.abc.Sequence": ("list", "tuple"),
    "collections.abc.Set": ("set", "frozenset"),
}
"""Abstract classes to classes that can be written down."""


def sample(type_: str) -> str:
    """Code for one value of the type; ``Class(...)`` where it takes more to make one."""
    return _sample(parse(type_))


def outside(source: str, target: str, classes: Classes) -> str:
    """Code for a value that type ``source`` has and ``target`` has not, as far as can be told."""
    return _outside(parse(source), parse(target), classes)


def _outside(source: Type, target: Type, classes: Classes) -> str:
    parts = _parts(source)
    for wanted in (False, None):
        for part in parts:
            if assignable(render(part), render(target), classes) is wanted:
                return _sample(_different(part, target, classes))
    return _sample(source)


def _different(part: Type, target: Type, classes: Classes) -> Type:
    """A part of the part: of a class that the target has not, or with an argument in which it
    differs from the same class in the target.
    """
    if not isinstance(part, Named):
        return part
    for concrete in _made_of(part):
        if assignable(render(concrete), render(target), classes) is False:
            part = concrete
            break
    if len(part.arguments) != 1:
        return part
    for other in _parts(target):
        if isinstance(other, Named) and other.name == part.name and other.arguments:
            for inner in _parts(part.arguments[0]):
                if assignable(render(inner), render(other.arguments[0]), classes) is False:
                    return Named(part.name, (inner,))
    return part


def _made_of(type_: Named) -> Iterator[Named]:
    for name in _MADE_OF.get(type_.name, ()):
        more = (ELLIPSIS,) if name == "tuple" and type_.arguments else ()
        yield Named(name, (*type_.arguments, *more))


def _parts(type_: Type) -> tuple[Type, ...]:
    match type_:
        case Union(members):
            return tuple(part for member in members for part in _parts(member))
        case Literal(values):
            return tuple(Literal((value,)) for value in values)
    return (type_,)


def _sample(type_: Type) -> str:
    match type_:
        case Union(members):
            return _sample(members[0])
        case Literal(values):
            return values[0]
        case Callable(parameters, result):
            names = "*_" if parameters is None else ", ".join("abcdefgh"[: len(parameters)])
            return f"lambda {names}: {_sample(result)}".replace("lambda :", "lambda:")
        case Unknown(text):
            return f"<{text}>"
        case Named(name, arguments):
            concrete = next(_made_of(type_), None)
            if concrete is not None:
                return _sample(concrete)
            return _SAMPLES.get(name) or _container(name, arguments) or f"{_short(name)}(...)"


def _container(name: str, arguments: tuple[Type, ...]) -> str | None:
    elements = [_sample(each) for each in arguments if each not in (ELLIPSIS, EMPTY)]
    if name == "dict":
        return f"{{{': '.join(elements)}}}"
    brackets = _BRACKETS.get(name)
    if brackets is None:
        return None
    inside = ", ".join(elements)
    if brackets == "()" and len(elements) == 1:
        inside += ","
    written = f"{brackets[0]}{inside}{brackets[1]}" if elements or brackets != "{}" else ""
    return f"{name}({written})" if name == "frozenset" or not written else written


def _short(name: str) -> str:
    return name.rpartition(".")[2]
