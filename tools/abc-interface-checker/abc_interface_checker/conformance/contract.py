"""Contracts made ready: all members of an interface and its bases, taken apart once."""

from __future__ import annotations

import ast
import types
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from zope.interface import Interface as ZopeInterface
from zope.interface.interface import InterfaceClass

from abc_interface_checker.findings import Finding
from abc_interface_checker.live.contract import kind_of, read_live
from abc_interface_checker.live.hints import canonical, find, name_of
from abc_interface_checker.live.signatures import Shape, shape_of
from abc_interface_checker.model import (
    Attribute,
    Interface,
    InterfaceKind,
    Marks,
    Method,
    Package,
    ParameterKind,
    Signature,
)
from abc_interface_checker.types.classes import targets_of

__all__ = [
    "UNKNOWN",
    "AttributeContract",
    "Contract",
    "MethodContract",
    "is_special",
    "prepared",
]

UNKNOWN = object()
"""The content of a default that cannot be told."""


@dataclass(frozen=True, slots=True)
class MethodContract:
    """One method of a contract."""

    method: Method
    owner: Interface
    """The interface that says it."""
    declaring: object | None
    """The same, live; None: it is not imported."""
    signature: Signature
    """As callers use it: what only operators call is called by position."""
    is_lossy: bool
    """Whether its parameters are known only as zope reduces them."""
    shape: Shape
    defaults: Mapping[str, Any]
    types: Mapping[str, str]
    """Parameter, or ``return``, to canonical type."""

    @property
    def name(self) -> str:
        """Of the method."""
        return self.method.name

    @property
    def marks(self) -> Marks:
        """Of the method."""
        return self.method.marks


@dataclass(frozen=True, slots=True)
class AttributeContract:
    """One attribute of a contract."""

    attribute: Attribute
    owner: Interface
    type: str | None

    @property
    def name(self) -> str:
        """Of the attribute."""
        return self.attribute.name

    @property
    def marks(self) -> Marks:
        """Of the attribute."""
        return self.attribute.marks


@dataclass(slots=True)
class Contract:
    """An interface with all that it inherits."""

    interface: Interface
    live: Any
    """None: it is not imported."""
    is_lossy: bool = False
    findings: list[Finding] = field(default_factory=list)
    """What is wrong with the contract itself."""
    methods: dict[str, MethodContract] = field(default_factory=dict)
    attributes: dict[str, AttributeContract] = field(default_factory=dict)
    packages: list[Package] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Dotted."""
        return self.interface.name

    @property
    def is_zope(self) -> bool:
        """Whether it is an interface of zope.interface."""
        return self.interface.kind is InterfaceKind.ZOPE


_of_live: dict[int, tuple[Any, Contract]] = {}
"""By identity: two zope interfaces of one name are equal."""
_of_frozen: dict[tuple[int, int], tuple[Interface, Package | None, Contract]] = {}
_MOST = 256


def prepared(interface: object, package: Package | None = None) -> Contract:
    """The contract of a live interface, or of a model of one; made once for each.

    Args:
        interface: a zope interface, ABC, Protocol, or `model.Interface`.
        package: where the bases of a model are.

    Raises: NotAnInterface.
    """
    if isinstance(interface, Interface):
        key = (id(interface), id(package))
        if key not in _of_frozen:
            if len(_of_frozen) >= _MOST:
                _of_frozen.clear()
            # The objects are kept, so that no other one gets their identity.
            _of_frozen[key] = (interface, package, _from_model(interface, package))
        return _of_frozen[key][2]
    known = _of_live.get(id(interface))
    if known is not None and known[0]() is interface:
        return known[1]
    contract = _from_live(interface)
    if len(_of_live) >= _MOST:
        _of_live.clear()
    _of_live[id(interface)] = (weakref.ref(interface), contract)
    return contract


def _from_live(live: object) -> Contract:
    own = read_live(live)
    contract = Contract(own.interface, live)
    for each in _line(live):
        read = read_live(each)
        contract.is_lossy |= read.is_lossy
        contract.packages.append(read.package)
        contract.findings += read.findings
        targets = targets_of(read.package)
        _take(contract, read.interface, each, targets, is_lossy=read.is_lossy)
    return contract


def _line(live: object) -> Iterator[object]:
    """The interface and its bases in resolution order."""
    if isinstance(live, InterfaceClass):
        yield from (each for each in live.__iro__ if each is not ZopeInterface)
    elif isinstance(live, type):
        for each in live.__mro__:
            is_pythons_own = each.__module__ in ("abc", "typing", "builtins")
            if kind_of(each) is not None and not is_pythons_own:
                yield each


def _from_model(interface: Interface, package: Package | None) -> Contract:
    contract = Contract(interface, _live_of(interface))
    contract.packages = [package] if package else []
    targets = targets_of(package) if package else {}
    for each in _model_line(interface, package):
        _take(contract, each, _live_of(each), targets)
    return contract


def _live_of(interface: Interface) -> Any:
    found = find(interface.name)
    return found if kind_of(found) is not None else None


def _model_line(interface: Interface, package: Package | None) -> Iterator[Interface]:
    """Depth first: what is said nearer counts."""
    yield interface
    for base in interface.bases:
        if package is not None and base in package.interfaces:
            yield from _model_line(package.interfaces[base], package)


def _take(
    contract: Contract,
    interface: Interface,
    live: object | None,
    targets: Mapping[str, str],
    *,
    is_lossy: bool = False,
) -> None:
    for method in interface.methods:
        if method.name not in contract.methods and method.name not in contract.attributes:
            contract.methods[method.name] = _method(method, interface, live, targets, is_lossy)
    for attribute in interface.attributes:
        if attribute.name not in contract.attributes and attribute.name not in contract.methods:
            hint = attribute.annotation
            type_ = canonical(hint.type, targets) if hint is not None else None
            contract.attributes[attribute.name] = AttributeContract(attribute, interface, type_)


def _method(
    method: Method,
    owner: Interface,
    live: object | None,
    targets: Mapping[str, str],
    is_lossy: bool,
) -> MethodContract:
    signature = _by_position(method) if is_special(method.name) else method.signature
    types_ = {
        parameter.name: canonical(parameter.annotation.type, targets)
        for parameter in signature.parameters
        if parameter.annotation is not None
    }
    if signature.returns is not None:
        types_["return"] = canonical(signature.returns.type, targets)
    return MethodContract(
        method,
        owner,
        live,
        signature,
        is_lossy,
        shape_of(signature),
        {
            parameter.name: _content(parameter.default)
            for parameter in signature.parameters
            if parameter.default is not None
        },
        types_,
    )


def is_special(name: str) -> bool:
    """Whether operators and statements call the method, and not callers by its name."""
    return name.startswith("__") and name.endswith("__") and name != "__call__"


def _by_position(method: Method) -> Signature:
    parameters = tuple(
        replace(parameter, kind=ParameterKind.POSITIONAL_ONLY)
        if parameter.kind is ParameterKind.POSITIONAL_OR_KEYWORD
        else parameter
        for parameter in method.signature.parameters
    )
    return replace(method.signature, parameters=parameters)


def _content(text: str) -> Any:
    """The object that a canonical literal or dotted name stands for, if that can be told."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        pass
    if not all(part.isidentifier() for part in text.split(".")):
        return UNKNOWN
    found = find(text)
    if found is None:
        owner, _, member = text.rpartition(".")
        found = getattr(find(owner), "__members__", {}).get(member)
    is_lasting = found is not None and not isinstance(found, types.ModuleType)
    return found if is_lasting or name_of(found) else UNKNOWN
