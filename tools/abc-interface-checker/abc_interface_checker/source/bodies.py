"""The body of a class, sorted: functions, variables, and the rest."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from abc_interface_checker.source.docstrings import following_doc
from abc_interface_checker.source.modules import ClassSource, Function, statements

__all__ = ["Body", "Variable", "is_dunder", "read_body"]


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that a class's body annotates or assigns."""

    name: str
    node: ast.stmt
    annotation: ast.expr | None
    value: ast.expr | None
    doc: str


@dataclass(slots=True)
class Body:
    """All of it by name, in the order of the source."""

    functions: dict[str, list[Function]] = field(default_factory=dict)
    """Several for overloads, and for a property and its setter."""
    variables: dict[str, Variable] = field(default_factory=dict)
    others: list[ast.stmt] = field(default_factory=list)


def read_body(source: ClassSource) -> Body:
    """Sort the statements of a class."""
    body = Body()
    flat = [node for node, _ in statements(source.node.body)]
    for index, node in enumerate(flat):
        if isinstance(node, Function):
            body.functions.setdefault(node.name, []).append(node)
            body.variables.pop(node.name, None)
            continue
        variables = _variables(node, following_doc(flat, index))
        for variable in variables:
            known = body.variables.get(variable.name)
            if known is not None and variable.annotation is None:
                # An annotation earlier in the body stays.
                variable = Variable(  # noqa: PLW2901
                    variable.name, known.node, known.annotation, variable.value, known.doc
                )
            body.variables[variable.name] = variable
            body.functions.pop(variable.name, None)
        if not variables:
            body.others.append(node)
    return body


def is_dunder(name: str) -> bool:
    """Whether Python itself gives the name a meaning."""
    return name.startswith("__") and name.endswith("__")


def _variables(node: ast.stmt, doc: str) -> list[Variable]:
    match node:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
            return [Variable(name, node, annotation, value, doc)]
        case ast.Assign(targets=targets, value=value):
            return [
                Variable(target.id, node, None, value, doc)
                for target in targets
                if isinstance(target, ast.Name)
            ]
    return []
