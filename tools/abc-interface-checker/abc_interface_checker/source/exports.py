"""What each module offers to others."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from abc_interface_checker.source.modules import Module, statements, string_of
from abc_interface_checker.source.names import Names
from abc_interface_checker.types.syntax import dotted_name

__all__ = ["ComputedExports", "exports_of"]


class ComputedExports(ValueError):
    """``__all__`` is not made of literals."""

    def __init__(self, node: ast.stmt) -> None:
        super().__init__("its __all__ is computed")
        self.node = node


def exports_of(module: Module, names: Names) -> tuple[str, ...]:
    """The names in ``__all__``, sorted; without it, the public names.

    Those are what the module defines without an underscore, and what it imports under the same name
    again (``import x as x``); a package also offers what it imports from inside itself.

    Raises: ComputedExports.
    """
    if "__all__" not in module.names:
        return tuple(sorted(set(_public(module))))
    listed: list[str] = []
    for node, _ in statements(module.tree.body):
        added = _added(node)
        if added is not None:
            listed += _strings(added, node, module, names)
    return tuple(sorted(set(listed)))


def _added(node: ast.stmt) -> ast.expr | None:
    """What a statement puts into ``__all__``."""
    match node:
        case (
            ast.Assign(targets=[ast.Name(id="__all__")], value=value)
            | ast.AnnAssign(target=ast.Name(id="__all__"), value=value)
            | ast.AugAssign(target=ast.Name(id="__all__"), op=ast.Add(), value=value)
        ):
            return value
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(value=ast.Name(id="__all__"), attr=method), args=[argument]
            )
        ):
            if method == "append":
                return ast.List([argument], ast.Load())
            if method == "extend":
                return argument
            raise ComputedExports(node)
    return None


def _strings(value: ast.expr, node: ast.stmt, module: Module, names: Names) -> Iterator[str]:
    match value:
        case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
            for element in elements:
                if isinstance(element, ast.Starred):
                    yield from _strings(element.value, node, module, names)
                    continue
                text = string_of(element)
                if text is None:
                    raise ComputedExports(node)
                yield text
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from _strings(left, node, module, names)
            yield from _strings(right, node, module, names)
        case ast.Attribute(attr="__all__", value=owner):
            written = dotted_name(owner)
            other = names.module(names.resolve(module, written) or "") if written else None
            if other is None or other is module:
                raise ComputedExports(node)
            yield from exports_of(other, names)
        case _:
            raise ComputedExports(node)


def _public(module: Module) -> Iterator[str]:
    package = module.name.partition(".")[0]
    for name, bound in module.names.items():
        if name.startswith("_"):
            continue
        if not bound.imported:
            yield name
        elif isinstance(bound.node, ast.ImportFrom | ast.Import):
            is_own = bound.imported.partition(".")[0] == package and bound.imported != name
            is_same = any(alias.asname == alias.name == name for alias in bound.node.names)
            if is_same or (module.file.is_package and is_own):
                yield name
