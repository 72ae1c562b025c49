"""The data model's types: reading their names, and checking what was sent against them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from nova_virt_xenapi.testing.simulator.errors import XapiError

if TYPE_CHECKING:
    from nova_virt_xenapi.testing.simulator.datamodel import DataModel

__all__ = [
    "NULL",
    "Double",
    "Integer",
    "Moment",
    "Number",
    "Text",
    "Type",
    "checked",
    "type_named",
]

NULL: Final = "OpaqueRef:NULL"
_INTEGER: Final = re.compile(r"-?[0-9]{1,19}")
_MOMENT: Final = re.compile(r"[0-9]{8}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z?")
_LARGEST: Final = 2**63 - 1


class Integer(int):
    """A 32-bit integer, ``<i4>`` on the wire; the data model's own integers are strings there."""


class Double(float):
    """``<double>`` on the wire."""


class Moment(str):
    """``<dateTime.iso8601>`` on the wire."""

    __slots__ = ()


class Number(int):
    """A number without a point in JSON."""


class Text(str):
    """A string in JSON, which has no type of its own for moments."""

    __slots__ = ()


@dataclass(frozen=True)
class Type:
    """A type; ``kind`` is ``base``, ``enum``, ``ref``, ``record``, ``set`` or ``map``."""

    kind: str
    name: str = ""
    inner: tuple[Type, ...] = ()

    def zero(self) -> Any:
        """What a field of this type holds before anybody wrote it."""
        if self.kind in ("set", "map"):
            return [] if self.kind == "set" else {}
        if self.kind == "ref":
            return NULL
        zeros = {"bool": False, "int": 0, "float": 0.0, "datetime": Moment("19700101T00:00:00Z")}
        return zeros.get(self.name, "unspecified" if self.name == "domain_type" else "")


@cache
def type_named(text: str) -> Type:
    """Read a type's name, for instance ``(string -> enum vm_operations) map``."""
    if text.endswith(" set"):
        return Type("set", inner=(type_named(text[:-4]),))
    if text.endswith(" map"):
        key, content = _halves(text[1:-5])
        return Type("map", inner=(type_named(key), type_named(content)))
    for kind in ("ref", "record"):
        if text.endswith(f" {kind}"):
            return Type(kind, text.removesuffix(f" {kind}"))
    if text.startswith("enum "):
        return Type("enum", text.removeprefix("enum "))
    return Type("base", text)


def _halves(text: str) -> tuple[str, str]:
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and text.startswith(" -> ", position):
            return text[:position], text[position + 4 :]
    raise ValueError(f"{text!r} is no map")


def checked(sent: Any, type_: Type, name: str, model: DataModel) -> Any:
    """The stored form of what was sent for ``name``; raises FIELD_TYPE_ERROR or INVALID_VALUE.

    Integers are decimal strings, or numbers of JSON; a number sent as ``<int>`` or a float that is
    not ``<double>`` is refused.
    """
    if type_.kind == "set":
        _require(isinstance(sent, list), name)
        return [checked(item, type_.inner[0], name, model) for item in sent]
    if type_.kind == "map":
        _require(isinstance(sent, dict), name)
        key, content = type_.inner
        return {
            checked(k, key, name, model): checked(v, content, name, model) for k, v in sent.items()
        }
    if type_.kind == "record":
        _require(isinstance(sent, dict), name)
        return sent
    if type_.kind == "enum":
        _require(type(sent) in (str, Text), name)
        if sent not in model.enums[type_.name]:
            raise XapiError("INVALID_VALUE", name, sent)
        return str(sent)
    return _checked_base(sent, type_, name)


def _checked_base(sent: Any, type_: Type, name: str) -> Any:
    if type_.name == "bool":
        _require(type(sent) is bool, name)
        return sent
    if type_.name == "float":
        _require(isinstance(sent, Double | Number), name)
        return float(sent)
    if type_.name == "datetime":
        _require(isinstance(sent, Moment | Text) and _MOMENT.fullmatch(sent) is not None, name)
        return Moment(sent)
    if type_.name == "int" and isinstance(sent, Number):
        _require(abs(sent) <= _LARGEST, name)
        return int(sent)
    _require(type(sent) in (str, Text), name)
    if type_.name == "int":
        _require(_INTEGER.fullmatch(sent) is not None and abs(int(sent)) <= _LARGEST, name)
        return int(sent)
    return str(sent)


def _require(fits: bool, name: str) -> None:
    if not fits:
        raise XapiError("FIELD_TYPE_ERROR", name)
