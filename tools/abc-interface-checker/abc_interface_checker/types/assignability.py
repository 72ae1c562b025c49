"""Which type may stand for which, and what happened to a type between two versions.

The answers follow the typing specification: immutable containers are covariant, mutable ones
invariant, a function's parameters contravariant, ``int`` stands for ``float``. Where something is
not known, such as the bases of a class, the answer is None and never a guess.
"""

from __future__ import annotations

import enum
import sys
from collections.abc import Iterable, Iterator
from typing import Protocol

from abc_interface_checker.model import Annotation
from abc_interface_checker.types.expressions import (
    ANY,
    ELLIPSIS,
    EMPTY,
    NONE,
    Callable,
    Literal,
    Named,
    Type,
    Union,
    Unknown,
    is_member,
    parse,
    union,
)
from abc_interface_checker.types.generics import generic

__all__ = ["STRUCTURAL", "Classes", "TypeChange", "assignable", "compare"]

STRUCTURAL = frozenset({"typing.Protocol", "typing.TypedDict", "zope.interface.Interface"})
"""Bases of what an object can be without its class naming it among its own bases."""

_HOOKED = frozenset(
    {
        "collections.abc.AsyncGenerator",
        "collections.abc.AsyncIterable",
        "collections.abc.AsyncIterator",
        "collections.abc.Awaitable",
        "collections.abc.Buffer",
        "collections.abc.Collection",
        "collections.abc.Container",
        "collections.abc.Coroutine",
        "collections.abc.Generator",
        "collections.abc.Hashable",
        "collections.abc.Iterable",
        "collections.abc.Iterator",
        "collections.abc.Reversible",
        "collections.abc.Sized",
        "contextlib.AbstractAsyncContextManager",
        "contextlib.AbstractContextManager",
        "os.PathLike",
    }
)
"""Classes that any class with the right methods is a subclass of."""


class Classes(Protocol):
    """What is known of classes."""

    def bases(self, name: str) -> tuple[str, ...] | None:
        """Its direct bases as dotted names or types; None: the class is unknown."""


class TypeChange(enum.Enum):
    """What a new type is to the old one."""

    SAME = "same"
    WIDENED = "widened"
    """It takes all that the old one takes, and more."""
    NARROWED = "narrowed"
    """It takes only a part of what the old one takes, or at least not all of it."""
    CHANGED = "changed"
    """Neither takes all of the other."""
    UNKNOWN = "unknown"
    ADDED = "added"
    """There was none, or it was ``Any``."""
    REMOVED = "removed"


def assignable(source: str, target: str, classes: Classes) -> bool | None:
    """Whether every value of type ``source`` is one of type ``target``; None: not known.

    Both are canonical texts. ``Any`` stands for everything, and everything for it.
    """
    return _Question(classes, any_fits=True).fits(parse(source), parse(target))


def compare(old: Annotation | None, new: Annotation | None, classes: Classes) -> TypeChange:
    """What happened to a type; ``Any`` counts as none at all."""
    first, second = (
        None if annotation is None or parse(annotation.type) == ANY else parse(annotation.type)
        for annotation in (old, new)
    )
    if first == second:
        return TypeChange.SAME
    if first is None:
        return TypeChange.ADDED
    if second is None:
        return TypeChange.REMOVED
    question = _Question(classes, any_fits=None)
    match question.fits(first, second), question.fits(second, first):
        case True, True:
            return TypeChange.SAME
        case False, False:
            return TypeChange.CHANGED
        case False, _:
            # Whether all of the new one fits the old one may be unknown: that not all of the old
            # one fits the new one is certain.
            return TypeChange.NARROWED
        case _, False:
            return TypeChange.WIDENED
    return TypeChange.UNKNOWN


def _all(verdicts: Iterable[bool | None]) -> bool | None:
    certain: bool | None = True
    for verdict in verdicts:
        if verdict is False:
            return False
        certain = certain and verdict
    return certain


def _any(verdicts: Iterable[bool | None]) -> bool | None:
    certain: bool | None = False
    for verdict in verdicts:
        if verdict:
            return True
        certain = None if verdict is None else certain
    return certain


