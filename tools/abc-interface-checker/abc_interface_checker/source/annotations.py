"""All annotations of a contract, with the elements that bear them."""

from __future__ import annotations

from collections.abc import Iterator

from abc_interface_checker.model import Annotation, Interface, Package, Place, Signature

__all__ = ["annotated"]

_Found = tuple[str, Annotation | None, Place | None]


def annotated(package: Package) -> Iterator[_Found]:
    """Element as in a finding, its type if it has one, and the place of what it belongs to."""
    for interface in package.interfaces.values():
        yield from _interface(interface)
    for value in package.values.values():
        for field in value.fields:
            yield f"{value.name}.{field.name}", field.annotation, field.place
    for exception in package.exceptions.values():
        if exception.init is not None:
            yield from _signature(f"{exception.name}.__init__", exception.init, exception.place)
    for alias in package.aliases.values():
        if alias.kind in ("type", "new-type"):
            yield alias.name, Annotation(alias.target), alias.place


def _interface(interface: Interface) -> Iterator[_Found]:
    for attribute in interface.attributes:
        yield f"{interface.name}.{attribute.name}", attribute.annotation, attribute.place
    for method in interface.methods:
        yield from _signature(f"{interface.name}.{method.name}", method.signature, method.place)


def _signature(element: str, signature: Signature, place: Place | None) -> Iterator[_Found]:
    for parameter in signature.parameters:
        yield f"{element}({parameter.name})", parameter.annotation, place
    yield element, signature.returns, place
