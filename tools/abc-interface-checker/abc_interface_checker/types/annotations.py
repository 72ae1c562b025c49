"""Annotations out of source and out of live objects, in canonical spelling."""

from __future__ import annotations

import ast
import builtins
import enum
import re
import sys
import types
import typing
from collections.abc import Mapping
from typing import Any

from abc_interface_checker.model import Annotation
from abc_interface_checker.types.expressions import (
    ELLIPSIS,
    EMPTY,
    NONE,
    Callable,
    Type,
    Unknown,
    canonical_name,
    literal,
    named,
    parse,
    render,
    union,
)
from abc_interface_checker.types.syntax import (
    Resolve,
    spelling,
    type_of,
    type_of_text,
    without_qualifiers,
)

__all__ = ["annotation_from_object", "annotation_of", "class_name"]

_SPECIAL = re.compile(r"typing\.\w+")
"""How ``typing``'s own objects, without arguments, show themselves."""


def annotation_of(node: ast.expr, resolve: Resolve) -> Annotation:
    """What an annotation in source means.

    Args:
        node: the annotation; a string is read as the expression that it holds.
        resolve: the absolute dotted name of a dotted name as written in the module, or None if the
            module does not know it; the type is then `Unknown`, unless Python itself has the name.
    """
    try:
        canonical = render(type_of(node, resolve))
        written = spelling(without_qualifiers(node, resolve))
    except RecursionError:
        return Annotation(render(Unknown("<deeply nested>")))
    return Annotation(canonical, "" if written == canonical else written)


def annotation_from_object(
    hint: object, namespace: Mapping[str, object] | None = None
) -> Annotation:
    """What an annotation of a live object means; nothing is imported or evaluated for it.

    Args:
        hint: what stands in ``__annotations__``, or comes from ``typing.get_type_hints``.
        namespace: where the names of a hint that is a string are looked up, such as the function's
            ``__globals__``. Without it only what Python itself has is known.
    """
    return Annotation(render(_type_from_object(hint, namespace or {})))


def _type_from_object(hint: Any, namespace: Mapping[str, object]) -> Type:
    if hint is None or hint is types.NoneType:
        return NONE
    if hint is ...:
        return ELLIPSIS
    if isinstance(hint, typing.ForwardRef):
        hint = hint.__forward_arg__
    if isinstance(hint, str):
        return type_of_text(hint, lambda name: _find(name, namespace))
    origin = typing.get_origin(hint)
    if origin is not None:
        return _generic(hint, origin, namespace)
    if isinstance(hint, type):
        return named(class_name(hint))
    name = getattr(hint, "__name__", None)
    module = getattr(hint, "__module__", None)
    if isinstance(hint, typing.TypeVar | typing.NewType) or type(hint).__name__ == "TypeAliasType":
        return named(f"{module}.{name}")
    if module == "typing":
        return parse(str(hint))
    return Unknown(type(hint).__name__)


def _generic(hint: Any, origin: Any, namespace: Mapping[str, object]) -> Type:
    arguments = typing.get_args(hint)
    if origin is typing.Literal:
        return literal([_literal_value(value) for value in arguments])
    if origin is typing.Annotated or origin in (typing.ClassVar, typing.Final):
        return _type_from_object(arguments[0], namespace)
    if origin is typing.Union or origin is types.UnionType:
        return union(_type_from_object(each, namespace) for each in arguments)
    name = class_name(origin)
    if name == "collections.abc.Callable" and len(arguments) == 2:
        taken, result = arguments
        returned = _type_from_object(result, namespace)
        if taken is ...:
            return Callable(None, returned)
        if isinstance(taken, list):
            return Callable(tuple(_type_from_object(each, namespace) for each in taken), returned)
        return Unknown(str(hint))
    inner = [_type_from_object(each, namespace) for each in arguments]
    is_bare = _SPECIAL.fullmatch(str(hint)) is not None
    return named(name, inner or ([] if is_bare else [EMPTY]))


def _literal_value(value: object) -> str:
    if isinstance(value, str | bytes | int | None) and type(value).__module__ == "builtins":
        return ascii(value)
    return f"{class_name(type(value))}.{getattr(value, 'name', '')}"


def class_name(cls: type) -> str:
    """The canonical dotted name of a class.

    A class of the standard library bears the name that its public module gives it, though it is
    defined in a private one.
    """
    module, name = cls.__module__, cls.__qualname__
    if module.partition(".")[0].lstrip("_") in sys.stdlib_module_names:
        public = module.lstrip("_").partition("._")[0]
        if getattr(sys.modules.get(public), name, None) is cls:
            module = public
    return canonical_name(f"{module}.{name}")


def _find(name: str, namespace: Mapping[str, object]) -> str | None:
    """The type, as text, that a dotted name has in a namespace."""
    first, *others = name.split(".")
    if first in namespace:
        found: Any = namespace[first]
    elif hasattr(builtins, first):
        found = getattr(builtins, first)
    else:
        return None
    for attribute in others:
        if not isinstance(found, types.ModuleType | type) or attribute not in vars(found):
            return None
        found = vars(found)[attribute]
    if isinstance(found, str):
        return None
    if type(found).__module__ == "typing" and _SPECIAL.fullmatch(str(found)):
        return str(found)
    if isinstance(found, enum.Enum):
        return _literal_value(found)
    type_ = _type_from_object(found, {})
    return None if isinstance(type_, Unknown) else render(type_)