class _Question:
    """Whether types fit, with one idea of ``Any`` and of what is unknown.

    Args:
        any_fits: True: ``Any`` fits everything, and nothing is said of what is unknown. None: what
            ``Any`` is, is not known either, but it is the same on both sides, and so is what is
            unknown under one name.
    """

    def __init__(self, classes: Classes, any_fits: bool | None) -> None:
        self._classes = classes
        self._any_fits = any_fits

    def fits(self, source: Type, target: Type) -> bool | None:
        """Whether every value of ``source`` is one of ``target``."""
        if self._any_fits is None and source == target:
            return True
        if target == Named("object") or source == Named("typing.Never"):
            return True
        if ANY in (source, target):
            return self._any_fits
        if source == Named("bool") and isinstance(target, Literal | Union):
            source = Union((Literal(("False",)), Literal(("True",))))
        match source, target:
            case Union(members), _:
                return _all(self.fits(member, target) for member in members)
            case Literal([_, _, *_] as values), _:
                return _all(self.fits(Literal((value,)), target) for value in values)
            case _, Union(members):
                return _any(self.fits(source, member) for member in members)
        return self._fits_one(source, target)

    def _fits_one(self, source: Type, target: Type) -> bool | None:
        """The same for types without alternatives."""
        match source, target:
            case (Unknown(), _) | (_, Unknown()):
                return None
            case _, Literal(values):
                return self._fits_literal(source, values)
            case Literal([value]), _:
                return self.fits(_class_of(value), target)
            case _, Callable():
                return self._fits_callable(source, target)
            case Callable(), Named(name):
                return name == "collections.abc.Hashable" or self._unless_known(name)
            case Named(), Named():
                return self._fits_class(source, target)
        return None

    def _fits_literal(self, source: Type, values: tuple[str, ...]) -> bool | None:
        if isinstance(source, Literal):
            return source.values[0] in values
        if not isinstance(source, Named) or _is_plain(source.name):
            return False
        is_enumeration = self._fits_class(source, Named("enum.Enum"))
        # An enumeration may have just these members.
        return False if is_enumeration is False else None

    def _fits_callable(self, source: Type, target: Callable) -> bool | None:
        if not isinstance(source, Callable):
            cannot_be_called = isinstance(source, Named) and _is_plain(source.name)
            return False if cannot_be_called else None
        result = self.fits(source.result, target.result)
        if source.parameters is None or target.parameters is None:
            return _all((result, self._any_fits or source.parameters == target.parameters or None))
        if len(source.parameters) != len(target.parameters):
            return False
        pairs = zip(target.parameters, source.parameters, strict=True)
        return _all((result, *(self.fits(given, taken) for given, taken in pairs)))

    def _fits_class(self, source: Named, target: Named) -> bool | None:
        is_known = True
        for view in self._views(source):
            if view is None:
                is_known = False
            elif view.name == target.name:
                return self._fits_arguments(view, target)
        if not is_known:
            return None
        if source == NONE:
            return target.name == "collections.abc.Hashable" or (
                None if self._bases(target) is None else False
            )
        if target.name in _HOOKED and _is_pythons(source.name):
            return False
        return self._unless_known(target.name)

    def _unless_known(self, target: str) -> bool | None:
        """That a class that does not have it among its bases is none, if that can be said."""
        if target in _HOOKED:
            return None
        for view in self._views(Named(target)):
            if view is None or view.name in STRUCTURAL:
                return None
        return False

    def _fits_arguments(self, source: Named, target: Named) -> bool | None:
        if source.name == "tuple":
            return self._fits_tuple(source, target)
        known = generic(source.name)
        count = max(len(source.arguments), len(target.arguments))
        variances = known.variances if known else ("?",) * count
        return _all(
            self._varies(variance, _argument(source, index), _argument(target, index))
            for index, variance in enumerate(variances)
        )

    def _varies(self, variance: str, source: Type, target: Type) -> bool | None:
        match variance:
            case "+":
                return self.fits(source, target)
            case "-":
                return self.fits(target, source)
        both = _all((self.fits(source, target), self.fits(target, source)))
        return None if variance == "?" and not both else both

    def _fits_tuple(self, source: Named, target: Named) -> bool | None:
        given, wanted = _elements(source), _elements(target)
        if target.arguments[-1:] == (ELLIPSIS,) or not target.arguments:
            return _all(self.fits(element, wanted[0]) for element in given)
        if source.arguments[-1:] == (ELLIPSIS,) or not source.arguments:
            return self._any_fits if given == (ANY,) else False
        if len(given) != len(wanted):
            return False
        return _all(self.fits(*pair) for pair in zip(given, wanted, strict=True))

    def _views(self, source: Named) -> Iterator[Named | None]:
        """The type as itself and as each of its ancestors; None for an ancestor not known."""
        waiting: list[Type] = [source]
        seen: set[Type] = set()
        while waiting:
            view = waiting.pop(0)
            if view in seen:
                continue
            seen.add(view)
            yield view if isinstance(view, Named) else None
            bases = self._bases(view) if isinstance(view, Named) else ()
            if bases is None:
                yield None
            waiting.extend(bases or ())

    def _bases(self, view: Named) -> tuple[Type, ...] | None:
        if view in (NONE, ELLIPSIS, EMPTY) or view.name in STRUCTURAL:
            return ()
        if view.name == "tuple":
            return (Named("collections.abc.Sequence", (union(_elements(view)),)),)
        known = generic(view.name)
        if known is not None:
            return known.bases(view.arguments)
        bases = self._classes.bases(view.name)
        return None if bases is None else tuple(map(parse, bases))


def _argument(type_: Named, index: int) -> Type:
    return type_.arguments[index] if index < len(type_.arguments) else ANY


def _elements(type_: Named) -> tuple[Type, ...]:
    """The types of a tuple's elements; of one of any length the one type that all have."""
    if not type_.arguments:
        return (ANY,)
    if type_.arguments == (EMPTY,):
        return ()
    return type_.arguments[:1] if type_.arguments[-1] == ELLIPSIS else type_.arguments


def _class_of(value: str) -> Named:
    if is_member(value):
        return Named(value.rpartition(".")[0])
    if value in ("True", "False"):
        return Named("bool")
    if value.endswith(("'", '"')):
        return Named("bytes" if value.startswith("b") else "str")
    return Named("int")


def _is_plain(name: str) -> bool:
    """Whether it is one of Python's own types of data, of which nothing is unknown."""
    if name in ("None", "tuple"):
        return True
    return "." not in name and name not in ("object", "type") and generic(name) is not None


def _is_pythons(name: str) -> bool:
    """Whether all that a class is besides its bases is known: Python's own classes say it."""
    return "." not in name or name.partition(".")[0] in sys.stdlib_module_names
