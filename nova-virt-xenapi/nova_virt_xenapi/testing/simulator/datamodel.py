"""The vendor's data model: which classes, fields and messages there are, and of which types."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.types import Moment, Type, type_named

__all__ = ["ClassModel", "DataModel", "Field", "Message", "Parameter", "datamodel"]


@dataclass(frozen=True)
class Field:
    """A field of a class."""

    name: str
    type: Type
    writer: str
    """``RW``; ``RO/constructor`` (given to ``create`` only); ``RO/runtime`` (xapi's own)."""
    default_text: str | None

    @property
    def in_constructor(self) -> bool:
        """Whether ``create`` takes it."""
        return self.writer != "RO/runtime"

    @property
    def required(self) -> bool:
        """Whether ``create`` insists on it."""
        return self.in_constructor and self.default_text is None

    def default(self) -> Any:
        """The default as a stored value; without one, the type's zero."""
        text = self.default_text
        if text is None or text in ("{}", "Null"):
            return self.type.zero()
        if text.startswith("{"):
            return _collection(text[1:-1], self.type)
        if self.type.name == "bool":
            return text == "true"
        if self.type.name in ("int", "float"):
            return (int if self.type.name == "int" else float)(text)
        if self.type.name == "datetime":
            return Moment(text)
        return text.strip('"')


def _collection(text: str, type_: Type) -> Any:
    items = [item.strip() for item in text.split(",")]
    if type_.kind == "map":
        pairs = (item.split(" -> ") for item in items)
        return {key.strip('"'): content.strip('"') for key, content in pairs}
    return [int(item) if type_.inner[0].name == "int" else item for item in items]


@dataclass(frozen=True)
class Parameter:
    """A parameter of a message."""

    name: str
    type: Type
    required: bool


@dataclass(frozen=True)
class Message:
    """A message of a class."""

    parameters: tuple[Parameter, ...]
    result: Type
    implicit: bool
    """Made from a field or the class: reads or writes the database and no more."""
    removed: bool

    @property
    def has_session(self) -> bool:
        """Whether its first parameter is the session."""
        return bool(self.parameters) and self.parameters[0].name == "session_id"


@dataclass(frozen=True)
class ClassModel:
    """A class."""

    name: str
    fields: dict[str, Field]
    messages: dict[str, Message]


@dataclass(frozen=True)
class DataModel:
    """All modelled classes."""

    classes: dict[str, ClassModel]
    enums: dict[str, frozenset[str]] = field(repr=False)
    errors: frozenset[str] = field(repr=False)

    def message(self, method: str) -> Message:
        """The message of a wire name; raises MESSAGE_METHOD_UNKNOWN."""
        class_name, _, name = method.partition(".")
        model = self.classes.get(class_name)
        if model is None or name not in model.messages:
            raise XapiError("MESSAGE_METHOD_UNKNOWN", method)
        return model.messages[name]

    def class_of(self, name: str) -> ClassModel | None:
        """The class of a name in any case, as event subscriptions have it."""
        return next((model for key, model in self.classes.items() if key.lower() == name), None)


@cache
def datamodel() -> DataModel:
    """The model that ships with the simulator."""
    source = files(__package__).joinpath("datamodel.json").read_text(encoding="utf-8")
    data = json.loads(source)
    enums: dict[str, frozenset[str]] = {}
    for described in data["classes"].values():
        for name, members in described["enums"].items():
            enums[name] = frozenset(members)
    classes = {name: _class(name, described) for name, described in data["classes"].items()}
    return DataModel(classes, enums, frozenset(data["errors"]))


def _class(name: str, described: dict[str, Any]) -> ClassModel:
    fields = {
        key: Field(key, type_named(row[0]), row[1], row[2])
        for key, row in described["fields"].items()
    }
    messages = {
        key: Message(
            tuple(Parameter(part[0], type_named(part[1]), part[2]) for part in row[0]),
            type_named(row[1]),
            row[2],
            row[3],
        )
        for key, row in described["messages"].items()
    }
    return ClassModel(name, fields, messages)
