"""Attributes that only an instance has: whether anything sets them, and what they hold."""

from __future__ import annotations

import ast
import dataclasses
import dis
import functools
import types
from typing import Any

from zope.interface.interface import InterfaceClass

from abc_interface_checker.live.callables import callee_of
from abc_interface_checker.live.hints import find, name_of
from abc_interface_checker.live.implementation import Access, Implementation, module_of
from abc_interface_checker.types.assignability import Classes, assignable
from abc_interface_checker.types.expressions import Callable, Literal, Named, Union, parse

__all__ = ["METHODS", "fits", "is_computed", "is_frozen_field", "is_set", "sets_by_name"]

METHODS = (
    types.FunctionType,
    classmethod,
    staticmethod,
    functools.partialmethod,
    functools.singledispatchmethod,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
)

_BY_NAME = frozenset({"setattr", "__setattr__", "__dict__"})


def is_computed(raw: object) -> bool:
    """Whether only its code says what it is: a property, or another descriptor."""
    if isinstance(raw, property | functools.cached_property | types.MemberDescriptorType):
        return True
    return not callable(raw) and hasattr(type(raw), "__get__") and not isinstance(raw, METHODS)


def is_set(implementation: Implementation, name: str) -> bool:
    """Whether a method of the class assigns ``something.NAME``, or its constructor takes it as a
    field.
    """
    if name in _fields(implementation.cls):
        return True
    return any(_stores(function.__code__, name) for function in implementation.functions())


def sets_by_name(implementation: Implementation) -> bool:
    """Whether a method of the class sets attributes whose names only running it would tell."""
    return any(
        not _BY_NAME.isdisjoint(function.__code__.co_names)
        for function in implementation.functions()
        if function.__module__ == module_of(implementation.cls)
    )


def is_frozen_field(implementation: Implementation, name: str) -> bool:
    """Whether it is a field of a frozen dataclass or of a named tuple."""
    cls = implementation.cls
    parameters = getattr(cls, "__dataclass_params__", None)
    if parameters is not None and parameters.frozen:
        return name in _fields(cls)
    return issubclass(cls, tuple) and name in getattr(cls, "_fields", ())


def _stores(code: types.CodeType, name: str) -> bool:
    """Whether the code, or a function in it, assigns an attribute of this name."""
    if name in code.co_names and any(
        step.opname == "STORE_ATTR" and step.argval == name for step in dis.get_instructions(code)
    ):
        return True
    inner = (each for each in code.co_consts if isinstance(each, types.CodeType))
    return any(_stores(each, name) for each in inner)


def fits(value: object, wanted: str, classes: Classes) -> bool | None:
    """Whether a value is of a canonical type, as far as its own class says; None: not known."""
    return _fits(value, parse(wanted), classes)


def _fits(value: Any, wanted: Any, classes: Classes) -> bool | None:
    match wanted:
        case Union(members):
            verdicts = [_fits(value, member, classes) for member in members]
            return True if True in verdicts else None if None in verdicts else False
        case Literal(values):
            return _is_literal(value, values)
        case Callable():
            return callable(value)
        case Named(name, arguments):
            if isinstance(value, type) and name == "type":
                own = name_of(value)
                return True if not arguments or own is None else None
            live = find(name)
            if isinstance(live, InterfaceClass):
                return bool(live.providedBy(value))
            own = "None" if value is None else name_of(type(value))
            return assignable(own or "", name, classes)
    return None


def _is_literal(value: object, values: tuple[str, ...]) -> bool:
    if hasattr(value, "name") and f"{name_of(type(value))}.{value.name}" in values:
        return True
    for text in values:
        try:
            expected = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            continue
        if type(expected) is type(value) and expected == value:
            return True
    return False


def _fields(cls: type) -> frozenset[str]:
    """Fields of dataclasses, of attrs classes, and annotated names that the constructor takes."""
    if dataclasses.is_dataclass(cls):
        return frozenset(each.name for each in dataclasses.fields(cls))
    attrs = getattr(cls, "__attrs_attrs__", ())
    if attrs:
        return frozenset(each.name for each in attrs)
    constructor = callee_of(cls, Access.CLASS)
    if constructor is None or constructor.signature is None:
        return frozenset()
    annotated = {name for each in cls.__mro__ for name in getattr(each, "__annotations__", ())}
    return frozenset(
        parameter.name
        for parameter in constructor.signature.parameters
        if parameter.name in annotated
    )
