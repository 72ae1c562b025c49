"""Rules of interfaces as a whole: which there are, their bases, invariants and tags."""

from __future__ import annotations

from collections.abc import Iterator

from abc_interface_checker.compatibility import witness
from abc_interface_checker.compatibility.capabilities import capability_interfaces
from abc_interface_checker.compatibility.changes import change, last_name
from abc_interface_checker.compatibility.members import (
    CAPABILITY,
    all_attributes,
    all_methods,
    is_optional,
    is_required,
    lineage,
    paired_attributes,
    paired_interfaces,
    paired_methods,
)
from abc_interface_checker.compatibility.moves import Moves
from abc_interface_checker.findings import Effect, Finding
from abc_interface_checker.model import Interface, InterfaceKind, Marks, Package, Place, Role
from abc_interface_checker.types.assignability import Classes

__all__ = ["compare", "moved"]

_ROOTS = frozenset(
    {
        "abc.ABC",
        "builtins.object",
        "object",
        "typing.Generic",
        "typing.Protocol",
        "typing_extensions.Protocol",
        "zope.interface.Interface",
    }
)
"""Bases that only say how an interface is declared."""


def moved(old: Package, new: Package, moves: Moves) -> Iterator[Finding]:
    """Interfaces that have another name; ``old`` is the old version as it was."""
    for name, target in moves.aliased.items():
        if name in old.interfaces:
            message = f"{last_name(name)} is {target} now, and its old name still leads there"
            yield change("interface-aliased", name, message, place=new.interfaces[target].place)
    optional_before, optional_after = capability_interfaces(old), capability_interfaces(new)
    for name, target in moves.renamed.items():
        capability = name in optional_before and target in optional_after
        yield change(
            "capability-renamed" if capability else "interface-renamed",
            name,
            f"{last_name(name)} seems to be {target} now, and its old name leads nowhere",
            place=new.interfaces[target].place,
            witness=witness.missing_name(name),
        )


def compare(old: Package, new: Package, classes: Classes) -> Iterator[Finding]:
    """All other changes of interfaces; capabilities that come and go have rules of their own."""
    yield from _gone(old, new)
    yield from _came(old, new)
    for before, after in paired_interfaces(old, new):
        yield from _required(old, before, after)
        yield from _bases(old, new, before, after)
        yield from _invariants(before, after)
        yield from _tags(after.name, before.marks, after.marks, after.place)
        if after.sealed and not before.sealed:
            yield change(
                "interface-sealed",
                after.name,
                f"{last_name(after.name)} is final: third parties may no longer implement it",
                place=after.place,
                witness=witness.use(
                    f"class Implementation({last_name(after.name)}): ...",
                    "implements it",
                    "type checkers refuse it: the interface is final",
                    witness.IMPLEMENTERS,
                ),
            )
    for method in paired_methods(old, new):
        if not method.moved:
            yield from _tags(method.element, method.old.marks, method.new.marks, method.new.place)
    for pair in paired_attributes(old, new):
        if not pair.moved:
            yield from _tags(pair.element, pair.old.marks, pair.new.marks, pair.new.place)


def _gone(old: Package, new: Package) -> Iterator[Finding]:
    optional = capability_interfaces(old)
    for name, interface in old.interfaces.items():
        if name not in new.interfaces and name not in optional:
            yield change(
                "interface-removed",
                name,
                f"{last_name(name)} is gone",
                place=interface.place,
                witness=witness.missing_name(name),
            )


def _came(old: Package, new: Package) -> Iterator[Finding]:
    optional = capability_interfaces(new)
    for name, interface in new.interfaces.items():
        if name in old.interfaces or name in optional:
            continue
        if interface.mandatory and interface.role is not Role.OWNERS and old.interfaces:
            message = f"{last_name(name)} is new, and every implementation must provide it"
            yield _now_required(interface, message)
        else:
            message = f"{last_name(name)} is new"
            yield change("interface-added", name, message, place=interface.place)


def _required(old: Package, before: Interface, after: Interface) -> Iterator[Finding]:
    if not after.mandatory or before.mandatory or before.name in capability_interfaces(old):
        return
    message = f"every implementation must provide {last_name(after.name)}, which was left to it"
    yield _now_required(after, message)


