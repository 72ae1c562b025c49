"""Reads ``schema.mof``: which classes, properties and methods the simulated host has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import pyparsing as pp

__all__ = ["CimClass", "Field", "Method", "Schema", "fits_type", "schema"]

_RANGES = {
    f"{sign}int{bits}": (0, 2**bits - 1)
    if sign == "u"
    else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    for sign in "us"
    for bits in (8, 16, 32, 64)
}
_INTERVAL = re.compile(r"\d{14}\.\d{6}:\d{3}|\d{14}\.\d{6}[+-]\d{3}")


@dataclass(frozen=True)
class Field:
    """A property of a class, or a parameter of a method."""

    name: str
    cim_type: str
    """A CIM type, or ``REF``."""
    is_array: bool = False
    is_key: bool = False
    is_input: bool = True
    default: Any = None


@dataclass(frozen=True)
class Method:
    """A method; all of them return a uint32."""

    name: str
    parameters: Mapping[str, Field]
    is_static: bool = False
    """Whether the class itself is asked, and not one of its instances."""


@dataclass(frozen=True)
class CimClass:
    """A class with everything that it inherits."""

    name: str
    superclass: str
    namespace: str
    properties: Mapping[str, Field]
    methods: Mapping[str, Method] = field(default_factory=dict)

    @property
    def keys(self) -> list[str]:
        """The names of its key properties."""
        return [item.name for item in self.properties.values() if item.is_key]


class Schema:
    """All classes, found without regard to case, as WMI does."""

    def __init__(self, classes: list[CimClass]) -> None:
        self._classes = {(item.namespace, item.name.lower()): item for item in classes}
        self.namespaces = {item.namespace for item in classes}
        self._below: dict[tuple[str, str], list[CimClass]] = {}

    def find(self, namespace: str, name: str) -> CimClass | None:
        """The class of this name."""
        return self._classes.get((namespace.lower(), name.lower()))

    def anywhere(self, name: str) -> CimClass | None:
        """The class of this name, of whatever namespace."""
        found = (self.find(namespace, name) for namespace in self.namespaces)
        return next((cls for cls in found if cls is not None), None)

    def below(self, namespace: str, name: str) -> list[CimClass]:
        """The class of this name and all that descend from it."""
        asked = namespace.lower(), name.lower()
        if asked not in self._below:
            found = (item for item in self._classes.values() if item.namespace == asked[0])
            self._below[asked] = [item for item in found if asked[1] in self._line(item)]
        return self._below[asked]

    def _line(self, item: CimClass) -> list[str]:
        """The names of a class and of those that it descends from."""
        line = [item.name.lower(), item.superclass.lower()]
        while (above := self._classes.get((item.namespace, line[-1]))) is not None:
            line.append(above.superclass.lower())
        return line


def fits_type(text: str, cim_type: str) -> bool:
    """Whether a text is a value of a CIM type."""
    if cim_type in _RANGES:
        low, high = _RANGES[cim_type]
        return re.fullmatch(r"-?\d{1,20}", text) is not None and low <= int(text) <= high
    if cim_type == "boolean":
        return text.lower() in ("true", "false")
    if cim_type == "datetime":
        return _INTERVAL.fullmatch(text) is not None
    return cim_type == "string"


@cache
def schema() -> Schema:
    """The schema of the simulated host."""
    text = files(__package__).joinpath("schema.mof").read_text(encoding="utf-8")
    namespace = ""
    classes = []
    for item in _grammar().parse_string(text, parse_all=True):
        if isinstance(item, str):
            namespace = item.lower()
        else:
            classes.append(_class(item, namespace))
    return Schema(classes)


def _class(item: Any, namespace: str) -> CimClass:
    members = list(item.members)
    return CimClass(
        name=item.name,
        superclass=item.superclass,
        namespace=namespace,
        properties={found.name: found for found in members if isinstance(found, Field)},
        methods={found.name: found for found in members if isinstance(found, Method)},
    )


def _grammar() -> pp.ParserElement:
    name = pp.Word(pp.alphas + "_", pp.alphanums + "_")
    literal = pp.QuotedString('"') | pp.Word("-" + pp.nums, pp.nums) | pp.one_of("true false")
    qualifiers = pp.Optional(pp.Suppress("[") + pp.one_of("key in out") + pp.Suppress("]"))("kind")
    reference = pp.Optional(pp.Keyword("REF"))("reference")
    declared = qualifiers + name("type") + reference + name("name") + pp.Optional("[]")("array")
    parameter = declared.copy().set_parse_action(_field)
    member = declared + pp.Optional(pp.Suppress("=") + literal)("default")
    member = (member + pp.Suppress(";")).set_parse_action(_field)
    static = pp.Optional(pp.Keyword("[static]"))("static")
    method = static + pp.Suppress(pp.Keyword("uint32")) + name("name") + pp.Suppress("(")
    method += pp.Optional(pp.Group(pp.DelimitedList(parameter)))("parameters")
    method = (method + pp.Suppress(")") + pp.Suppress(";")).set_parse_action(_method)
    body = pp.Suppress("{") + pp.Group(pp.ZeroOrMore(method | member))("members")
    definition = pp.Suppress(pp.Keyword("class")) + name("name") + pp.Suppress(":")
    definition = pp.Group(
        definition + name("superclass") + body + pp.Suppress("}") + pp.Suppress(";")
    )
    pragma = pp.Suppress("#pragma namespace(") + pp.QuotedString('"') + pp.Suppress(")")
    return pp.ZeroOrMore(pragma | definition).ignore(pp.dbl_slash_comment)


def _field(tokens: pp.ParseResults) -> Field:
    kind = _optional(tokens, "kind")
    return Field(
        name=tokens["name"],
        cim_type="REF" if _optional(tokens, "reference") else tokens["type"],
        is_array=bool(_optional(tokens, "array")),
        is_key=kind == "key",
        is_input=kind != "out",
        default=_default(_optional(tokens, "default"), tokens["type"]),
    )


def _default(text: str, cim_type: str) -> Any:
    if not text:
        return None
    if cim_type == "boolean":
        return text == "true"
    return int(text) if "int" in cim_type else text


def _optional(tokens: pp.ParseResults, name: str) -> str:
    found = tokens[name] if name in tokens else ""  # noqa: SIM401 - its `get` is not typed
    return str(next(iter(found), "")) if isinstance(found, pp.ParseResults) else str(found)


def _method(tokens: pp.ParseResults) -> Method:
    found = tokens["parameters"][0] if tokens["parameters"] else ()
    parameters = {item.name: item for item in found}
    return Method(tokens["name"], parameters, is_static=bool(_optional(tokens, "static")))
