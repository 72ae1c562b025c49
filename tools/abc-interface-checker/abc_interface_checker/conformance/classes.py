"""What is known of classes while an implementation is checked: also of those that are imported."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from zope.interface import implementedBy
from zope.interface.interface import InterfaceClass

from abc_interface_checker.live.hints import find, name_of
from abc_interface_checker.model import Package
from abc_interface_checker.types.classes import Hierarchy

__all__ = ["LiveClasses"]


class LiveClasses:
    """The bases of classes and zope interfaces; implements `assignability.Classes`."""

    def __init__(self, *packages: Package) -> None:
        self._hierarchy = Hierarchy(*packages, imported=True)

    def bases(self, name: str) -> tuple[str, ...] | None:
        """The direct bases, with the zope interfaces that a class implements; None: unknown."""
        live = find(name)
        if isinstance(live, InterfaceClass):
            return (*_names(live.__bases__), "zope.interface.Interface")
        known = self._hierarchy.bases(name)
        if known is None or not isinstance(live, type):
            return known
        return (*known, *_names(_implemented(live)))


def _implemented(cls: type) -> Any:
    declared: Any = implementedBy
    return declared(cls)


def _names(interfaces: Iterable[object]) -> list[str]:
    names = [name_of(each) for each in interfaces]
    return [name for name in names if name is not None]
