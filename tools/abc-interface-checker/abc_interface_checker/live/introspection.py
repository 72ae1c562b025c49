"""What can be seen of an interface whose source is not at hand."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from zope.interface.interface import Attribute as ZopeAttribute
from zope.interface.interface import Method as ZopeMethod

from abc_interface_checker.live.callables import Callee, callee_of
from abc_interface_checker.live.hints import Hints, name_of
from abc_interface_checker.live.implementation import Access, namespace, own_annotations
from abc_interface_checker.model import (
    Annotation,
    Attribute,
    Interface,
    InterfaceKind,
    Marks,
    Method,
    Parameter,
    ParameterKind,
    Signature,
)
from abc_interface_checker.source.literals import value_text

__all__ = ["of_class", "of_zope"]

_NOT_ASKED_FOR = frozenset(
    f"__{name}__"
    for name in (
        *("class_getitem", "delattr", "getattribute", "init", "init_subclass", "new", "repr"),
        *("setattr", "subclasshook"),
    )
)


def of_zope(live: Any, name: str) -> tuple[Interface, bool]:
    """As zope knows it: names of positional parameters, defaults, stars, and no more.

    With it, whether that is less than the source said: a decorator may have kept the functions.
    """
    methods: list[Method] = []
    attributes: list[Attribute] = []
    is_lossy = False
    for member, description in live.namesAndDescriptions():
        if isinstance(description, ZopeMethod):
            function = _kept_function(description)
            is_lossy |= function is None
            methods.append(
                _of_zope_method(member, description)
                if function is None
                else _method(member, _callee(function, Access.PLAIN), Hints(), abstract=True)
            )
        elif isinstance(description, ZopeAttribute):
            readonly = bool(getattr(description, "readonly", False))
            marks = _zope_marks(description)
            doc = str(description.__doc__ or "")
            attributes.append(Attribute(name=member, readonly=readonly, marks=marks, doc=doc))
    invariants = live.queryDirectTaggedValue("invariants", ())
    interface = Interface(
        name=name,
        kind=InterfaceKind.ZOPE,
        bases=_names(live.__bases__),
        methods=tuple(methods),
        attributes=tuple(attributes),
        invariants=tuple(str(getattr(each, "__name__", each)) for each in invariants),
        marks=_zope_marks(live),
        doc=str(live.__doc__ or ""),
    )
    return interface, is_lossy


def _of_zope_method(name: str, description: Any) -> Method:
    info = description.getSignatureInfo()
    optional: Mapping[str, object] = info["optional"]
    parameters = [
        Parameter(name=each, default=_default(optional[each]) if each in optional else None)
        for each in info["positional"]
    ]
    if info["varargs"]:
        parameters.append(Parameter(name=info["varargs"], kind=ParameterKind.VAR_POSITIONAL))
    if info["kwargs"]:
        parameters.append(Parameter(name=info["kwargs"], kind=ParameterKind.VAR_KEYWORD))
    return Method(
        name=name,
        signature=Signature(parameters=tuple(parameters)),
        marks=_zope_marks(description),
        doc=description.getDoc(),
    )


def _kept_function(description: Any) -> types.FunctionType | None:
    """The function itself, where a decorator kept it in its own attributes: zope takes those over
    as tagged values.
    """
    for tag in description.getTaggedValueTags():
        value = description.getTaggedValue(tag)
        if isinstance(value, types.FunctionType) and value.__name__ == description.getName():
            return value
    return None


def _zope_marks(element: Any) -> Marks:
    tags = {
        tag: element.queryTaggedValue(tag)
        for tag in element.getTaggedValueTags()
        if tag != "invariants"
    }
    since, deprecated = tags.pop("since", None), tags.pop("deprecated", None)
    return Marks(
        since=since if isinstance(since, str) else None,
        deprecated=deprecated if isinstance(deprecated, str) else None,
        optional=tags.pop("optional", False) is True,
        tags={
            tag: value_text(value)
            for tag, value in sorted(tags.items())
            if isinstance(value, str | bytes | int | float)
        },
    )


def of_class(live: type, name: str, kind: InterfaceKind) -> Interface:
    """An ABC or Protocol by its functions, properties and annotations: nothing is lost."""
    hints = Hints()
    left: frozenset[str] = getattr(live, "__abstractmethods__", frozenset())
    methods: list[Method] = []
    attributes: list[Attribute] = []
    for member, raw in _members(live, kind, left):
        if isinstance(raw, property):
            attributes.append(_property(live, member, raw, hints))
            continue
        callee = callee_of(raw, Access.INSTANCE)
        if callee is not None:
            abstract = member in left or kind is InterfaceKind.PROTOCOL
            methods.append(_method(member, callee, hints, abstract=abstract))
        elif member not in own_annotations(live):
            attributes.append(Attribute(name=member))
    for member, hint in own_annotations(live).items():
        if not member.startswith("_"):
            annotation = Annotation(hints.of_class(live, hint))
            attributes.append(Attribute(name=member, annotation=annotation))
    return Interface(
        name=name,
        kind=kind,
        bases=_names(live.__bases__),
        methods=tuple(methods),
        attributes=tuple(attributes),
        doc=live.__doc__ or "",
    )


def _members(live: type, kind: InterfaceKind, left: frozenset[str]) -> Iterator[tuple[str, Any]]:
    for member, raw in namespace(live).items():
        is_special = member.startswith("__") and member.endswith("__")
        asks = member in left or (kind is InterfaceKind.PROTOCOL and is_special and callable(raw))
        if member not in _NOT_ASKED_FOR and (asks or not member.startswith("_")):
            yield member, raw


def _property(live: type, name: str, raw: property, hints: Hints) -> Attribute:
    hint = own_annotations(raw.fget).get("return") if raw.fget is not None else None
    namespace_ = getattr(raw.fget, "__globals__", {})
    annotation = (
        Annotation(hints.type_of(hint, namespace_, live.__qualname__)) if hint is not None else None
    )
    return Attribute(name=name, annotation=annotation, readonly=raw.fset is None)


def _callee(raw: Callable[..., Any], access: Access) -> Callee:
    callee = callee_of(raw, access)
    assert callee is not None  # noqa: S101 - a function can be called
    return callee


def _method(name: str, callee: Callee, hints: Hints, *, abstract: bool) -> Method:
    signature = callee.signature or Signature(
        parameters=(
            Parameter(name="args", kind=ParameterKind.VAR_POSITIONAL),
            Parameter(name="kwargs", kind=ParameterKind.VAR_KEYWORD),
        )
    )
    written = {
        parameter: Annotation(hints.of_function(callee.function, hint))
        for parameter, hint in callee.hints.items()
        if callee.function is not None
    }
    parameters = tuple(
        Parameter(
            name=parameter.name,
            kind=parameter.kind,
            annotation=written.get(parameter.name),
            default=(
                None if parameter.default is None else _default(callee.defaults.get(parameter.name))
            ),
        )
        for parameter in signature.parameters
    )
    return Method(
        name=name,
        signature=Signature(parameters=parameters, returns=written.get("return")),
        binding=callee.binding,
        style=callee.style,
        abstract=abstract,
    )


def _default(value: object) -> str:
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value_text(value)
    return name_of(value) or "..."


def _names(bases: tuple[Any, ...]) -> tuple[str, ...]:
    found = [name_of(base) for base in bases if base is not object]
    return tuple(name for name in found if name and name != "zope.interface.Interface")