def _now_required(interface: Interface, message: str) -> Finding:
    return change(
        "interface-now-required",
        interface.name,
        message,
        place=interface.place,
        witness=witness.not_provided(interface, witness.IMPLEMENTERS),
    )


def _bases(old: Package, new: Package, before: Interface, after: Interface) -> Iterator[Finding]:
    reached_before = [base for base in lineage(old, before.name)[1:] if base not in _ROOTS]
    reached_after = [base for base in lineage(new, after.name)[1:] if base not in _ROOTS]
    for base in after.bases:
        if base not in reached_before and base not in _ROOTS:
            yield _base_added(old, new, after, base)
    for base in before.bases:
        if base not in reached_after and base not in _ROOTS:
            yield _base_removed(old, new, after, base)
    common_before = [base for base in reached_before if base in reached_after]
    common_after = [base for base in reached_after if base in reached_before]
    if common_before != common_after:
        orders = [", ".join(map(last_name, names)) for names in (common_before, common_after)]
        message = f"the bases were in the order {orders[0]} and are in the order {orders[1]}"
        yield change("base-reordered", after.name, message, place=after.place)


def _base_added(old: Package, new: Package, interface: Interface, base: str) -> Finding:
    if base not in new.interfaces:
        return change(
            "base-added",
            interface.name,
            f"{base} is a new base, and what it brings is not known here",
            place=interface.place,
            effects=(Effect.KEEPS, Effect.MAYBE),
        )
    methods, attributes = all_methods(old, interface.name), all_attributes(old, interface.name)
    brought = [
        method.name
        for owner, method in all_methods(new, base).values()
        if method.name not in methods and is_required(new.interfaces[owner], method)
    ]
    brought += [
        attribute.name
        for _, attribute in all_attributes(new, base).values()
        if attribute.name not in attributes and not is_optional(attribute)
    ]
    if not brought:
        message = f"{last_name(base)} is a new base, and asks for nothing new"
        return change("base-added-empty", interface.name, message, place=interface.place)
    return change(
        "base-added",
        interface.name,
        f"{last_name(base)} is a new base, and asks for {', '.join(brought)}",
        place=interface.place,
        witness=witness.missing_in_implementation(brought[0]),
    )


def _base_removed(old: Package, new: Package, interface: Interface, base: str) -> Finding:
    kept = {*all_methods(new, interface.name), *all_attributes(new, interface.name)}
    had = {*all_methods(old, base), *all_attributes(old, base)}
    lost = [name for name in sorted(had) if name not in kept]
    message = f"{last_name(base)} is no base any more"
    if lost:
        message += f", and with it went {', '.join(lost)}"
        shown = witness.lost_name(lost[0])
    else:
        name, wanted = last_name(interface.name), last_name(base)
        is_zope = interface.kind is InterfaceKind.ZOPE
        code = f"{name}.extends({wanted})" if is_zope else f"issubclass({name}, {wanted})"
        shown = witness.use(code, "is true", "is false")
    return change("base-removed", interface.name, message, place=interface.place, witness=shown)


def _invariants(old: Interface, new: Interface) -> Iterator[Finding]:
    for rule, names, word in (
        ("invariant-removed", [n for n in old.invariants if n not in new.invariants], "gone"),
        ("invariant-added", [n for n in new.invariants if n not in old.invariants], "new"),
    ):
        for name in names:
            message = f"the invariant {name} is {word}"
            yield change(rule, new.name, message, place=new.place)


def _tags(element: str, old: Marks, new: Marks, place: Place | None) -> Iterator[Finding]:
    before = {name: text for name, text in old.tags.items() if name != CAPABILITY}
    after = {name: text for name, text in new.tags.items() if name != CAPABILITY}
    for name, text in before.items():
        if name not in after:
            message = f"the tag {name} = {text} is gone"
            yield change("tag-removed", element, message, place=place)
        elif after[name] != text:
            message = f"the tag {name} was {text} and is {after[name]}"
            yield change("tag-changed", element, message, place=place)
    for name, text in after.items():
        if name not in before:
            yield change("tag-added", element, f"the tag {name} = {text} is new", place=place)
