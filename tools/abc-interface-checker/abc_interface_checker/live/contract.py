"""What a live interface says: by its source where there is one, else as far as it can be seen."""

from __future__ import annotations

import abc
import functools
import sys
from dataclasses import dataclass

from zope.interface.interface import InterfaceClass
from zope.interface.interface import Method as ZopeMethod

from abc_interface_checker.findings import Finding
from abc_interface_checker.live.hints import name_of
from abc_interface_checker.live.introspection import of_class, of_zope
from abc_interface_checker.live.sources import LiveSources
from abc_interface_checker.model import (
    Interface,
    InterfaceKind,
    Package,
)
from abc_interface_checker.source.reader import Read, read_package

__all__ = ["LiveInterface", "NotAnInterface", "interface_of", "kind_of", "read_live"]

_HAS_SELF = "contract-has-self"


class NotAnInterface(TypeError):
    """The object is no zope interface, ABC or Protocol."""


@dataclass(frozen=True, slots=True)
class LiveInterface:
    """An interface's own members, without those of its bases."""

    interface: Interface
    package: Package
    """What its module's source says beside it; empty without source."""
    is_lossy: bool
    """Whether only zope's reduced form of it is known."""
    findings: tuple[Finding, ...] = ()
    """What is wrong with the interface itself."""


def interface_of(live: object) -> Interface:
    """The interface that a zope interface, ABC or Protocol is, without the members of its bases.

    Raises: NotAnInterface.
    """
    return read_live(live).interface


def kind_of(live: object) -> InterfaceKind | None:
    """By which means a live object is an interface; None: it is none."""
    if isinstance(live, InterfaceClass):
        return InterfaceKind.ZOPE
    if not isinstance(live, type):
        return None
    if getattr(live, "_is_protocol", False):
        return InterfaceKind.PROTOCOL
    return InterfaceKind.ABC if isinstance(live, abc.ABCMeta) else None


def read_live(live: object) -> LiveInterface:
    """The interface, and what is known beside it. Raises: NotAnInterface."""
    kind = kind_of(live)
    name = name_of(live)
    if kind is None or name is None:
        raise NotAnInterface(f"{live!r} is no zope interface, ABC or Protocol")
    read = _read_module(str(getattr(live, "__module__", "")))
    written = read.package.interfaces.get(name)
    # Another class of the same name may stand in the source: one that was there before.
    if written is not None and _same_names(written, live):
        faults = [
            each
            for each in read.findings
            if each.rule == _HAS_SELF and each.element.rpartition(".")[0] == name
        ]
        return LiveInterface(written, read.package, is_lossy=False, findings=tuple(faults))
    if isinstance(live, InterfaceClass):
        interface, is_lossy = of_zope(live, name)
        return LiveInterface(interface, Package(name=""), is_lossy)
    assert isinstance(live, type)  # noqa: S101 - kind_of said so
    return LiveInterface(of_class(live, name, kind), Package(name=""), is_lossy=False)


def _read_module(name: str) -> Read:
    module = sys.modules.get(name)
    return _read(name, module) if module is not None else Read(Package(name=""))


@functools.lru_cache(maxsize=64)
def _read(name: str, _module: object) -> Read:
    """Remembered for the module object: another one of the same name is another module."""
    sources = LiveSources(name)
    return read_package(sources) if name in sources else Read(Package(name=""))


def _same_names(written: Interface, live: object) -> bool:
    if not isinstance(live, InterfaceClass):
        return True
    methods = {name for name in live.names() if isinstance(live.direct(name), ZopeMethod)}
    return methods == {method.name for method in written.methods}
