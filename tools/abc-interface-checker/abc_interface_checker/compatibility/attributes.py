"""Rules of attributes and constants."""

from __future__ import annotations

from collections.abc import Iterator

from abc_interface_checker.compatibility import witness
from abc_interface_checker.compatibility.changes import change
from abc_interface_checker.compatibility.members import (
    Pair,
    all_attributes,
    all_methods,
    is_optional,
    paired_attributes,
    paired_interfaces,
)
from abc_interface_checker.compatibility.type_rules import Types, attribute_type
from abc_interface_checker.findings import Finding
from abc_interface_checker.model import Attribute, Interface, InterfaceKind, Package
from abc_interface_checker.types.assignability import Classes

__all__ = ["compare"]


def compare(old: Package, new: Package, classes: Classes) -> Iterator[Finding]:
    """All changes of attributes, those of their types included, and of constants."""
    types = Types(old, new, classes)
    for before, after in paired_interfaces(old, new):
        yield from _came_and_gone(old, new, before, after)
    for pair in paired_attributes(old, new):
        yield from _changed(pair)
        yield from attribute_type(
            pair.old, pair.new, pair.interface.name, types, place=pair.new.place
        )
    yield from _constants(old, new)


def _came_and_gone(
    old: Package, new: Package, before: Interface, after: Interface
) -> Iterator[Finding]:
    known = {**all_methods(old, before.name), **all_attributes(old, before.name)}
    kept = {**all_methods(new, after.name), **all_attributes(new, after.name)}
    gone = [attribute for attribute in before.attributes if attribute.name not in kept]
    came = [attribute for attribute in after.attributes if attribute.name not in known]
    for lost in list(gone):
        alike = [attribute for attribute in came if _alike(lost, attribute)]
        if len(alike) == 1 and sum(_alike(other, alike[0]) for other in gone) == 1:
            gone.remove(lost)
            came.remove(alike[0])
            yield change(
                "attr-renamed",
                f"{after.name}.{lost.name}",
                f"{lost.name} seems to be called {alike[0].name} now",
                place=alike[0].place,
                witness=witness.lost_name(lost.name),
            )
    for lost in gone:
        yield change(
            "attr-removed",
            f"{after.name}.{lost.name}",
            f"{lost.name} is gone",
            place=lost.place,
            witness=witness.lost_name(lost.name),
        )
    for attribute in came:
        yield _added(after, attribute)


def _alike(old: Attribute, new: Attribute) -> bool:
    """Whether one may be the other under a new name."""
    if (old.annotation, old.readonly, old.constant) != (new.annotation, new.readonly, new.constant):
        return False
    return old.annotation is not None or bool(old.doc and old.doc == new.doc)


def _added(interface: Interface, attribute: Attribute) -> Finding:
    element, name = f"{interface.name}.{attribute.name}", attribute.name
    inherited = attribute.constant is not None and interface.kind is InterfaceKind.ABC
    if is_optional(attribute) or inherited:
        how = "inherit it" if inherited else "may leave it out"
        message = f"{name} is new, and implementations {how}"
        return change("attr-added-optional", element, message, place=attribute.place)
    return change(
        "attr-added-required",
        element,
        f"{name} is new, and implementations must have it",
        place=attribute.place,
        witness=witness.missing_in_implementation(name),
    )


def _changed(pair: Pair[Attribute]) -> Iterator[Finding]:
    name, place = pair.new.name, pair.new.place
    if pair.old.readonly and not pair.new.readonly:
        yield change(
            "attr-became-mutable",
            pair.element,
            f"{name} was read-only, and callers may set it now",
            place=place,
            witness=witness.read_only_in_implementation(name),
        )
    elif pair.new.readonly and not pair.old.readonly:
        yield change(
            "attr-became-readonly",
            pair.element,
            f"callers could set {name}, which is read-only now",
            place=place,
            witness=witness.use(
                f"thing.{name} = thing.{name}", "is set", "AttributeError: it can only be read"
            ),
        )
    if pair.old.constant != pair.new.constant:
        was, is_ = pair.old.constant or "not fixed", pair.new.constant or "not fixed"
        message = f"{name} was {was} and is {is_}"
        yield change("constant-value-changed", pair.element, message, place=place)


def _constants(old: Package, new: Package) -> Iterator[Finding]:
    """Constants of modules, but for the one that holds the version."""
    for name, alias in new.aliases.items():
        before = old.aliases.get(name)
        if before is None or (before.kind, alias.kind) != ("constant", "constant"):
            continue
        is_version = (before.target, alias.target) == (repr(old.version), repr(new.version))
        if before.target != alias.target and not is_version:
            message = f"it was {before.target} and is {alias.target}"
            yield change("constant-value-changed", name, message, place=alias.place)
