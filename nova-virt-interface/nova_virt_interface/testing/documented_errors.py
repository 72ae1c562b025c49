"""The errors that the contract's docstrings promise, beside those that the suite provokes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from zope.interface.interface import InterfaceClass

from nova_virt_interface.errors import Resource
from nova_virt_interface.testing.results import Record

__all__ = ["documented", "not_seen"]

_RAISES = re.compile(r"Raises: (.*?)(?:\n\s*\n|\Z)", re.S)
_ERROR = re.compile(r"\s*([A-Z]\w+)(?: \((.*)\))?\.?\s*")
_RESOURCES = {resource.value for resource in Resource}


def documented(interfaces: Iterable[InterfaceClass]) -> frozenset[tuple[str, str, str]]:
    """Operation, class of the error, and its resource, or nothing where the text names none."""
    return frozenset(
        (f"{interface.__name__}.{name}", *error)
        for interface in interfaces
        for name in interface.names()
        for error in _errors(interface[name].getDoc())
    )


def _errors(docstring: str) -> Iterator[tuple[str, str]]:
    found = _RAISES.search(docstring)
    # What refers to another operation ("as `IHypervisor.create_vm`") names no error.
    for part in _parts(found.group(1)) if found else ():
        if named := _ERROR.fullmatch(part):
            error, about = named.groups(default="")
            words = (word.strip().split(":")[0].replace(" ", "-") for word in about.split(","))
            resources = [word for word in words if word in _RESOURCES]
            yield from ((error, resource) for resource in resources or [""])


def _parts(text: str) -> list[str]:
    """Split at the semicolons that are outside of parentheses."""
    return re.split(r";(?![^(]*\))", " ".join(text.split()))


def not_seen(
    promised: Iterable[tuple[str, str, str]], records: Iterable[Record]
) -> set[tuple[str, str, str]]:
    """Those that no test saw; one that names no resource is seen with any."""
    seen = {error for record in records for error in record.errors}
    seen |= {(operation, error, "") for operation, error, _ in seen}
    return set(promised) - seen
