"""Signatures of live functions, in the terms of the model."""

from __future__ import annotations

import importlib
import inspect
import sys
import types
from collections.abc import Mapping
from typing import Any

from abc_interface_checker.model import Parameter, ParameterKind, Signature, Style

__all__ = [
    "KINDS",
    "STARS",
    "Shape",
    "defaults_of",
    "inspected",
    "shape_of",
    "signature_from",
    "signature_of_code",
    "style_of",
]

KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: ParameterKind.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD: ParameterKind.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL: ParameterKind.VAR_POSITIONAL,
    inspect.Parameter.KEYWORD_ONLY: ParameterKind.KEYWORD_ONLY,
    inspect.Parameter.VAR_KEYWORD: ParameterKind.VAR_KEYWORD,
}
_STYLES = (
    (inspect.CO_COROUTINE | inspect.CO_ITERABLE_COROUTINE, Style.ASYNC),
    (inspect.CO_ASYNC_GENERATOR, Style.ASYNC_GENERATOR),
    (inspect.CO_GENERATOR, Style.GENERATOR),
)
STARS = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
_FORMAT: dict[str, Any] = {}
if sys.version_info >= (3, 14):
    # By name: older Pythons do not have it.
    _FORMAT = {"annotation_format": importlib.import_module("annotationlib").Format.STRING}

Shape = tuple[object, ...]
"""All that decides which calls a plain function takes; equal ones take the same."""


def shape_of(signature: Signature) -> Shape:
    """The shape that a plain function of this signature has."""
    by_kind = [
        [parameter for parameter in signature.parameters if parameter.kind is kind]
        for kind in ParameterKind
    ]
    only, positional, varargs, keywords, varkw = by_kind
    return (
        tuple(parameter.name for parameter in [*only, *positional, *keywords]),
        len(only),
        len(keywords),
        sum(not parameter.is_required for parameter in [*only, *positional]),
        frozenset(parameter.name for parameter in keywords if not parameter.is_required),
        inspect.CO_VARARGS * len(varargs) | inspect.CO_VARKEYWORDS * len(varkw),
    )


def inspected(raw: Any, skip: int = 0) -> inspect.Signature | None:
    """Python's own opinion; None: it has none, as of many functions in C."""
    try:
        signature = inspect.signature(raw, **_FORMAT)
    except (ValueError, TypeError):
        return None
    parameters = list(signature.parameters.values())
    if (
        skip
        and parameters
        and parameters[0].kind
        in (
            inspect.Parameter.POSITIONAL_ONLY,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
        )
    ):
        parameters = parameters[1:]
    return signature.replace(parameters=parameters)


def signature_from(signature: inspect.Signature) -> Signature:
    """The same as a model; of defaults only that they are there."""
    return Signature(
        parameters=tuple(
            Parameter(
                name=parameter.name,
                kind=KINDS[parameter.kind],
                default=None if parameter.default is parameter.empty else "...",
            )
            for parameter in signature.parameters.values()
        )
    )


def signature_of_code(function: types.FunctionType, skip: int) -> Signature:
    """The signature of a plain function without its first ``skip`` parameters; much faster than
    Python's own way.
    """
    code = function.__code__
    names = code.co_varnames
    count, keywords = code.co_argcount, code.co_kwonlyargcount
    first_default = count - len(function.__defaults__ or ())
    parameters = [
        Parameter(
            name=names[place],
            kind=(
                ParameterKind.POSITIONAL_ONLY
                if place < code.co_posonlyargcount
                else ParameterKind.POSITIONAL_OR_KEYWORD
            ),
            default="..." if place >= first_default else None,
        )
        for place in range(skip, count)
    ]
    star = count + keywords
    if code.co_flags & inspect.CO_VARARGS:
        parameters.append(Parameter(name=names[star], kind=ParameterKind.VAR_POSITIONAL))
        star += 1
    optional = function.__kwdefaults__ or {}
    for name in names[count : count + keywords]:
        default = "..." if name in optional else None
        parameters.append(Parameter(name=name, kind=ParameterKind.KEYWORD_ONLY, default=default))
    if code.co_flags & inspect.CO_VARKEYWORDS:
        parameters.append(Parameter(name=names[star], kind=ParameterKind.VAR_KEYWORD))
    return Signature(parameters=tuple(parameters))


def defaults_of(function: types.FunctionType) -> Mapping[str, Any]:
    """Parameter to the object that is its default."""
    values, by_name = function.__defaults__, function.__kwdefaults__
    if not values:
        return by_name or {}
    code = function.__code__
    names = code.co_varnames[code.co_argcount - len(values) : code.co_argcount]
    return {**dict(zip(names, values, strict=True)), **(by_name or {})}


def style_of(function: types.FunctionType) -> Style:
    """What a call of the function itself gives back."""
    flags = function.__code__.co_flags
    for flag, style in _STYLES:
        if flags & flag:
            return style
    if function.__dict__ and inspect.iscoroutinefunction(function):
        return Style.ASYNC
    return Style.SYNC
