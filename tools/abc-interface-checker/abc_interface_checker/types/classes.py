"""What is known of classes: those of contracts, and those of Python itself."""

from __future__ import annotations

import builtins
import collections.abc
import importlib
import sys
import types
from collections.abc import Container, Mapping
from typing import Any

from abc_interface_checker.model import (
    Annotation,
    InterfaceKind,
    Package,
    Value,
    ValueKind,
)
from abc_interface_checker.types.annotations import class_name
from abc_interface_checker.types.expressions import expand, parse, render

__all__ = ["Hierarchy", "expanded", "targets_of"]

_NOT_TO_IMPORT = frozenset({"__main__", "antigravity", "idlelib", "test", "this", "turtledemo"})
"""Modules of the standard library that do something when they are imported, or are no library."""

_STRUCTURAL_KINDS = {
    InterfaceKind.PROTOCOL: ("typing.Protocol",),
    InterfaceKind.ZOPE: ("zope.interface.Interface",),
    InterfaceKind.ABC: (),
}
_BASE_OF_KIND = {
    ValueKind.DATACLASS: (),
    ValueKind.NAMED_TUPLE: ("tuple",),
    ValueKind.TYPED_DICT: ("typing.TypedDict", "collections.abc.Mapping[str, object]"),
}


class Hierarchy:
    """The bases of classes; implements `assignability.Classes`.

    Args:
        packages: the contracts; where two know a class, the first is asked.
        imported: whether classes of modules that are imported already are looked at too. Of other
            modules only those of the standard library are imported, when one is asked for.
    """

    def __init__(self, *packages: Package, imported: bool = False) -> None:
        self._packages = packages
        self._imported = imported
        self._known: dict[str, tuple[str, ...] | None] = {}

    def bases(self, name: str) -> tuple[str, ...] | None:
        """The direct bases of a class, as canonical types; None: the class is unknown."""
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def _find(self, name: str) -> tuple[str, ...] | None:
        for package in self._packages:
            bases = _bases_in(package, name)
            if bases is not None:
                return bases
        cls = _class(name, self._imported)
        if cls is None:
            return None
        return tuple(class_name(base) for base in (*cls.__bases__, *_virtual_bases(cls)))


def _bases_in(package: Package, name: str) -> tuple[str, ...] | None:
    if name in package.interfaces:
        interface = package.interfaces[name]
        return (*interface.bases, *_STRUCTURAL_KINDS[interface.kind])
    if name in package.values:
        value = package.values[name]
        return (*value.bases, *_BASE_OF_KIND[value.kind], *_hashable(value))
    if name in package.enumerations:
        return (package.enumerations[name].base, "collections.abc.Hashable")
    if name in package.exceptions:
        return package.exceptions[name].bases
    alias = package.aliases.get(name)
    if alias is not None and alias.kind in ("new-type", "re-export"):
        return (alias.target,)
    return None


def _hashable(value: Value) -> tuple[str, ...]:
    return ("collections.abc.Hashable",) if value.hashable else ()


def _class(name: str, imported: bool) -> type | None:
    """The live class of a dotted name."""
    module, rest = _module(name, imported)
    found: Any = module
    for attribute in rest:
        try:
            found = getattr(found, attribute)
        except AttributeError:
            return None
    return found if isinstance(found, type) else None


def _module(name: str, imported: bool) -> tuple[types.ModuleType | None, list[str]]:
    """The module of a dotted name, and the rest of the name."""
    parts = name.split(".")
    if len(parts) == 1:
        return builtins, parts
    may_import = parts[0] in sys.stdlib_module_names and parts[0] not in _NOT_TO_IMPORT
    for count in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:count])
        if module in sys.modules and (imported or may_import):
            return sys.modules[module], parts[count:]
        if may_import:
            try:
                return importlib.import_module(module), parts[count:]
            except ImportError:
                continue
    return None, parts


def _virtual_bases(cls: type) -> list[type]:
    """Abstract classes of collections that it is a subclass of without naming them."""
    # A callable is a type of its own here, and to look at ByteString is deprecated.
    names = set(collections.abc.__all__) - {"ByteString", "Callable"}
    abstract = [getattr(collections.abc, name) for name in sorted(names)]
    return [
        base
        for base in abstract
        if base is not cls and base not in cls.__mro__ and issubclass(cls, base)
    ]


def targets_of(
    package: Package, kinds: Container[str] = frozenset({"type", "re-export"})
) -> Mapping[str, str]:
    """What the package's aliases of these kinds stand for: dotted name to canonical type."""
    return {alias.name: alias.target for alias in package.aliases.values() if alias.kind in kinds}


def expanded(annotation: Annotation | None, targets: Mapping[str, str]) -> Annotation | None:
    """The annotation with the names of type aliases replaced by what they stand for."""
    if annotation is None or not targets:
        return annotation
    type_ = render(expand(parse(annotation.type), targets))
    return annotation if type_ == annotation.type else Annotation(type_, annotation.type)
