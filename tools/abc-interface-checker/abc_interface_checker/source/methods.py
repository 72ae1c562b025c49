"""Methods, and properties, out of the functions of a class."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from abc_interface_checker.model import (
    Attribute,
    Binding,
    InterfaceKind,
    Marks,
    Method,
    Style,
)
from abc_interface_checker.source.docstrings import docstring, raised
from abc_interface_checker.source.marks import MarkReader
from abc_interface_checker.source.modules import Function
from abc_interface_checker.source.raising import ExceptionNames
from abc_interface_checker.source.scope import Scope
from abc_interface_checker.source.signatures import merged, signature_of, signature_text

__all__ = ["Facets", "facets_of", "is_stub", "read_method", "read_property"]

_BINDINGS: Mapping[str, Binding] = {
    "abc.abstractclassmethod": Binding.CLASS,
    "abc.abstractstaticmethod": Binding.STATIC,
    "classmethod": Binding.CLASS,
    "staticmethod": Binding.STATIC,
}
_ABSTRACT = frozenset(
    {
        "abc.abstractclassmethod",
        "abc.abstractmethod",
        "abc.abstractproperty",
        "abc.abstractstaticmethod",
    }
)
_PROPERTIES = frozenset(
    {
        "abc.abstractproperty",
        "enum.property",
        "functools.cached_property",
        "property",
        "types.DynamicClassAttribute",
    }
)
_MANAGERS: Mapping[str, Style] = {
    "contextlib.asynccontextmanager": Style.ASYNC_CONTEXT_MANAGER,
    "contextlib.contextmanager": Style.CONTEXT_MANAGER,
}


@dataclass(frozen=True, slots=True)
class Facets:
    """What the decorators of a function say."""

    names: tuple[str, ...]
    """Absolute names of all, outermost first."""
    accessor: str = ""
    """``setter``, ``deleter`` or ``getter``: it belongs to the property of its name."""

    @property
    def binding(self) -> Binding:
        """What it is called on."""
        return next((_BINDINGS[name] for name in self.names if name in _BINDINGS), Binding.INSTANCE)

    @property
    def is_abstract(self) -> bool:
        """Whether a subclass must override it."""
        return not _ABSTRACT.isdisjoint(self.names)

    @property
    def is_property(self) -> bool:
        """Whether it is read like an attribute."""
        return not _PROPERTIES.isdisjoint(self.names)

    @property
    def is_overload(self) -> bool:
        """Whether it is one of several signatures of one method."""
        return "typing.overload" in self.names


def facets_of(node: Function, scope: Scope) -> Facets:
    """Read the decorators of a function."""
    accessor = ""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Attribute) and decorator.attr in (
            "setter",
            "deleter",
            "getter",
        ):
            accessor = decorator.attr
    return Facets(tuple(map(scope.name_of, node.decorator_list)), accessor)


def read_method(
    nodes: Sequence[Function],
    scope: Scope,
    kind: InterfaceKind,
    exceptions: ExceptionNames,
) -> Method:
    """The method that one or, with overloads, several functions of one name are.

    Of functions that are not overloads, the last counts.
    """
    overloads = [node for node in nodes if facets_of(node, scope).is_overload]
    own = nodes[-1]
    facets = facets_of(own, scope)
    binding = facets.binding
    is_bound = kind is not InterfaceKind.ZOPE and binding is not Binding.STATIC
    signatures = [signature_of(node, scope, is_bound=is_bound) for node in overloads or [own]]
    documented = next((node for node in (own, *overloads) if docstring(node)), own)
    doc = docstring(documented)
    marks = MarkReader(scope).decorators(own.decorator_list).doc(doc).marks()
    if overloads:
        texts = repr(tuple(map(signature_text, signatures)))
        marks = replace(marks, tags={**marks.tags, "overloads": texts})
    return Method(
        name=own.name,
        signature=merged(signatures),
        binding=binding,
        style=_style(own, facets),
        abstract=facets.is_abstract or _is_abstract(own, kind),
        raises=raised(doc, lambda name: exceptions.find(name, scope)),
        marks=marks,
        doc=doc,
        place=scope.at(own),
    )


def read_property(
    nodes: Sequence[Function], scope: Scope, *, is_inherited: bool
) -> Attribute | None:
    """The attribute that a property with its setter is; None: they are no property.

    Args:
        nodes: all functions of the name.
        scope: the class.
        is_inherited: whether implementers get what is not abstract, so that they need not have it.
    """
    facets = [facets_of(node, scope) for node in nodes]
    getters = [node for node, each in zip(nodes, facets, strict=True) if each.is_property]
    if not getters:
        return None
    getter = getters[-1]
    doc = docstring(getter)
    marks: Marks = MarkReader(scope).decorators(getter.decorator_list).doc(doc).marks()
    is_abstract = any(each.is_abstract for each in facets) or is_stub(getter)
    if is_inherited and not is_abstract:
        marks = replace(marks, optional=True)
    is_cached = any("functools.cached_property" in each.names for each in facets)
    return Attribute(
        name=getter.name,
        annotation=scope.of_function(getter).annotation(getter.returns),
        readonly=not is_cached and all(each.accessor != "setter" for each in facets),
        marks=marks,
        doc=doc,
        place=scope.at(getter),
    )


def is_stub(node: Function) -> bool:
    """Whether the body only raises NotImplementedError."""
    match _without_doc(node):
        case [ast.Raise(exc=raised_)]:
            called = raised_.func if isinstance(raised_, ast.Call) else raised_
            return isinstance(called, ast.Name) and called.id == "NotImplementedError"
    return False


def _is_abstract(node: Function, kind: InterfaceKind) -> bool:
    if kind is InterfaceKind.ZOPE or is_stub(node):
        return True
    return kind is InterfaceKind.PROTOCOL and all(map(_does_nothing, _without_doc(node)))


def _does_nothing(node: ast.stmt) -> bool:
    is_constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_constant or isinstance(node, ast.Pass)


def _without_doc(node: Function) -> list[ast.stmt]:
    return node.body[1:] if docstring(node) else node.body


def _style(node: Function, facets: Facets) -> Style:
    for name in facets.names:
        if name in _MANAGERS:
            return _MANAGERS[name]
    is_generator = any(isinstance(each, ast.Yield | ast.YieldFrom) for each in _own_nodes(node))
    if isinstance(node, ast.AsyncFunctionDef):
        return Style.ASYNC_GENERATOR if is_generator else Style.ASYNC
    return Style.GENERATOR if is_generator else Style.SYNC


def _own_nodes(node: Function) -> Iterator[ast.AST]:
    """All nodes of a function's body but those of functions and classes in it."""
    pending: list[ast.AST] = list(node.body)
    while pending:
        each = pending.pop()
        yield each
        if not isinstance(each, Function | ast.Lambda | ast.ClassDef):
            pending.extend(ast.iter_child_nodes(each))
