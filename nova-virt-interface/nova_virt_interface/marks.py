"""Marks that say since when an interface, field or enumeration member is part of the contract.

An interface carries ``taggedValue("since", VERSION)``, and so do its methods: within a major
version an interface never gains a method.

The marks take literals only, so that they can be read from the source without importing it.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

from zope.interface.interface import InterfaceClass

__all__ = [
    "added",
    "enumeration",
    "field_since",
    "interface_since",
    "is_advisory",
    "member_since",
    "value",
    "value_since",
]

_Class = TypeVar("_Class", bound=type[Any])
_Enumeration = TypeVar("_Enumeration", bound=type[enum.Enum])


def added(*, default: Any, since: str, advisory: bool = False) -> Any:
    """A field that a minor version adds to a value; it must have a default.

    Args:
        default: what a core that does not know the field means; by keyword, as type checkers ask
            of a field specifier.
        since: the contract version that added the field.
        advisory: an older driver may ignore the field. Otherwise a non-default content is refused
            before the driver is called, see `nova_virt_interface.understanding`.
    """
    return dataclasses.field(default=default, metadata={"since": since, "advisory": advisory})


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(added, dataclasses.field)
)
def value(*, since: str) -> Callable[[_Class], _Class]:
    """Make a class a contract value: frozen and keyword-only; its fields date from ``since``."""

    def mark(cls: _Class) -> _Class:
        made: Any = dataclasses.dataclass(frozen=True, kw_only=True, slots=True)(cls)
        made.__contract_since__ = since
        return made  # type: ignore[no-any-return]

    return mark


def enumeration(
    *, since: str, open: bool = False, newer: dict[str, str] | None = None
) -> Callable[[_Enumeration], _Enumeration]:
    """Mark an enumeration of the contract.

    Args:
        since: the contract version of the members that ``newer`` does not name.
        open: whether a minor version may add members, so that readers must cope with unknown ones.
        newer: member name to the contract version that added it.
    """

    def mark(cls: _Enumeration) -> _Enumeration:
        marked: Any = cls
        marked.__contract_since__ = since
        marked.__contract_open__ = open
        marked.__contract_newer__ = newer or {}
        return cls

    return mark


def value_since(owner: object) -> str:
    """The contract version that added the class of the value ``owner``."""
    version: str = type(owner).__contract_since__  # type: ignore[attr-defined]
    return version


def field_since(owner: object, field: dataclasses.Field[Any]) -> str:
    """The contract version that added ``field`` to the value ``owner``."""
    version: str = field.metadata.get("since") or value_since(owner)
    return version


def is_advisory(field: dataclasses.Field[Any]) -> bool:
    """Whether an older driver may ignore the field."""
    return bool(field.metadata.get("advisory", False))


def member_since(member: enum.Enum) -> str:
    """The contract version that added the enumeration member."""
    cls: Any = type(member)
    version: str = cls.__contract_newer__.get(member.name, cls.__contract_since__)
    return version


def interface_since(interface: InterfaceClass) -> str:
    """The contract version that added the interface, and with it all its methods."""
    version: str = interface.getTaggedValue("since")
    return version
