"""Rules of capabilities: what an implementation may have, and says that it has.

A capability is an interface that not every implementation has to provide, where the package names
others that it has to; or the word that a mark ``capability="..."`` of methods and attributes gives.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from abc_interface_checker.compatibility import witness
from abc_interface_checker.compatibility.changes import change, last_name
from abc_interface_checker.compatibility.members import (
    CAPABILITY,
    is_optional,
    lineage,
    paired_interfaces,
)
from abc_interface_checker.findings import Finding
from abc_interface_checker.model import Attribute, Interface, Method, Package, Role
from abc_interface_checker.types.assignability import Classes

__all__ = ["capability_interfaces", "compare"]


def capability_interfaces(package: Package) -> frozenset[str]:
    """The interfaces that third parties may provide, beside those that they have to."""
    ours = {
        name: interface
        for name, interface in package.interfaces.items()
        if interface.role is not Role.OWNERS
    }
    mandatory = [name for name, interface in ours.items() if interface.mandatory]
    needed = {base for name in mandatory for base in lineage(package, name)}
    return frozenset(ours.keys() - needed) if mandatory else frozenset()


def compare(old: Package, new: Package, classes: Classes) -> Iterator[Finding]:
    """All changes of capabilities."""
    yield from _interfaces(old, new)
    before, after = _marked(old), _marked(new)
    renamed = _renamed(before, after)
    for name, members in before.items():
        if name in after:
            yield from _members(name, members, after[name], new)
        elif name in renamed:
            message = f"the capability {name} is called {renamed[name]} now"
            yield change("capability-renamed", _element(new, name), message)
        else:
            yield _gone(name, members, old, new)
    for name, members in after.items():
        if name not in before and name not in renamed.values():
            yield _came(name, members, old, new)


def _interfaces(old: Package, new: Package) -> Iterator[Finding]:
    before, after = capability_interfaces(old), capability_interfaces(new)
    for name in sorted(after):
        if name not in old.interfaces:
            message = f"{last_name(name)} is new, and implementations may provide it"
            yield change("capability-added", name, message, place=new.interfaces[name].place)
    for name in sorted(before):
        if name not in new.interfaces:
            yield change(
                "capability-removed",
                name,
                f"{last_name(name)} is gone, which callers ask for and implementations claim",
                place=old.interfaces[name].place,
                witness=witness.missing_name(name),
            )
    for old_one, new_one in paired_interfaces(old, new):
        if old_one.name in before and _is_needed(new, new_one, after):
            message = (
                f"every implementation must provide {last_name(new_one.name)}, which was a choice"
            )
            yield change("capability-became-mandatory", new_one.name, message, place=new_one.place)
        elif new_one.name in after and _is_needed(old, old_one, before):
            yield change(
                "capability-became-optional",
                new_one.name,
                f"not every implementation provides {last_name(new_one.name)} any more",
                place=new_one.place,
                witness=witness.not_provided(new_one, witness.CALLERS),
            )


def _is_needed(package: Package, interface: Interface, optional: frozenset[str]) -> bool:
    """Whether every implementation has to provide it."""
    ours = [each for each in package.interfaces.values() if each.role is not Role.OWNERS]
    return interface in ours and interface.name not in optional and any(i.mandatory for i in ours)


_Members = dict[str, Method | Attribute]


def _marked(package: Package) -> dict[str, _Members]:
    """Capability to the members that are marked with it, by dotted name."""
    found: dict[str, _Members] = {}
    for interface in package.interfaces.values():
        for member in _own(interface):
            for name in _names(member):
                found.setdefault(name, {})[f"{interface.name}.{member.name}"] = member
    return found


def _names(member: Method | Attribute) -> list[str]:
    literal = member.marks.tags.get(CAPABILITY)
    if literal is None:
        return []
    try:
        content = ast.literal_eval(literal)
    except (ValueError, SyntaxError):
        return [literal]
    return [str(item) for item in content] if isinstance(content, (list, tuple)) else [str(content)]


def _renamed(before: dict[str, _Members], after: dict[str, _Members]) -> dict[str, str]:
    """Capabilities whose very members have another one's name now."""
    found: dict[str, str] = {}
    for name, members in before.items():
        for other, others in after.items():
            if name not in after and other not in before and members.keys() == others.keys():
                found[name] = other
    return found


def _members(name: str, before: _Members, after: _Members, new: Package) -> Iterator[Finding]:
    more = [element for element in after if element not in before]
    less = [element for element in before if element not in after]
    element = _element(new, name)
    if more:
        what = ", ".join(map(last_name, more))
        yield change(
            "capability-requires-more",
            element,
            f"who claims the capability {name} must also have {what}",
            place=after[more[0]].place,
            witness=witness.missing_in_implementation(last_name(more[0])),
        )
    if less:
        what = ", ".join(map(last_name, less))
        yield change(
            "capability-requires-less",
            element,
            f"who claims the capability {name} need not have {what} any more",
            place=before[less[0]].place,
            witness=witness.lost_name(last_name(less[0])),
        )


def _gone(name: str, members: _Members, old: Package, new: Package) -> Finding:
    element = _element(old, name)
    still = [each for each in members if _has_all(new, each)]
    if still:
        message = f"every implementation must have what the capability {name} stood for"
        place = members[still[0]].place
        shown = witness.missing_in_implementation(last_name(still[0]))
        return change("capability-became-mandatory", element, message, place=place, witness=shown)
    place = next(iter(members.values())).place
    message = f"the capability {name} is gone, which callers ask for and implementations claim"
    return change("capability-removed", element, message, place=place)


def _came(name: str, members: _Members, old: Package, new: Package) -> Finding:
    element = _element(new, name)
    formerly = [each for each in members if _has_all(old, each)]
    place = next(iter(members.values())).place
    if formerly:
        what = ", ".join(map(last_name, formerly))
        message = f"{what} is left to those who claim the capability {name}"
        shown = witness.lost_name(last_name(formerly[0]))
        return change("capability-became-optional", element, message, place=place, witness=shown)
    message = f"the capability {name} is new"
    return change("capability-added", element, message, place=place)


def _has_all(package: Package, element: str) -> bool:
    """Whether the package has the member, and every implementation must have it."""
    owner, _, name = element.rpartition(".")
    interface = package.interfaces.get(owner)
    members = _own(interface) if interface is not None else ()
    return any(member.name == name and not is_optional(member) for member in members)


def _own(interface: Interface) -> Iterator[Method | Attribute]:
    yield from interface.methods
    yield from interface.attributes


def _element(package: Package, name: str) -> str:
    return f"{package.name}[{name}]"
