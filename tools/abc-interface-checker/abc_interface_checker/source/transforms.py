"""Which decorators, bases and metaclasses make a class a dataclass, and with which defaults."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from abc_interface_checker.source.modules import ClassSource, Module
from abc_interface_checker.source.names import Names
from abc_interface_checker.source.scope import Scope

__all__ = ["OPTIONS", "Transform", "Transforms"]

OPTIONS = (
    "eq",
    "frozen",
    "init",
    "kw_only",
    "order",
    "repr",
    "slots",
    "unsafe_hash",
    "match_args",
    "weakref_slot",
)
"""The parameters of ``dataclasses.dataclass``; all other keywords are marks."""
_TRANSFORM = "typing.dataclass_transform"
_DATACLASS = "dataclasses.dataclass"


@dataclass(frozen=True, slots=True)
class Transform:
    """Something that makes dataclasses."""

    options: Mapping[str, bool] = field(default_factory=dict)
    specifiers: frozenset[str] = frozenset({"dataclasses.field"})
    """The functions that describe one field."""


@dataclass
class Transforms:
    """Finds what makes a class a dataclass; PEP 681 is read from the package's source."""

    names: Names

    def __post_init__(self) -> None:
        self._known: dict[str, Transform | None] = {}

    def is_dataclass(self, source: ClassSource, family: Sequence[ClassSource]) -> bool:
        """Whether a class is one, by what stands at it or at one of its ``family``."""
        if self.of_class(source) is not None:
            return True
        return any(self._by_base(each) is not None for each in family[1:])

    def is_transform(self, name: str) -> bool:
        """Whether the function or class of an absolute name makes dataclasses."""
        return self._named(name) is not None

    def of_class(
        self, source: ClassSource, family: Sequence[ClassSource] = ()
    ) -> tuple[Transform, Mapping[str, bool]] | None:
        """What makes a class a dataclass, and the options that it is given there.

        None: a plain class, or a plain subclass of a dataclass.
        """
        scope = Scope(self.names, source.module)
        for decorator in source.node.decorator_list:
            transform = self._named(scope.name_of(decorator))
            if transform is not None:
                keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
                return transform, _flags(keywords)
        for keyword in source.node.keywords:
            if keyword.arg == "metaclass":
                transform = self._named(scope.name_of(keyword.value))
                if transform is not None:
                    return transform, _flags(source.node.keywords)
        for each in family[1:]:
            transform = self._by_base(each)
            if transform is not None:
                return transform, _flags(source.node.keywords)
        return None

    def _by_base(self, source: ClassSource) -> Transform | None:
        """The transform that a class is for its subclasses."""
        scope = Scope(self.names, source.module)
        by_metaclass = [
            transform
            for keyword in source.node.keywords
            if keyword.arg == "metaclass"
            and (transform := self._named(scope.name_of(keyword.value))) is not None
        ]
        return by_metaclass[0] if by_metaclass else self._decorated(source.node, scope)

    def _named(self, name: str) -> Transform | None:
        if name == _DATACLASS:
            return Transform()
        if name not in self._known:
            self._known[name] = None
            found = self.names.bound(name)
            if found is not None:
                module, bound = found
                self._known[name] = self._defined(module, bound.node)
        return self._known[name]

    def _defined(self, module: Module, node: ast.stmt) -> Transform | None:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            return self._decorated(node, Scope(self.names, module))
        return None

    def _decorated(self, node: ast.FunctionDef | ast.ClassDef, scope: Scope) -> Transform | None:
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and scope.name_of(decorator) == _TRANSFORM:
                options = _inner_options(node, scope)
                specifiers: set[str] = set()
                for keyword in decorator.keywords:
                    if keyword.arg == "field_specifiers":
                        specifiers |= {scope.name_of(each) for each in _elements(keyword.value)}
                    elif keyword.arg and keyword.arg.endswith("_default"):
                        flags = _flags([ast.keyword(keyword.arg[:-8], keyword.value)])
                        options.update(flags)
                return Transform(options, frozenset(specifiers | {"dataclasses.field"}))
        return None


def _inner_options(node: ast.FunctionDef | ast.ClassDef, scope: Scope) -> dict[str, bool]:
    """The options of the one call of ``dataclass`` in a decorator's own body."""
    calls = [
        each
        for each in ast.walk(node)
        if isinstance(each, ast.Call)
        and isinstance(each.func, ast.Name | ast.Attribute)
        and scope.name_of(each.func) == _DATACLASS
    ]
    return dict(_flags(calls[0].keywords)) if len(calls) == 1 else {}


def _flags(keywords: Sequence[ast.keyword]) -> dict[str, bool]:
    return {
        keyword.arg: bool(keyword.value.value)
        for keyword in keywords
        if keyword.arg in OPTIONS and isinstance(keyword.value, ast.Constant)
    }


def _elements(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple | ast.List) else []
