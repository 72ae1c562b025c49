"""Which way each value and enumeration crosses, by the signatures that name it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from abc_interface_checker.model import (
    Annotation,
    Flow,
    Interface,
    Package,
    Role,
    Signature,
)
from abc_interface_checker.types.expressions import Callable, Named, Type, Union, names, parse

__all__ = ["with_flows"]

_SWAPPED = {Flow.IN: Flow.OUT, Flow.OUT: Flow.IN}


def with_flows(package: Package) -> Package:
    """The package with the flows of its values and enumerations.

    What parameters name goes in, what results, attributes and exceptions name comes out, with all
    that their fields name; what a parameter's callback takes comes out. Of an interface that the
    owners implement it is the other way round, seen from third parties as implementers.
    """
    walk = _Walk(package)
    for interface in package.interfaces.values():
        walk.interface(interface)
    return replace(
        package,
        values={
            name: replace(value, flow=walk.flow(name)) for name, value in package.values.items()
        },
        enumerations={
            name: replace(found, flow=walk.flow(name))
            for name, found in package.enumerations.items()
        },
    )


@dataclass
class _Walk:
    package: Package

    def __post_init__(self) -> None:
        self._found: dict[str, set[Flow]] = {}
        self._children = _children(self.package)

    def flow(self, name: str) -> Flow:
        """All ways that were seen, as one."""
        ways = self._found.get(name, set())
        return Flow.BOTH if len(ways) > 1 else next(iter(ways), Flow.NONE)

    def interface(self, interface: Interface) -> None:
        """Follow all that an interface names."""
        if interface.role in (Role.THIRD_PARTIES, Role.BOTH):
            self._members(interface, Flow.IN, Flow.OUT)
        if interface.role in (Role.OWNERS, Role.BOTH):
            self._members(interface, Flow.OUT, Flow.IN)

    def _members(self, interface: Interface, inward: Flow, outward: Flow) -> None:
        for method in interface.methods:
            self._signature(method.signature, inward)
            self._annotation(method.signature.returns, outward)
            for name in method.raises or ():
                self._name(name, outward)
        for attribute in interface.attributes:
            self._annotation(attribute.annotation, outward)

    def _signature(self, signature: Signature, way: Flow) -> None:
        for parameter in signature.parameters:
            self._annotation(parameter.annotation, way)

    def _annotation(self, annotation: Annotation | None, way: Flow) -> None:
        if annotation is not None:
            self._type(parse(annotation.type), way)

    def _type(self, type_: Type, way: Flow) -> None:
        match type_:
            case Named(name, arguments):
                self._name(name, way)
                inner: Iterable[Type] = arguments
            case Union(members):
                inner = members
            case Callable(parameters, result):
                for each in parameters or ():
                    self._type(each, _SWAPPED[way])
                inner = (result,)
            case _:
                for name in names(type_):
                    self._name(name, way)
                inner = ()
        for each in inner:
            self._type(each, way)

    def _name(self, name: str, way: Flow) -> None:
        """Note one way of a class, and follow what it is made of and what may stand for it."""
        ways = self._found.setdefault(name, set())
        if way in ways:
            return
        ways.add(way)
        for child in self._children.get(name, ()):
            self._name(child, way)
        if name in self.package.values:
            for field in self.package.values[name].fields:
                self._annotation(field.annotation, way)
        elif name in self.package.exceptions:
            init = self.package.exceptions[name].init
            if init is not None:
                self._signature(init, way)
        elif name in self.package.aliases:
            alias = self.package.aliases[name]
            if alias.kind != "constant":
                self._type(parse(alias.target), way)


def _children(package: Package) -> Mapping[str, list[str]]:
    """Values and exceptions that inherit from one: they may stand where it is named."""
    children: dict[str, list[str]] = {}
    for name, base in _inheritance(package):
        children.setdefault(base, []).append(name)
    return children


def _inheritance(package: Package) -> Iterator[tuple[str, str]]:
    for classes in (package.values, package.exceptions):
        for name, found in classes.items():
            for base in found.bases:
                yield name, base
