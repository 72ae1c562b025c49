"""Which classes of a package belong to its contract, and as what."""

from __future__ import annotations

import ast
import builtins
import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from abc_interface_checker.source.methods import facets_of
from abc_interface_checker.source.modules import ClassSource, Function, Module
from abc_interface_checker.source.names import Names
from abc_interface_checker.source.scope import Scope
from abc_interface_checker.source.transforms import Transforms

__all__ = ["Kind", "Kinds", "is_builtin_exception", "is_external_exception", "matches"]


class Kind(enum.Enum):
    """What a class is to a contract."""

    ZOPE = "zope"
    ABC = "abc"
    PROTOCOL = "protocol"
    ENUMERATION = "enumeration"
    EXCEPTION = "exception"
    DATACLASS = "dataclass"
    NAMED_TUPLE = "named-tuple"
    TYPED_DICT = "typed-dict"
    OTHER = "other"


_ROOTS = {
    "zope.interface.Interface": Kind.ZOPE,
    # As zope's own modules see it.
    "zope.interface.interface.Interface": Kind.ZOPE,
    "typing.Protocol": Kind.PROTOCOL,
    "typing.NamedTuple": Kind.NAMED_TUPLE,
    "typing.TypedDict": Kind.TYPED_DICT,
    **dict.fromkeys(
        ("enum.Enum", "enum.Flag", "enum.IntEnum", "enum.IntFlag", "enum.ReprEnum", "enum.StrEnum"),
        Kind.ENUMERATION,
    ),
}
_INHERITED = (Kind.EXCEPTION, Kind.ENUMERATION, Kind.ZOPE, Kind.NAMED_TUPLE, Kind.TYPED_DICT)
_ABC_ROOTS = frozenset({"abc.ABC", "abc.ABCMeta"})
_BUILTIN_EXCEPTIONS = frozenset(
    name
    for name, found in vars(builtins).items()
    if isinstance(found, type) and issubclass(found, BaseException)
) | {"PythonFinalizationError"}
_EXCEPTION = re.compile(r"(?:Error|Exception|Warning)$|(?:^|\.)(?:errors|exceptions|exc)\.")
_ZOPE_NAME = re.compile(r"(?:^|\.)I[A-Z]\w*$")


def is_builtin_exception(name: str) -> bool:
    """Whether it is one of Python's own."""
    return name in _BUILTIN_EXCEPTIONS


def is_external_exception(name: str) -> bool:
    """Whether a class of another package is named, or lies, as exceptions do."""
    return "." in name and _EXCEPTION.search(name) is not None


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a dotted name, or its last part, is named by one of the patterns."""
    last = name.rpartition(".")[2]
    return any(fnmatchcase(name, each) or last == each for each in patterns)


@dataclass
class Kinds:
    """Finds the kind of classes, and remembers it."""

    names: Names
    transforms: Transforms
    plain: tuple[str, ...] = ()
    """Names of classes that are interfaces though nothing in their source says so."""

    def __post_init__(self) -> None:
        self._known: dict[str, Kind] = {}
        self._abstract: dict[str, frozenset[str]] = {}

    def kind(self, source: ClassSource) -> Kind:
        """What a class is; OTHER while it is being looked at, for classes that name themselves."""
        if source.name not in self._known:
            self._known[source.name] = Kind.OTHER
            self._known[source.name] = self._find(source)
        return self._known[source.name]

    def bases(self, source: ClassSource) -> list[str]:
        """The absolute names of a class's bases; empty for one that cannot be told."""
        scope = self.scope(source.module)
        outer = source.qualified.rpartition(".")[0]
        if outer:
            outer_class = source.module.classes.get(outer)
            scope = scope.of_class(outer_class) if outer_class else scope
        return [scope.name_of(base) for base in source.node.bases]

    def family(self, source: ClassSource) -> list[ClassSource]:
        """The class and those of its ancestors that the package defines, nearest first."""
        found = {source.name: source}
        pending = [source]
        while pending:
            for base in self.bases(pending.pop(0)):
                ancestor = self.names.class_named(base) if base else None
                if ancestor is not None and ancestor.name not in found:
                    found[ancestor.name] = ancestor
                    pending.append(ancestor)
        return list(found.values())

    def scope(self, module: Module) -> Scope:
        """The top of a module."""
        return Scope(self.names, module)

    def _find(self, source: ClassSource) -> Kind:
        if matches(source.name, self.plain):
            return Kind.ABC
        bases = self.bases(source)
        kinds = [kind for base in bases if (kind := self._of_base(source, base)) is not None]
        for kind in _INHERITED:
            if kind in kinds:
                return kind
        if "typing.Protocol" in bases:
            return Kind.PROTOCOL
        is_abc = self._is_abc(source, bases)
        if is_abc and self.abstract_names(source):
            return Kind.ABC
        if Kind.DATACLASS in kinds or self.transforms.is_dataclass(source, self.family(source)):
            return Kind.DATACLASS
        return Kind.ABC if is_abc else Kind.OTHER

    def _of_base(self, source: ClassSource, base: str) -> Kind | None:
        """What a class is because of one base."""
        if base in _ROOTS:
            return _ROOTS[base]
        if is_builtin_exception(base):
            return Kind.EXCEPTION
        ancestor = self.names.class_named(base) if base else None
        if ancestor is not None:
            return self.kind(ancestor)
        if is_external_exception(base):
            return Kind.EXCEPTION
        if _ZOPE_NAME.search(base) and _ZOPE_NAME.search(source.node.name):
            # By zope's convention for names; where the base comes from is not looked at.
            return Kind.ZOPE
        return None

    def _is_abc(self, source: ClassSource, bases: list[str]) -> bool:
        scope = self.scope(source.module).of_class(source)
        metaclasses = [
            scope.name_of(keyword.value)
            for keyword in source.node.keywords
            if keyword.arg == "metaclass"
        ]
        if not _ABC_ROOTS.isdisjoint([*bases, *metaclasses]):
            return True
        return bool(self.abstract_names(source)) and any(
            self._has_abc_meta(each) for each in self.family(source)
        )

    def _has_abc_meta(self, source: ClassSource) -> bool:
        """Whether ABCMeta is its metaclass, as far as it can be told."""
        roots = ("abc.", "collections.abc.", "typing.", "contextlib.Abstract")
        scope = self.scope(source.module)
        metaclasses = [scope.name_of(each.value) for each in source.node.keywords]
        return any(name.startswith(roots) for name in [*self.bases(source), *metaclasses])

    def abstract_names(self, source: ClassSource) -> frozenset[str]:
        """The abstract methods that a class leaves to its subclasses."""
        if source.name not in self._abstract:
            self._abstract[source.name] = frozenset()
            inherited: set[str] = set()
            for base in self.bases(source):
                ancestor = self.names.class_named(base) if base else None
                if ancestor is not None:
                    inherited |= self.abstract_names(ancestor)
            own = dict(self._own_names(source))
            left = {name for name in inherited if name not in own}
            left |= {name for name, is_abstract in own.items() if is_abstract}
            self._abstract[source.name] = frozenset(left)
        return self._abstract[source.name]

    def _own_names(self, source: ClassSource) -> Iterator[tuple[str, bool]]:
        """The names that a class's body binds, and whether they are abstract."""
        scope = self.scope(source.module).of_class(source)
        for node in source.node.body:
            if isinstance(node, Function):
                yield node.name, facets_of(node, scope).is_abstract
            elif isinstance(node, ast.Assign):
                yield from ((each.id, False) for each in node.targets if isinstance(each, ast.Name))
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                yield node.target.id, False
