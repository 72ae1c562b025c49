"""A connection that is made of parts: the optional interfaces of each, on the object core meets."""

from __future__ import annotations

from collections.abc import Mapping

from zope.interface import alsoProvides
from zope.interface.interface import InterfaceClass

__all__ = ["provide"]


def provide(connection: object, parts: Mapping[InterfaceClass, object]) -> None:
    """Add interfaces to a connection: their methods are those of the part that stands for each.

    The methods are the parts' own, so that whoever checks the connection sees what is really
    called.

    Args:
        connection: what core meets; its class implements the mandatory interface.
        parts: each interface that this host can provide, with the object that has its methods.

    Raises: AttributeError, if a part has not all methods of its interface.
    """
    for interface, part in parts.items():
        for name in interface.names(all=True):
            setattr(connection, name, getattr(part, name))
    alsoProvides(connection, *parts)
