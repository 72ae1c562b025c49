"""The model as plain data, for canonical JSON, and back.

What is at its default is left out, so that a later release of this package may add fields to the
model without making any other bytes of a contract that does not use them. Places are left out: they
change with every line that is added above.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from abc_interface_checker.model import Place

__all__ = ["NotPlain", "from_plain", "to_plain"]

_ORDERED = ("members",)
"""Fields with mappings whose order says something; all others are sorted."""


class NotPlain(ValueError):
    """The data are not those of the model; the message says where."""


def to_plain(value: Any) -> Any:
    """Dataclasses as dictionaries with their fields in order, enumerations' members as values."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, tuple):
        return [to_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {key: to_plain(value[key]) for key in sorted(value)}
    if dataclasses.is_dataclass(value):
        return {
            field.name: _in_order(content) if field.name in _ORDERED else to_plain(content)
            for field in dataclasses.fields(value)
            if (content := getattr(value, field.name)) != _default(field)
            and not isinstance(content, Place)
        }
    return value


def from_plain(kind: Any, data: Any) -> Any:
    """The dataclass ``kind`` that `to_plain` has made the data of. Raises: NotPlain."""
    return _decoder(kind)(data, kind.__name__)


def _in_order(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: to_plain(each) for key, each in content.items()}


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


_Decoder = Callable[[Any, str], Any]


@functools.cache
def _decoder(kind: Hashable) -> _Decoder:
    """What reads data of a type of the model."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _optional(_decoder(next(each for each in arguments if each is not types.NoneType)))
    if origin is tuple:
        return _sequence(_decoder(arguments[0]))
    if origin is Mapping:
        return _mapping(_decoder(arguments[1]))
    assert isinstance(kind, type)  # noqa: S101 - the model has no other types
    if issubclass(kind, enum.Enum):
        return _enumeration(kind)
    return _dataclass(kind) if dataclasses.is_dataclass(kind) else _scalar(kind)


def _scalar(kind: type) -> _Decoder:
    def decode(data: Any, where: str) -> Any:
        if type(data) is not kind:
            raise NotPlain(f"{where} should be of type {kind.__name__}")
        return data

    return decode


def _optional(inner: _Decoder) -> _Decoder:
    return lambda data, where: None if data is None else inner(data, where)


def _sequence(inner: _Decoder) -> _Decoder:
    def decode(data: Any, where: str) -> Any:
        if not isinstance(data, list):
            raise NotPlain(f"{where} should be a list")
        return tuple([inner(each, where) for each in data])

    return decode


def _mapping(inner: _Decoder) -> _Decoder:
    def decode(data: Any, where: str) -> Any:
        if not isinstance(data, dict):
            raise NotPlain(f"{where} should be an object")
        return {key: inner(each, key) for key, each in data.items()}

    return decode


def _enumeration(kind: type[enum.Enum]) -> _Decoder:
    def decode(data: Any, where: str) -> Any:
        try:
            return kind(data)
        except ValueError as error:
            raise NotPlain(f"{where}: {error}") from error

    return decode


def _dataclass(kind: type[Any]) -> _Decoder:
    hints = typing.get_type_hints(kind)
    readers = {
        field.name: _decoder(hints[field.name])
        for field in dataclasses.fields(kind)
        if field.name != "place"
    }

    def decode(data: Any, where: str) -> Any:
        if not isinstance(data, dict):
            raise NotPlain(f"{where} should be an object")
        try:
            return kind(**{key: readers[key](each, key) for key, each in data.items()})
        except KeyError as error:
            raise NotPlain(f"{where} has {error}, which is not known") from error
        except TypeError as error:
            raise NotPlain(f"{where}: {error}") from error

    return decode
