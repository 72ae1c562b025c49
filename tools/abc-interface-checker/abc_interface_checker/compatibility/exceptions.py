"""Exception classes: what catches them, and how they are made."""

from __future__ import annotations

from collections.abc import Iterator

from abc_interface_checker.calls import mismatches, written
from abc_interface_checker.compatibility.changes import change
from abc_interface_checker.compatibility.type_rules import Types, given_witness
from abc_interface_checker.compatibility.wording import last
from abc_interface_checker.findings import Finding, Witness
from abc_interface_checker.model import (
    ExceptionClass,
    Package,
    Parameter,
    ParameterKind,
    Signature,
)
from abc_interface_checker.types.assignability import Classes, TypeChange

__all__ = ["compare"]

_INHERITED = Signature(parameters=(Parameter(name="args", kind=ParameterKind.VAR_POSITIONAL),))
"""How Python's own exceptions are made."""


def compare(old: Package, new: Package, classes: Classes) -> Iterator[Finding]:
    """The rules ``exception-*``, and those of class constants of exceptions."""
    types = Types(old, new, classes)
    for name, exception in new.exceptions.items():
        before = old.exceptions.get(name)
        if before is None:
            yield change(
                "exception-class-added", name, f"{last(name)} is new", place=exception.place
            )
        else:
            yield from _bases(before, exception, (old, new), classes)
            yield from _init(before, exception, (old, new), types)
            yield from _constants(before, exception)
    for name, exception in old.exceptions.items():
        if name not in new.exceptions and name not in new.aliases:
            yield change(
                "exception-class-removed",
                name,
                f"{last(name)} is gone",
                place=exception.place,
                witness=Witness(
                    side="callers",
                    code=f"except {last(name)}:",
                    before="catches it",
                    after=f"NameError: there is no {last(name)}",
                ),
            )


def _bases(
    old: ExceptionClass,
    new: ExceptionClass,
    packages: tuple[Package, Package],
    classes: Classes,
) -> Iterator[Finding]:
    """Reported for the class whose own bases changed, not for all below it."""
    if old.bases == new.bases:
        return
    before, after = (_ancestors(old.name, package, classes) for package in packages)
    lost = [base for base in before if base not in after]
    if lost:
        yield change(
            "exception-base-changed",
            new.name,
            f"{last(new.name)} is no {', '.join(map(last, lost))} any more",
            place=new.place,
            witness=Witness(
                side="callers",
                code=f"except {last(lost[0])}:",
                before=f"catches {last(new.name)}",
                after=f"{last(new.name)} passes through",
            ),
        )


def _ancestors(name: str, package: Package, classes: Classes) -> list[str]:
    """All bases of an exception as one version of the contract has them, nearest first."""
    found: list[str] = []
    waiting = [name]
    while waiting:
        current = waiting.pop(0)
        known = package.exceptions.get(current)
        bases = known.bases if known else classes.bases(current) or ()
        for base in bases:
            if base not in found:
                found.append(base)
                waiting.append(base)
    return found


def _init(
    old: ExceptionClass, new: ExceptionClass, packages: tuple[Package, Package], types: Types
) -> Iterator[Finding]:
    """Whoever raises it makes it: calls that were legal must stay so.

    Reported for the class that has the changed constructor, not for those that inherit it.
    """
    if old.init is None and new.init is None:
        return
    before, after = _made_by(old, packages[0]), _made_by(new, packages[1])
    broken = mismatches(before, after)
    if broken:
        call = written(broken[0].call, last(new.name), before)
        yield change(
            "exception-init-changed",
            new.name,
            f"{call} does not make it any more, because of {broken[0].parameter}",
            place=new.place,
            witness=Witness(
                side="implementers", code=f"raise {call}", before="raises it", after="TypeError"
            ),
        )
    else:
        yield from _init_types(new, before, after, types)


def _init_types(
    exception: ExceptionClass, old: Signature, new: Signature, types: Types
) -> Iterator[Finding]:
    by_name = {parameter.name: parameter for parameter in new.parameters}
    for parameter in old.parameters:
        other = by_name.get(parameter.name, parameter)
        pair = (parameter.annotation, other.annotation)
        happened = types.change(*pair)
        if happened in (TypeChange.NARROWED, TypeChange.CHANGED):
            code = f"raise {last(exception.name)}({parameter.name}={{}})"
            yield change(
                "exception-init-changed",
                exception.name,
                f"{last(exception.name)} takes another type for {parameter.name}",
                place=exception.place,
                witness=given_witness(
                    code,
                    pair,
                    types,
                    happened,
                    giver="implementers",
                    taker=f"the new {last(exception.name)}",
                ),
            )


def _made_by(exception: ExceptionClass, package: Package) -> Signature:
    """The signature of its constructor, where the contract's own bases are asked too."""
    seen: set[str] = set()
    current: ExceptionClass | None = exception
    while current is not None and current.name not in seen:
        if current.init is not None:
            return current.init
        seen.add(current.name)
        known = (package.exceptions.get(base) for base in current.bases)
        current = next((each for each in known if each), None)
    return _INHERITED


def _constants(old: ExceptionClass, new: ExceptionClass) -> Iterator[Finding]:
    for name, value in old.attributes.items():
        if name in new.attributes and new.attributes[name] != value:
            yield change(
                "constant-value-changed",
                f"{new.name}.{name}",
                f"{last(new.name)}.{name} is {new.attributes[name]}, formerly {value}",
                place=new.place,
            )
