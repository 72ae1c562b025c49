"""What an interface package says: interfaces, values, enumerations, exceptions and aliases.

One model for what is read from source, from live objects and from frozen files; all checks work on
it. Names are dotted and absolute (``package.module.Class``), so that equal things are equal
wherever they were read. Types are texts in canonical spelling (`annotations` makes them). Defaults
and constants are canonical Python literals, or the dotted name of an enumeration's member.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = [
    "Alias",
    "Annotation",
    "Attribute",
    "Base",
    "Binding",
    "Enumeration",
    "ExceptionClass",
    "Field",
    "Flow",
    "Interface",
    "InterfaceKind",
    "Marks",
    "Method",
    "Package",
    "Parameter",
    "ParameterKind",
    "Place",
    "Role",
    "Signature",
    "Style",
    "Value",
    "ValueKind",
]


class ParameterKind(enum.Enum):
    """How an argument may be passed; in the order in which Python allows the kinds."""

    POSITIONAL_ONLY = "positional-only"
    POSITIONAL_OR_KEYWORD = "positional-or-keyword"
    VAR_POSITIONAL = "var-positional"
    KEYWORD_ONLY = "keyword-only"
    VAR_KEYWORD = "var-keyword"


class Binding(enum.Enum):
    """What a method is called on."""

    INSTANCE = "instance"
    CLASS = "class"
    STATIC = "static"


class Style(enum.Enum):
    """What a call gives back, beside its type."""

    SYNC = "sync"
    ASYNC = "async"
    GENERATOR = "generator"
    ASYNC_GENERATOR = "async-generator"
    CONTEXT_MANAGER = "context-manager"
    ASYNC_CONTEXT_MANAGER = "async-context-manager"


class InterfaceKind(enum.Enum):
    """By which means an interface is declared."""

    ZOPE = "zope"
    ABC = "abc"
    PROTOCOL = "protocol"


class Role(enum.Enum):
    """Who implements an interface; the others call it."""

    THIRD_PARTIES = "third-parties"
    OWNERS = "owners"
    """The package's own side implements it, and third parties call it."""
    BOTH = "both"


class ValueKind(enum.Enum):
    """What kind of class a value is."""

    DATACLASS = "dataclass"
    NAMED_TUPLE = "named-tuple"
    TYPED_DICT = "typed-dict"


