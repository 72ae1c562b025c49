"""Attributes of a contract: whether the implementation has them, settable and of the type."""

from __future__ import annotations

import functools
import types
from typing import Any

from abc_interface_checker.conformance.capabilities import is_excused
from abc_interface_checker.conformance.contract import AttributeContract, Contract
from abc_interface_checker.conformance.findings import Check
from abc_interface_checker.conformance.state import (
    METHODS,
    fits,
    is_computed,
    is_frozen_field,
    is_set,
    sets_by_name,
)
from abc_interface_checker.findings import Severity
from abc_interface_checker.live.implementation import Access, Member, own_annotations
from abc_interface_checker.model import InterfaceKind
from abc_interface_checker.types.assignability import assignable
from abc_interface_checker.types.expressions import Callable, parse

__all__ = ["NOTHING", "check_attribute", "evaluated"]

NOTHING = object()
"""That an attribute has no content, or none that can be told."""


def check_attribute(check: Check, contract: Contract, wanted: AttributeContract) -> None:
    """Compare one attribute."""
    implementation, name = check.implementation, wanted.name
    member = implementation.member(name)
    if member is None:
        _check_absent(check, wanted)
        return
    if _is_method(member) and not _may_be_called(wanted):
        check.report(
            "impl-attr-is-method",
            name,
            f"{name} is a method; the contract {contract.name} has an attribute",
            function=_function(member.raw),
        )
        return
    value = _value(check, member)
    is_slot = isinstance(member.raw, types.MemberDescriptorType)
    is_filled = implementation.of_instances and is_set(implementation, name)
    if value is NOTHING and is_slot and not is_filled:
        _report_never_set(check, wanted, "its slot is empty")
        return
    if not contract.is_zope and not wanted.attribute.readonly:
        _check_settable(check, wanted, member)
    _check_type(check, contract, wanted, member, value)


def evaluated(check: Check, name: str) -> Any:
    """The content of an attribute of an object, asked for once; `NOTHING` if that raises."""
    try:
        return getattr(check.implementation.target, name)
    except Exception as error:  # noqa: BLE001 - any code may run
        member = check.implementation.member(name)
        raw = member.raw if member is not None else None
        if not isinstance(raw, types.MemberDescriptorType):
            check.report(
                "impl-property-raises",
                name,
                f"{name} raises {type(error).__name__} when it is read: {error}",
                function=_function(raw),
            )
        return NOTHING


def _check_absent(check: Check, wanted: AttributeContract) -> None:
    implementation, name = check.implementation, wanted.name
    owner = implementation.annotation_owner(name)
    if implementation.of_instances:
        if is_set(implementation, name):
            if owner is not None:
                _check_annotation(check, wanted, owner)
            elif wanted.type is not None:
                check.unannotated.append(name)
            return
        if owner is None and (implementation.is_dynamic or sets_by_name(implementation)):
            check.dynamic.append(name)
            return
    elif implementation.is_dynamic and _answers(check, name):
        return
    if is_excused(check, wanted):
        return
    if owner is not None:
        _report_never_set(check, wanted, f"{owner.__name__} only annotates it")
        return
    check.report(
        "impl-attr-missing",
        name,
        f"there is no attribute {name}, which {wanted.owner.name} asks for",
    )


def _answers(check: Check, name: str) -> bool:
    """Whether an object that makes up its attributes has this one."""
    try:
        has = hasattr(check.implementation.target, name)
    except Exception:  # noqa: BLE001 - any code may run
        has = True
    if has:
        check.dynamic.append(name)
    return has


def _report_never_set(check: Check, wanted: AttributeContract, why: str) -> None:
    check.report(
        "impl-attr-never-set",
        wanted.name,
        f"nothing sets {wanted.name}, which {wanted.owner.name} asks for: {why}",
    )


def _is_method(member: Member) -> bool:
    return member.access is not Access.PLAIN and isinstance(member.raw, METHODS)


def _may_be_called(wanted: AttributeContract) -> bool:
    return wanted.type is not None and isinstance(parse(wanted.type), Callable)


def _value(check: Check, member: Member) -> Any:
    if not is_computed(member.raw):
        return member.raw
    return NOTHING if check.implementation.of_instances else evaluated(check, member.name)


def _check_settable(check: Check, wanted: AttributeContract, member: Member) -> None:
    raw, name = member.raw, wanted.name
    if isinstance(raw, property) and raw.fset is None:
        why = "is a property without a setter"
    elif is_frozen_field(check.implementation, name):
        why = "is a field that cannot be set"
    else:
        return
    check.report(
        "impl-attr-readonly",
        name,
        f"{name} {why}; callers of {wanted.owner.name} may set it",
        function=_function(raw),
    )


def _check_type(
    check: Check, contract: Contract, wanted: AttributeContract, member: Member, value: Any
) -> None:
    if wanted.type is None:
        return
    if value is not NOTHING and fits(value, wanted.type, check.classes) is False:
        shown = type(value).__name__ if value is not None else "None"
        check.report(
            "impl-attr-type",
            wanted.name,
            f"{wanted.name} holds a value of type {shown}; {contract.name} says {wanted.type}",
        )
        return
    getter = _function(member.raw)
    owner = check.implementation.annotation_owner(wanted.name)
    if getter is not None and isinstance(member.raw, property | functools.cached_property):
        hint = own_annotations(getter).get("return", NOTHING)
        if hint is not NOTHING:
            own = check.hints.of_function(getter, hint)
            _compare(check, wanted, own, is_settable=False)
        elif value is NOTHING:
            check.unannotated.append(wanted.name)
    elif owner is not None:
        _check_annotation(check, wanted, owner)
    elif value is NOTHING:
        check.unannotated.append(wanted.name)


def _check_annotation(check: Check, wanted: AttributeContract, owner: type) -> None:
    if wanted.type is not None:
        own = check.hints.of_class(owner, own_annotations(owner)[wanted.name])
        is_settable = not wanted.attribute.readonly and wanted.owner.kind is not InterfaceKind.ZOPE
        _compare(check, wanted, own, is_settable=is_settable)


def _compare(check: Check, wanted: AttributeContract, own: str, *, is_settable: bool) -> None:
    """Of what callers read each value has to fit; of what they set also the other way round."""
    if own == wanted.type or wanted.type is None:
        return
    verdicts = [assignable(own, wanted.type, check.classes)]
    if is_settable:
        verdicts.append(assignable(wanted.type, own, check.classes))
    if all(verdicts):
        return
    certain = False in verdicts
    doubt = "" if certain else "; whether that fits cannot be told"
    check.report(
        "impl-attr-type",
        wanted.name,
        f"{wanted.name} is of type {own}; {wanted.owner.name} says {wanted.type}{doubt}",
        severity=None if certain else Severity.WARNING,
    )


def _function(raw: object) -> types.FunctionType | None:
    for name in ("fget", "func", "__func__"):
        found = getattr(raw, name, None)
        if isinstance(found, types.FunctionType):
            return found
    return raw if isinstance(raw, types.FunctionType) else None
