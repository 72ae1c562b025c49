"""What a class, an object or a module really has, found without running its code."""

from __future__ import annotations

import enum
import importlib
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Access", "Implementation", "Member", "module_of", "namespace", "own_annotations"]

_DICT_OF_TYPE = type.__dict__["__dict__"]
_BASES_OF_TYPE = type.__dict__["__mro__"]


class Access(enum.Enum):
    """How a member is reached, which decides whether a function gets ``self``."""

    INSTANCE = "instance"
    """Found on the class, called on an instance."""
    CLASS = "class"
    """Found on the class, called on the class."""
    PLAIN = "plain"
    """Found on the object itself: nothing is bound."""


@dataclass(frozen=True, slots=True)
class Member:
    """Something that an implementation has under a name."""

    name: str
    raw: Any
    """As it is stored: no descriptor was asked."""
    owner: type | None
    """The class that has it; None: the object itself."""
    access: Access


class Implementation:
    """A class whose instances are meant, or an object, which may be a class or a module.

    Args:
        target: the class or object.
        as_object: of a class: whether the class itself is the implementation.
    """

    def __init__(self, target: object, as_object: bool) -> None:
        self.target = target
        # Not isinstance: an object may lie about its class, or fail when it is asked for it.
        self.is_class = issubclass(type(target), type)
        self.of_instances = self.is_class and not as_object
        self.cls: type = target if self.is_class else type(target)  # type: ignore[assignment]
        self.module = target if issubclass(type(target), types.ModuleType) else None
        self._access = Access.CLASS if self.is_class and as_object else Access.INSTANCE
        self.mro: tuple[type, ...] = _BASES_OF_TYPE.__get__(self.cls)
        self._members: dict[str, tuple[Any, type]] = {}
        for owner in reversed(self.mro):
            for name, raw in namespace(owner).items():
                self._members[name] = (raw, owner)
        self.own: Mapping[str, Any] = {} if self.is_class else _own(target)

    @property
    def name(self) -> str:
        """Dotted: of the module, or of the class."""
        if self.module is not None:
            return str(self.own.get("__name__", "module"))
        return f"{module_of(self.cls)}.{self.cls.__qualname__}"

    def member(self, name: str) -> Member | None:
        """What is stored under this name; None: nothing is."""
        on_class = self._members.get(name)
        if name in self.own and not (on_class and _is_data_descriptor(on_class[0])):
            return Member(name, self.own[name], None, Access.PLAIN)
        if on_class is None or on_class[1] is object:
            return None
        return Member(name, on_class[0], on_class[1], self._access)

    def names(self) -> Iterator[str]:
        """All names but those of `object`."""
        yield from self.own
        for name, (_, owner) in self._members.items():
            if owner is not object and name not in self.own:
                yield name

    @property
    def is_dynamic(self) -> bool:
        """Whether names that are not stored may be there all the same."""
        if self.module is not None:
            return "__getattr__" in self.own
        if self._access is Access.CLASS:
            return False
        asked = self._members["__getattribute__"][1]
        return "__getattr__" in self._members or module_of(asked) != "builtins"

    def annotation_owner(self, name: str) -> type | None:
        """The class whose annotations name it."""
        for owner in self.mro:
            if name in own_annotations(owner):
                return owner
        return None

    def functions(self) -> Iterator[types.FunctionType]:
        """All plain functions of the class and its bases."""
        for owner in self.mro:
            for raw in namespace(owner).values():
                function = getattr(raw, "__func__", raw)
                if isinstance(function, types.FunctionType):
                    yield function


def module_of(cls: type) -> str:
    """The name of its module; of a class whose instances say something else, of its metaclass."""
    module: object = cls.__module__
    return module if isinstance(module, str) else type(cls).__module__


def namespace(owner: type) -> Mapping[str, Any]:
    """The class's own names; its metaclass is not asked."""
    found: Mapping[str, Any] = _DICT_OF_TYPE.__get__(owner)
    return found


def own_annotations(owner: Any) -> Mapping[str, Any]:
    """Its own annotations, as they are stored; names that are not known stay text."""
    try:
        found = namespace(owner).get("__annotations__") if isinstance(owner, type) else None
        if found is None:
            found = owner.__annotations__
    except NameError:
        # Since Python 3.14 they are evaluated when they are asked for.
        annotationlib = importlib.import_module("annotationlib")
        found = annotationlib.get_annotations(owner, format=annotationlib.Format.STRING)
    except AttributeError:
        found = {}
    return found if isinstance(found, Mapping) else {}


def _own(target: object) -> Mapping[str, Any]:
    try:
        found = object.__getattribute__(target, "__dict__")
    except AttributeError:
        return {}
    return found if isinstance(found, dict) else {}


def _is_data_descriptor(raw: object) -> bool:
    return hasattr(type(raw), "__set__") or hasattr(type(raw), "__delete__")
