"""A place in a module at which annotations, defaults and names are read."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace

from abc_interface_checker.model import Annotation, Place
from abc_interface_checker.source.literals import is_plain, spell
from abc_interface_checker.source.modules import Bound, ClassSource, Function, Module, unquoted
from abc_interface_checker.source.names import Names
from abc_interface_checker.types.annotations import annotation_of
from abc_interface_checker.types.syntax import dotted_name

__all__ = ["Scope"]


@dataclass(frozen=True, slots=True)
class Scope:
    """The top of a module, or the body of a class or function in it."""

    names: Names
    module: Module
    qualified: str = ""
    """Of the class; empty at the top."""
    type_parameters: frozenset[str] = frozenset()

    def of_class(self, source: ClassSource) -> Scope:
        """The body of a class, which may be in another module."""
        return replace(
            self,
            module=source.module,
            qualified=source.qualified,
            type_parameters=_type_parameters(source.node),
        )

    def of_function(self, node: Function) -> Scope:
        """The head of a function that stands here."""
        return replace(self, type_parameters=self.type_parameters | _type_parameters(node))

    def at(self, node: ast.stmt | ast.expr) -> Place:
        """Where a node is."""
        return Place(self.module.file.path, node.lineno)

    def resolve(self, written: str) -> str | None:
        """The absolute name of a dotted name as written here; None if it is unknown."""
        if written in self.type_parameters:
            return f"{self.module.name}.{self.qualified or 'type'}.{written}"
        return self.names.resolve(self.module, written, self.qualified)

    def name_of(self, node: ast.expr | None) -> str:
        """The absolute name that an expression or, in a string, an annotation is, without the
        arguments of a subscript or call; empty if it is none.
        """
        node = node and unquoted(node)
        while isinstance(node, ast.Subscript | ast.Call):
            node = node.value if isinstance(node, ast.Subscript) else node.func
        written = None if node is None else dotted_name(node)
        return (self.resolve(written) or "") if written else ""

    def annotation(self, node: ast.expr | None) -> Annotation | None:
        """The type that an annotation means."""
        return None if node is None else annotation_of(node, self.resolve)

    def literal(self, node: ast.expr) -> str:
        """The canonical text of a default or constant."""
        return spell(node, self.look)

    def is_plain(self, node: ast.expr) -> bool:
        """Whether a default or constant can be frozen."""
        return is_plain(node, self.look)

    def look(self, node: ast.expr) -> str | None:
        """What a name or attribute stands for: the literal of a constant, else its dotted name."""
        written = dotted_name(node)
        name = self.resolve(written) if written else None
        if name is None or written is None:
            return None
        found = self.names.bound(name)
        constant = found and self._constant(*found)
        if constant:
            return constant
        return f"builtins.{name}" if "." not in name else name

    def _constant(self, module: Module, bound: Bound) -> str | None:
        """The literal of a name of a module that is assigned a plain one."""
        if bound.value is None:
            return None
        there = replace(self, module=module, qualified="", type_parameters=frozenset())
        return there.literal(bound.value) if there.is_plain(bound.value) else None


def _type_parameters(node: ast.AST) -> frozenset[str]:
    """The names in ``[T]`` behind a class's or function's name, which only newer Pythons have."""
    return frozenset(each.name for each in getattr(node, "type_params", ()))
