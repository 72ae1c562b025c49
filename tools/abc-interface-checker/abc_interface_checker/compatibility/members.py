"""What belongs together in two versions: interfaces, their methods and their attributes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from abc_interface_checker.model import (
    Attribute,
    Base,
    Field,
    Interface,
    InterfaceKind,
    Method,
    Package,
)

__all__ = [
    "CAPABILITY",
    "Element",
    "Pair",
    "all_attributes",
    "all_methods",
    "elements",
    "is_optional",
    "is_required",
    "lineage",
    "paired_attributes",
    "paired_interfaces",
    "paired_methods",
]

CAPABILITY = "capability"
"""The tag of a method or attribute that only those provide who claim this capability."""

Element = Base | Method | Attribute | Field
"""What has documentation and marks."""

_Member = TypeVar("_Member", Method, Attribute)


@dataclass(frozen=True, slots=True)
class Pair(Generic[_Member]):
    """The same member in both versions; one of an interface may have moved to a base of it."""

    interface: Interface
    """The new one through which it is reached."""
    old: _Member
    new: _Member
    owner: str
    """The new interface that has it: this one, or one of its bases."""

    @property
    def element(self) -> str:
        """Its dotted name."""
        return f"{self.interface.name}.{self.new.name}"

    @property
    def moved(self) -> bool:
        """Whether a base has it now, and so is what is compared."""
        return self.owner != self.interface.name


def lineage(package: Package, name: str, _below: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The interface and all its bases in resolution order; those of other packages by name only."""
    interface = package.interfaces.get(name)
    if interface is None or name in _below:
        return (name,)
    below = _below | {name}
    rows = [list(lineage(package, base, below)) for base in interface.bases if base not in below]
    rows.append([base for base in interface.bases if base not in below])
    return (name, *_merged(rows))


def _merged(rows: list[list[str]]) -> Iterator[str]:
    """As Python merges resolution orders; where it would refuse, the first of the first row."""
    rows = [row for row in rows if row]
    while rows:
        heads = (row[0] for row in rows)
        head = next(
            (name for name in heads if not any(name in row[1:] for row in rows)), rows[0][0]
        )
        yield head
        rows = [[name for name in row if name != head] for row in rows]
        rows = [row for row in rows if row]


def all_methods(package: Package, name: str) -> dict[str, tuple[str, Method]]:
    """Method name to who has it and the method, those of bases in the package included."""
    found: dict[str, tuple[str, Method]] = {}
    for owner in lineage(package, name):
        if owner in package.interfaces:
            for method in package.interfaces[owner].methods:
                found.setdefault(method.name, (owner, method))
    return found


def all_attributes(package: Package, name: str) -> dict[str, tuple[str, Attribute]]:
    """Attribute name to who has it and the attribute, those of bases in the package included."""
    found: dict[str, tuple[str, Attribute]] = {}
    for owner in lineage(package, name):
        if owner in package.interfaces:
            for attribute in package.interfaces[owner].attributes:
                found.setdefault(attribute.name, (owner, attribute))
    return found


def paired_interfaces(old: Package, new: Package) -> Iterator[tuple[Interface, Interface]]:
    """Interfaces of the same name."""
    for name, interface in new.interfaces.items():
        if name in old.interfaces:
            yield old.interfaces[name], interface


def paired_methods(old: Package, new: Package) -> Iterator[Pair[Method]]:
    """Methods that both versions have, wherever in the bases: once for each interface that has
    the method itself in one of the versions.
    """
    for before, after in paired_interfaces(old, new):
        own = {method.name for method in (*before.methods, *after.methods)}
        yield from _pairs(after, own, all_methods(old, before.name), all_methods(new, after.name))


def paired_attributes(old: Package, new: Package) -> Iterator[Pair[Attribute]]:
    """Attributes that both versions have, as `paired_methods`."""
    for before, after in paired_interfaces(old, new):
        own = {attribute.name for attribute in (*before.attributes, *after.attributes)}
        yield from _pairs(
            after, own, all_attributes(old, before.name), all_attributes(new, after.name)
        )


def _pairs(
    interface: Interface,
    own: set[str],
    before: dict[str, tuple[str, _Member]],
    after: dict[str, tuple[str, _Member]],
) -> Iterator[Pair[_Member]]:
    for name, (owner, member) in after.items():
        if name in own and name in before:
            yield Pair(interface, before[name][1], member, owner)


def is_optional(member: Method | Attribute) -> bool:
    """Whether implementers may leave it out, so that callers have to ask first."""
    return member.marks.optional or CAPABILITY in member.marks.tags


def is_required(interface: Interface, method: Method) -> bool:
    """Whether an implementation lacks something without it.

    A body in an ABC is inherited; one in a Protocol only by those who name it as a base, which
    they need not.
    """
    if is_optional(method):
        return False
    return method.abstract or interface.kind is InterfaceKind.PROTOCOL


def elements(package: Package) -> dict[str, Element]:
    """All that has documentation and marks, by dotted name."""
    found: dict[str, Element] = {}
    for interface in package.interfaces.values():
        found[interface.name] = interface
        found |= {f"{interface.name}.{method.name}": method for method in interface.methods}
        found |= {f"{interface.name}.{each.name}": each for each in interface.attributes}
    for value in package.values.values():
        found[value.name] = value
        found |= {f"{value.name}.{field.name}": field for field in value.fields}
    found |= package.enumerations
    found |= package.exceptions
    return found
