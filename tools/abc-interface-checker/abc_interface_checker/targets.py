"""What to check: names of objects, entry points, and which interfaces an object claims."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from typing import Any

from zope.interface import implementedBy, providedBy
from zope.interface.interface import InterfaceClass

__all__ = ["Unloadable", "claimed", "entry_points", "identifier", "is_interface", "load"]


class Unloadable(ValueError):
    """The object cannot be had; the message says why."""


def load(name: str) -> Any:
    """The object of ``module:attr.attr``, or the module of ``module``; Unloadable."""
    module, _, attributes = name.partition(":")
    try:
        found = importlib.import_module(module)
        for attribute in filter(None, attributes.split(".")):
            found = getattr(found, attribute)
    except Exception as error:
        # Any code can run when a module is imported.
        raise Unloadable(f"{name}: {type(error).__name__}: {error}") from error
    return found


def entry_points(group: str) -> Iterator[tuple[str, str]]:
    """Name and ``module:attr`` of every entry point of a group; Unloadable if there is none."""
    # Its import takes longer than most checks.
    from importlib.metadata import entry_points  # noqa: PLC0415

    found = entry_points(group=group)
    if not found:
        raise Unloadable(f"no installed distribution has an entry point of group {group!r}")
    for entry in found:
        yield entry.name, entry.value.partition("[")[0].strip()


def claimed(implementation: object) -> tuple[Any, ...]:
    """The interfaces that an object or class says it provides: those of zope.interface that it
    declares, and the Protocols and abstract classes that it inherits, without the standard
    library's; without those that another one of them extends.
    """
    is_class = isinstance(implementation, type)
    # Neither of them is typed.
    declarations: Any = implementedBy if is_class else providedBy
    declared = declarations(implementation)
    zope = [each for each in declared if not each.__module__.startswith("zope.interface")]
    cls = implementation if isinstance(implementation, type) else type(implementation)
    inherited = [base for base in cls.__mro__[1:] if is_interface(base)]
    found = [*zope, *inherited]
    return tuple(one for one in found if not any(_extends(other, one) for other in found))


def is_interface(candidate: object) -> bool:
    """Whether it is a zope.interface, a Protocol, or a class with abstract methods."""
    if isinstance(candidate, InterfaceClass):
        return True
    if not isinstance(candidate, type):
        return False
    top = candidate.__module__.partition(".")[0]
    if top in sys.stdlib_module_names:
        return False
    is_protocol = bool(candidate.__dict__.get("_is_protocol", False))
    return is_protocol or bool(getattr(candidate, "__abstractmethods__", None))


def identifier(thing: object) -> str:
    """The dotted name of an interface, a class, or the class of an object."""
    if isinstance(thing, InterfaceClass):
        return str(thing.__identifier__)
    cls = thing if isinstance(thing, type) else type(thing)
    return f"{cls.__module__}.{cls.__qualname__}"


def _extends(one: Any, other: Any) -> bool:
    if one is other:
        return False
    if isinstance(one, InterfaceClass) and isinstance(other, InterfaceClass):
        return bool(one.extends(other))
    # Not issubclass: a Protocol may refuse to be asked.
    return isinstance(one, type) and other in one.__mro__