class Flow(enum.Enum):
    """Which way a value or enumeration crosses."""

    IN = "in"
    """Callers build it, implementers read it."""
    OUT = "out"
    """Implementers build it, callers read it."""
    BOTH = "both"
    NONE = "none"
    """No signature names it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is in a source file; never part of a frozen file."""

    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Annotation:
    """A type. Two are equal when they mean the same, however they were written."""

    type: str
    written: str = field(default="", compare=False)
    """As the source spells it, white space folded; empty when that is the canonical spelling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What an author says about an element, by literal keywords of decorators, by zope's tagged
    values, and by ``typing_extensions.deprecated`` or a ``.. deprecated::`` line.
    """

    since: str | None = None
    """Version that added it."""
    deprecated: str | None = None
    """The text of the deprecation; None: it is not deprecated."""
    optional: bool = False
    """Third parties need not provide it."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Every other mark or tagged value: name to canonical literal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter, without ``self`` or ``cls``."""

    name: str
    kind: ParameterKind = ParameterKind.POSITIONAL_OR_KEYWORD
    annotation: Annotation | None = None
    default: str | None = None
    """None: there is none, so that it is required, unless it is a star parameter."""

    @property
    def is_star(self) -> bool:
        """Whether it takes any number of arguments."""
        return self.kind in (ParameterKind.VAR_POSITIONAL, ParameterKind.VAR_KEYWORD)

    @property
    def is_required(self) -> bool:
        """Whether a call must pass it."""
        return self.default is None and not self.is_star


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What may be passed and what comes back.

    ``returns`` is the annotation as written: of a generator the iterator, of an ``async def`` the
    awaited type.
    """

    parameters: tuple[Parameter, ...] = ()
    returns: Annotation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A method that an interface asks for or, in an ABC, brings along."""

    name: str
    signature: Signature = Signature()
    binding: Binding = Binding.INSTANCE
    style: Style = Style.SYNC
    abstract: bool = True
    """False: the interface brings a body that implementers inherit (ABCs and Protocols)."""
    raises: tuple[str, ...] | None = None
    """Dotted names, sorted; None: the documentation does not say."""
    marks: Marks = Marks()
    doc: str = ""
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An attribute or property that an interface asks for."""

    name: str
    annotation: Annotation | None = None
    readonly: bool = False
    constant: str | None = None
    """Canonical literal, where the interface itself fixes the content."""
    marks: Marks = Marks()
    doc: str = ""
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """An interface; ``name`` is dotted, and so are ``bases``, in resolution order as written."""

    name: str
    kind: InterfaceKind
    bases: tuple[str, ...] = ()
    methods: tuple[Method, ...] = ()
    """Its own, in the order of the source; those of its bases are there."""
    attributes: tuple[Attribute, ...] = ()
    invariants: tuple[str, ...] = ()
    role: Role = Role.THIRD_PARTIES
    mandatory: bool = False
    """Whether every implementation must provide it; otherwise it is a capability."""
    sealed: bool = False
    """Whether third parties may not implement it (``typing.final``)."""
    marks: Marks = Marks()
    doc: str = ""
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a value, or key of a typed dictionary."""

    name: str
    annotation: Annotation | None = None
    default: str | None = None
    """None: required. A default factory is its dotted name and ``()``: ``builtins.list()``."""
    kw_only: bool = False
    init: bool = True
    marks: Marks = Marks()
    doc: str = ""
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A class of values that cross."""

    name: str
    kind: ValueKind
    bases: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    """All fields in the order of construction, those of bases in the same package included."""
    frozen: bool = False
    eq: bool = True
    order: bool = False
    hashable: bool = False
    slots: bool = False
    flow: Flow = Flow.NONE
    marks: Marks = Marks()
    doc: str = ""
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enumeration:
    """An enumeration. ``members`` are in the order of the source, without aliases."""

    name: str
    base: str = "enum.Enum"
    members: Mapping[str, str] = field(default_factory=dict)
    """Name to canonical literal; ``auto()`` is resolved to what Python would give."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Name to the member that it is another name of."""
    open: bool = False
    """Whether readers must cope with members that they do not know."""
    member_since: Mapping[str, str] = field(default_factory=dict)
    """Members that are newer than the enumeration."""
    flow: Flow = Flow.NONE
    marks: Marks = Marks()
    doc: str = ""
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionClass:
    """An exception that may leave a method."""

    name: str
    bases: tuple[str, ...] = ()
    init: Signature | None = None
    """None: inherited."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Class constants: name to canonical literal."""
    marks: Marks = Marks()
    doc: str = ""
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """Another name: a type alias, a NewType, a constant, or a re-exported object.

    ``kind`` is ``type``, ``new-type``, ``constant`` or ``re-export``; ``target`` a canonical type,
    a canonical literal, or the dotted name of the re-exported object.
    """

    name: str
    kind: str
    target: str
    place: Place | None = field(default=None, compare=False)


Base = Interface | Value | Enumeration | ExceptionClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """All that an interface package says, by dotted name."""

    name: str
    version: str = ""
    """The contract's version; not the distribution's."""
    interfaces: Mapping[str, Interface] = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)
    enumerations: Mapping[str, Enumeration] = field(default_factory=dict)
    exceptions: Mapping[str, ExceptionClass] = field(default_factory=dict)
    aliases: Mapping[str, Alias] = field(default_factory=dict)
    exports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Module to the names of its ``__all__``, sorted; without it, its public names."""
    requires_python: str = ""
    dependencies: tuple[str, ...] = ()
