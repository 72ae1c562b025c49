"""Defaults and constants in one spelling, which does not depend on how or where they are written.

``ast.unparse`` is not used: what it gives changes from one Python to the next.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

__all__ = ["Look", "fold", "is_plain", "number", "spell", "value_text"]

Look = Callable[[ast.expr], str | None]
"""What a name or attribute in an expression stands for: a canonical literal, or an absolute dotted
name; None if it is unknown.
"""
Number = int | float

_BINARY: Mapping[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}
_ON_INTEGERS: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
    ast.RShift: operator.rshift,
}
_LARGEST = 1 << 1024
"""No result of arithmetic in a contract is beyond it."""


def value_text(value: object) -> str:
    """The canonical literal of a constant."""
    if value is ...:
        return "..."
    if isinstance(value, str | bytes):
        # Which characters repr() escapes depends on the Unicode tables of each Python.
        return ascii(value)
    if isinstance(value, int) and abs(value) > _LARGEST:
        # Python refuses to write very long decimals.
        return hex(value)
    return repr(value).replace("inf", "1e309")


def fold(node: ast.expr, look: Look) -> Number | None:
    """The number that a constant expression gives, or None if it is none."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.Name() | ast.Attribute():
            found = look(node)
            return None if found is None else number(found)
        case ast.UnaryOp(op=op, operand=operand):
            inner = fold(operand, look)
            if inner is None or isinstance(op, ast.Not):
                return None
            if isinstance(op, ast.Invert):
                return ~inner if isinstance(inner, int) else None
            return -inner if isinstance(op, ast.USub) else inner
        case ast.BinOp(left=left, op=op, right=right):
            first, second = fold(left, look), fold(right, look)
            return None if first is None or second is None else _result(first, op, second)
    return None


def number(text: str) -> Number | None:
    """The number of a canonical literal; None if it is no number."""
    try:
        return int(text, 0)
    except ValueError:
        try:
            return float(text) if text[-1:].isdigit() else None
        except ValueError:
            return None


def _result(first: Number, op: ast.operator, second: Number) -> Number | None:
    if abs(first) > _LARGEST or abs(second) > _LARGEST:
        return None
    try:
        if isinstance(first, int) and isinstance(second, int):
            if isinstance(op, ast.LShift | ast.Pow):
                return _grown(first, op, second)
            if type(op) in _ON_INTEGERS:
                return _ON_INTEGERS[type(op)](first, second)
        return _BINARY[type(op)](first, second) if type(op) in _BINARY else None
    except (ArithmeticError, ValueError):
        return None


def _grown(first: int, op: ast.operator, second: int) -> int | None:
    if not 0 <= second <= 64:
        return None
    return first << second if isinstance(op, ast.LShift) else first**second


def spell(node: ast.expr, look: Look) -> str:
    """The canonical text of an expression: of a literal the literal, of a name what it stands for,
    of anything else its structure, with absolute names in it.
    """
    folded = fold(node, look)
    if folded is not None:
        return value_text(folded)
    match node:
        case ast.Constant(value=value):
            return value_text(value)
        case ast.Name(id=name):
            return look(node) or name
        case ast.Attribute(value=inner, attr=name):
            return look(node) or f"{spell(inner, look)}.{name}"
        case ast.Tuple(elts=elements):
            inside = ", ".join(spell(each, look) for each in elements)
            return f"({inside},)" if len(elements) == 1 else f"({inside})"
        case ast.List(elts=elements):
            return f"[{', '.join(spell(each, look) for each in elements)}]"
        case ast.Set(elts=elements):
            return f"{{{', '.join(sorted({spell(each, look) for each in elements}))}}}"
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return f"{{{', '.join(_item(key, value, look) for key, value in pairs)}}}"
        case ast.Call(func=function, args=arguments, keywords=keywords):
            given = [spell(each, look) for each in arguments]
            given += [f"{each.arg or '**'}={spell(each.value, look)}" for each in keywords]
            return f"{spell(function, look)}({', '.join(given)})"
    return _structure(node, look)


def _item(key: ast.expr | None, value: ast.expr, look: Look) -> str:
    if key is None:
        return f"**{spell(value, look)}"
    return f"{spell(key, look)}: {spell(value, look)}"


def _structure(node: object, look: Look) -> str:
    """Of what no contract should hold; fields that are empty or say nothing are left out."""
    if isinstance(node, list):
        return f"[{', '.join(_structure(each, look) for each in node)}]"
    if not isinstance(node, ast.AST):
        return value_text(node)
    if isinstance(node, ast.Constant | ast.Name | ast.Attribute | ast.Tuple | ast.List | ast.Call):
        return spell(node, look)
    fields = [
        f"{name}={_structure(value, look)}"
        for name, value in ast.iter_fields(node)
        if value not in (None, []) and name not in ("ctx", "kind", "type_comment")
    ]
    return f"<{type(node).__name__} {' '.join(fields)}>"


def is_plain(node: ast.expr, look: Look) -> bool:
    """Whether an expression means the same wherever and whenever it is evaluated: a literal, a
    number that follows from literals, or a name that can be looked up.
    """
    if fold(node, look) is not None:
        return True
    match node:
        case ast.Constant():
            return True
        case ast.Name() | ast.Attribute():
            return look(node) is not None
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            return all(is_plain(each, look) for each in elements)
        case ast.Dict(keys=keys, values=values):
            inner = [*keys, *values]
            return all(each is not None and is_plain(each, look) for each in inner)
    return False
