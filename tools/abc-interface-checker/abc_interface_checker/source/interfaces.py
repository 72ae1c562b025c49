"""Interfaces out of source: zope's, abstract base classes, and protocols."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from abc_interface_checker.findings import Finding, Severity
from abc_interface_checker.model import Attribute, Interface, InterfaceKind, Method, Role
from abc_interface_checker.source.attributes import read_attribute
from abc_interface_checker.source.bodies import Body, is_dunder, read_body
from abc_interface_checker.source.docstrings import docstring
from abc_interface_checker.source.kinds import Kinds, matches
from abc_interface_checker.source.marks import MarkReader
from abc_interface_checker.source.methods import facets_of, read_method, read_property
from abc_interface_checker.source.modules import ClassSource
from abc_interface_checker.source.raising import ExceptionNames
from abc_interface_checker.source.reading import Reading
from abc_interface_checker.source.scope import Scope

__all__ = ["InterfaceReader"]

_ROOTS = frozenset(
    {
        "abc.ABC",
        "object",
        "typing.Generic",
        "typing.Protocol",
        "zope.interface.Interface",
        "zope.interface.interface.Interface",
    }
)
_INVARIANT = "zope.interface.invariant"
_NO_METHODS = frozenset({_INVARIANT, "zope.interface.interfacemethod"})
_CONSTRUCTION = frozenset(
    {
        "__class_getitem__",
        "__init__",
        "__init_subclass__",
        "__new__",
        "__post_init__",
        "__subclasshook__",
    }
)
"""They make implementations, they are not called through the interface."""


@dataclass(slots=True)
class InterfaceReader:
    """Reads classes that are interfaces; ``findings`` gathers what is wrong with them."""

    kinds: Kinds
    reading: Reading
    exceptions: ExceptionNames
    findings: list[Finding]

    def read(self, source: ClassSource) -> Interface:
        """The interface that a class of an interface's kind is."""
        kind = InterfaceKind(self.kinds.kind(source).value)
        scope = self.kinds.scope(source.module).of_class(source)
        body = read_body(source)
        doc = docstring(source.node)
        marks = MarkReader(scope).decorators(source.node.decorator_list).doc(doc)
        for key, content in _tagged(source, body, scope):
            marks.tagged(key, content)
        attributes, methods = self._members(body, scope, kind, source.name)
        decorators = [scope.name_of(each) for each in source.node.decorator_list]
        return Interface(
            name=source.name,
            kind=kind,
            bases=tuple(base for base in self.kinds.bases(source) if base and base not in _ROOTS),
            methods=tuple(methods),
            attributes=tuple(attributes),
            invariants=tuple(_invariants(body, scope)),
            role=self._role(source.name),
            mandatory=matches(source.name, self.reading.mandatory),
            sealed="typing.final" in decorators,
            marks=marks.marks(),
            doc=doc,
            place=scope.at(source.node),
        )

    def _role(self, name: str) -> Role:
        if matches(name, self.reading.both):
            return Role.BOTH
        return Role.OWNERS if matches(name, self.reading.owners) else Role.THIRD_PARTIES

    def _members(
        self, body: Body, scope: Scope, kind: InterfaceKind, interface: str
    ) -> tuple[list[Attribute], list[Method]]:
        attributes: list[Attribute] = []
        methods: dict[str, Method] = {}
        is_inherited = kind is InterfaceKind.ABC
        for name, nodes in body.functions.items():
            facets = facets_of(nodes[-1], scope)
            is_left_out = name in _CONSTRUCTION and not facets.is_abstract
            if is_left_out or _is_mangled(name) or not _NO_METHODS.isdisjoint(facets.names):
                continue
            attribute = read_property(nodes, scope, is_inherited=is_inherited)
            if attribute is not None:
                attributes.append(attribute)
                continue
            method = read_method(nodes, scope, kind, self.exceptions)
            if kind is InterfaceKind.ZOPE:
                method = self._without_self(method, interface)
            methods[name] = method
        for name, variable in body.variables.items():
            other = variable.value.id if isinstance(variable.value, ast.Name) else ""
            if other in methods:
                methods[name] = replace(methods[other], name=name, place=scope.at(variable.node))
            elif not is_dunder(name) and not _is_mangled(name):
                attributes.append(read_attribute(variable, scope, kind))
        attributes.sort(key=lambda attribute: attribute.place.line if attribute.place else 0)
        return attributes, list(methods.values())

    def _without_self(self, method: Method, interface: str) -> Method:
        """zope's interfaces declare what callers pass; ``self`` in one is reported and dropped."""
        parameters = method.signature.parameters
        if not parameters or parameters[0].name != "self":
            return method
        self.findings.append(
            Finding(
                rule="contract-has-self",
                element=f"{interface}.{method.name}",
                message=f"{method.name} declares self: zope takes it for a parameter that callers "
                "pass",
                severity=Severity.ERROR,
                place=method.place,
            )
        )
        return replace(method, signature=replace(method.signature, parameters=parameters[1:]))


def _invariants(body: Body, scope: Scope) -> Iterator[str]:
    for name, nodes in body.functions.items():
        if _INVARIANT in facets_of(nodes[-1], scope).names:
            yield name
    for node in body.others:
        match node:
            case ast.Expr(value=ast.Call(args=[argument]) as call) if (
                scope.name_of(call) == _INVARIANT
            ):
                yield scope.literal(argument)


def _tagged(source: ClassSource, body: Body, scope: Scope) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Names and contents of ``taggedValue(...)`` in a class, and ``IThing.setTaggedValue(...)``
    behind it.
    """
    for node in body.others:
        match node:
            case ast.Expr(value=ast.Call(args=[key, content]) as call) if (
                scope.name_of(call) == "zope.interface.taggedValue"
            ):
                yield key, content
    for node in source.module.tree.body:
        match node:
            case ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(value=ast.Name(id=name), attr="setTaggedValue"),
                    args=[key, content],
                )
            ) if name == source.qualified:
                yield key, content


def _is_mangled(name: str) -> bool:
    return name.startswith("__") and not is_dunder(name)
