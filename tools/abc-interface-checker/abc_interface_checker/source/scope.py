"""A place in a module at which annotations, defaults and names are read."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace

from abc_interface_checker.model import Annotation, Place
from abc_interface_checker.source.literals import is_plain, spell
from abc_interface_checker.source.modules import (
    ClassSource,
    Function,
    Module,
    statements,
    unquoted,
)
from abc_interface_checker.source.names import Names
from abc_interface_checker.types.annotations import annotation_of
from abc_interface_checker.types.syntax import dotted_name

__all__ = ["Scope"]

_LONGEST = 10_000
"""A constant with a longer text is shown by its name."""


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
        if written is None:
            return None
        in_class = self._class_variable(written)
        if in_class is not None:
            return in_class
        name = self.resolve(written)
        if name is None:
            return None
        constant = self._constant(name)
        if constant is not None:
            return constant
        return f"builtins.{name}" if "." not in name else name

    def _class_variable(self, name: str) -> str | None:
        """What a variable of the class around is; None: there is none of this name."""
        source = self.module.classes.get(self.qualified)
        if source is None:
            return None
        for node, _ in statements(source.node.body):
            match node:
                case (
                    ast.Assign(targets=[ast.Name(id=target)], value=value)
                    | ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value)
                ) if target == name and not isinstance(value, ast.Call):
                    absolute = f"{source.name}.{name}"
                    outside = isinstance(value, ast.Name) and value.id == name
                    there = replace(self, qualified="") if outside else self
                    return there._plain(absolute, value) or absolute
        return None

    def _constant(self, name: str) -> str | None:
        """The literal of a variable at the top of a module, if it is assigned a plain one."""
        found = self.names.bound(name)
        if found is None or found[1].value is None:
            return None
        return Scope(self.names, found[0])._plain(name, found[1].value)

    def _plain(self, name: str, value: ast.expr) -> str | None:
        """The literal that is assigned to a name here; None if it is not plain, or too long."""
        constants = self.names.constants
        if name not in constants:
            # What it is for those that it is made of: they end there.
            constants[name] = None
            text = self.literal(value) if self.is_plain(value) else ""
            constants[name] = text if 0 < len(text) <= _LONGEST else None
        return constants[name]


def _type_parameters(node: ast.AST) -> frozenset[str]:
    """The names in ``[T]`` behind a class's or function's name, which only newer Pythons have."""
    return frozenset(each.name for each in getattr(node, "type_params", ()))
