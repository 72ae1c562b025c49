"""Types out of Python's syntax, with the names resolved by whoever knows the module."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable as Function
from collections.abc import Iterator, Sequence

from abc_interface_checker.types.expressions import (
    ELLIPSIS,
    EMPTY,
    NONE,
    Callable,
    Literal,
    Named,
    Type,
    Union,
    Unknown,
    canonical_name,
    literal,
    named,
    parse,
    union,
)

__all__ = ["Resolve", "dotted_name", "spelling", "type_of", "type_of_text", "without_qualifiers"]

Resolve = Function[[str], str | None]
"""A dotted name as written to its absolute one, or to a canonical type; None: unknown."""

_QUALIFIERS = frozenset(
    {
        "dataclasses.InitVar",
        "typing.ClassVar",
        "typing.Final",
        "typing.NotRequired",
        "typing.ReadOnly",
        "typing.Required",
    }
)
"""They say something of the variable, not of its content: the first argument is the type."""

_WITHOUT_MEANING_ALONE = _QUALIFIERS | {
    "typing.Annotated",
    "typing.Literal",
    "typing.Optional",
    "typing.Union",
}


def type_of_text(text: str, resolve: Resolve) -> Type:
    """The type of an expression that is given as text, such as a string annotation."""
    try:
        # Brackets allow line breaks, as in an annotation itself.
        return type_of(ast.parse(f"({text.strip()}\n)", mode="eval").body, resolve)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Unknown(" ".join(text.split()))


def type_of(node: ast.expr, resolve: Resolve) -> Type:
    """The type that a node means; `Unknown` where it is none, or a name is unknown."""
    match node:
        case ast.Constant(value=None):
            return NONE
        case ast.Constant(value=str() as text):
            return type_of_text(text, resolve)
        case ast.Constant(value=value) if value is ...:
            return ELLIPSIS
        case ast.Name() | ast.Attribute():
            return _type_of_name(node, resolve)
        case ast.Subscript(value=head, slice=inside):
            arguments = inside.elts if isinstance(inside, ast.Tuple) else [inside]
            return _type_of_subscript(head, arguments, resolve) or Unknown(spelling(node))
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return union((type_of(left, resolve), type_of(right, resolve)))
    return Unknown(spelling(node))


def _type_of_name(node: ast.expr, resolve: Resolve) -> Type:
    name = _resolved(node, resolve)
    if name is None or name in _WITHOUT_MEANING_ALONE:
        return Unknown(spelling(node))
    return named(name) if _is_dotted(name) else parse(name)


def _type_of_subscript(
    head: ast.expr, arguments: Sequence[ast.expr], resolve: Resolve
) -> Type | None:
    name = _resolved(head, resolve)
    if name == "Unknown" and isinstance(arguments[0], ast.Constant):
        return Unknown(str(arguments[0].value))
    if name is None or not _is_dotted(name):
        return None
    if name == "typing.Literal":
        values = [value for each in arguments for value in _literal_values(each, resolve)]
        return None if None in values else literal([value for value in values if value])
    if name == "collections.abc.Callable":
        return _callable(arguments, resolve)
    if name in _QUALIFIERS or name == "typing.Annotated":
        return type_of(arguments[0], resolve)
    if name in ("typing.Optional", "typing.Union"):
        none = (NONE,) if name == "typing.Optional" else ()
        return union((*(type_of(each, resolve) for each in arguments), *none))
    if any(isinstance(each, ast.List | ast.Starred) for each in arguments):
        return None
    return named(name, [type_of(each, resolve) for each in arguments] or [EMPTY])


def without_qualifiers(node: ast.expr, resolve: Resolve) -> ast.expr:
    """The part of an annotation that speaks of the content: without ``Final`` and the like."""
    while isinstance(node, ast.Subscript) and _resolved(node.value, resolve) in _QUALIFIERS:
        node = node.slice
    return node


def _callable(arguments: Sequence[ast.expr], resolve: Resolve) -> Type | None:
    if len(arguments) != 2:
        return None
    taken, result = arguments[0], type_of(arguments[1], resolve)
    if isinstance(taken, ast.Constant) and taken.value is ...:
        return Callable(None, result)
    if isinstance(taken, ast.List):
        return Callable(tuple(type_of(each, resolve) for each in taken.elts), result)
    return None


def _literal_values(node: ast.expr, resolve: Resolve) -> Iterator[str | None]:
    """The values of one argument of ``Literal``; None for what is no literal."""
    match node:
        case ast.Constant(value=bool() | int() | str() | bytes() | None as value):
            yield ascii(value)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)):
            yield ascii(-value)
        case ast.Name() | ast.Attribute():
            yield _resolved(node, resolve)
        case ast.Subscript():
            match type_of(node, resolve):
                case Literal(values):
                    yield from values
                case Union(members):
                    for member in members:
                        yield from member.values if isinstance(member, Literal) else ["None"]
                case Named("None"):
                    yield "None"
                case _:
                    yield None
        case _:
            yield None


def _resolved(node: ast.expr, resolve: Resolve) -> str | None:
    """The canonical absolute name, or the type as text that ``resolve`` gives for it."""
    name = dotted_name(node)
    if name is None:
        return None
    absolute = resolve(name)
    if absolute is None and hasattr(builtins, name):
        absolute = name
    return None if absolute is None else canonical_name(absolute)


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def dotted_name(node: ast.expr) -> str | None:
    """``a.b.c`` of a node that is one; else None."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=owner, attr=name):
            inner = dotted_name(owner)
            return None if inner is None else f"{inner}.{name}"
    return None


def spelling(node: ast.expr) -> str:
    """The text of an annotation, with one space where Python allows several.

    Unlike ``ast.unparse`` it gives the same on every Python. What no annotation holds is shown by
    its kind alone.
    """
    match node:
        case ast.Constant(value=value):
            return "..." if value is ... else ascii(value)
        case ast.Name() | ast.Attribute():
            return dotted_name(node) or f"<{type(node).__name__}>"
        case ast.Subscript(value=head, slice=ast.Tuple(elts=[_, *_] as elements)):
            return f"{spelling(head)}[{_spellings(elements)}]"
        case ast.Subscript(value=head, slice=inside):
            return f"{spelling(head)}[{spelling(inside)}]"
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return f"{spelling(left)} | {spelling(right)}"
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"-{spelling(operand)}"
        case ast.List(elts=elements):
            return f"[{_spellings(elements)}]"
        case ast.Tuple(elts=elements):
            return f"({_spellings(elements)})"
    return _spelling_of_others(node)


def _spelling_of_others(node: ast.expr) -> str:
    """What is no annotation that this package understands."""
    match node:
        case ast.Starred(value=inner):
            return f"*{spelling(inner)}"
        case ast.Call(func=function, args=arguments, keywords=keywords):
            by_name = [f"{each.arg or '**'}={spelling(each.value)}" for each in keywords]
            return f"{spelling(function)}({', '.join([*map(spelling, arguments), *by_name])})"
    return f"<{type(node).__name__}>"


def _spellings(nodes: Sequence[ast.expr]) -> str:
    return ", ".join(map(spelling, nodes))
