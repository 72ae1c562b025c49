"""Names that stand for something else: types, constants, and what is exported again."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from abc_interface_checker.model import Alias
from abc_interface_checker.source.modules import Bound, Module
from abc_interface_checker.source.scope import Scope
from abc_interface_checker.types.expressions import Named, names, render
from abc_interface_checker.types.syntax import type_of

__all__ = ["aliases_of", "is_type_alias"]

_TYPES = ("collections.abc.", "types.", "typing.")


def aliases_of(module: Module, exported: tuple[str, ...], scope: Scope) -> Iterator[Alias]:
    """The aliases that a module defines or exports.

    Type aliases and ``NewType`` count whatever their names; constants and what is exported again
    only if the module exports them.
    """
    for name, bound in module.names.items():
        absolute = f"{module.name}.{name}"
        target = scope.resolve(name)
        is_other_name = bound.imported or (bound.value is not None and target != absolute)
        if is_other_name:
            if name in exported and target:
                kind = "re-export" if "." in target else "type"
                yield Alias(name=absolute, kind=kind, target=target, place=scope.at(bound.node))
        elif bound.value is not None and not name.startswith("__"):
            found = _assigned(bound, bound.value, scope, name in exported)
            if found is not None:
                kind, target = found
                yield Alias(name=absolute, kind=kind, target=target, place=scope.at(bound.node))


def _assigned(
    bound: Bound, value: ast.expr, scope: Scope, is_exported: bool
) -> tuple[str, str] | None:
    """Kind and target; None: it is no alias, but an object of the module."""
    if isinstance(value, ast.Call) and scope.name_of(value) == "typing.NewType":
        target = scope.annotation(value.args[1]) if len(value.args) == 2 else None
        return None if target is None else ("new-type", target.type)
    if is_type_alias(bound, scope):
        target = scope.annotation(value)
        return None if target is None else ("type", target.type)
    if is_exported and scope.is_plain(value):
        return "constant", scope.literal(value)
    return None


def is_type_alias(bound: Bound, scope: Scope) -> bool:
    """Whether a variable of a module is a type alias, declared or recognisable as one."""
    if type(bound.node).__name__ == "TypeAlias":
        return True
    if bound.annotation is not None:
        return scope.name_of(bound.annotation) == "typing.TypeAlias"
    if not isinstance(bound.value, ast.Subscript | ast.BinOp):
        return False
    found = type_of(bound.value, scope.resolve)
    if "Unknown[" in render(found):
        return False
    named = [found.name] if isinstance(found, Named) else list(names(found))
    return any(_is_type(name, scope) for name in named)


def _is_type(name: str, scope: Scope) -> bool:
    """Whether a name is certainly, or by its module or spelling probably, that of a type."""
    if "." not in name:
        return isinstance(getattr(builtins, name, None), type)
    if scope.names.class_named(name) is not None:
        return True
    found = scope.names.bound(name)
    if found is not None:
        # An alias of the package; that its own parts are types is not asked again.
        return isinstance(found[1].value, ast.BinOp | ast.Subscript)
    last = name.rpartition(".")[2]
    return name.startswith(_TYPES) or (last[:1].isupper() and not last.isupper())
