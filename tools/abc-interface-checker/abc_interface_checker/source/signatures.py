"""What a function in source takes and gives back."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

from abc_interface_checker.model import Annotation, Parameter, ParameterKind, Signature
from abc_interface_checker.source.modules import Function
from abc_interface_checker.source.scope import Scope
from abc_interface_checker.types.expressions import parse, render, union

__all__ = ["merged", "signature_of", "signature_text"]

_POSITIONAL = (ParameterKind.POSITIONAL_ONLY, ParameterKind.POSITIONAL_OR_KEYWORD)


def signature_of(node: Function, scope: Scope, *, is_bound: bool) -> Signature:
    """The signature of a function.

    Args:
        node: the function.
        scope: where it stands.
        is_bound: whether its first parameter is ``self`` or ``cls``, which callers do not pass.
    """
    scope = scope.of_function(node)
    parameters = _parameters(node.args, scope)
    if is_bound and parameters and parameters[0].kind in _POSITIONAL:
        parameters = parameters[1:]
    return Signature(parameters=tuple(parameters), returns=scope.annotation(node.returns))


def _parameters(arguments: ast.arguments, scope: Scope) -> list[Parameter]:
    def parameter(node: ast.arg, kind: ParameterKind, default: ast.expr | None) -> Parameter:
        return Parameter(
            name=node.arg,
            kind=kind,
            annotation=scope.annotation(node.annotation),
            default=None if default is None else scope.literal(default),
        )

    positional = [*arguments.posonlyargs, *arguments.args]
    without = len(positional) - len(arguments.defaults)
    defaults: list[ast.expr | None] = [*[None] * without, *arguments.defaults]
    only = len(arguments.posonlyargs)
    found = [
        parameter(node, _POSITIONAL[index >= only], default)
        for index, (node, default) in enumerate(zip(positional, defaults, strict=True))
    ]
    if arguments.vararg:
        found.append(parameter(arguments.vararg, ParameterKind.VAR_POSITIONAL, None))
    for node, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found.append(parameter(node, ParameterKind.KEYWORD_ONLY, default))
    if arguments.kwarg:
        found.append(parameter(arguments.kwarg, ParameterKind.VAR_KEYWORD, None))
    return found


def merged(signatures: Sequence[Signature]) -> Signature:
    """One signature that takes what any of the overloads takes.

    Parameters are matched by position, those behind a star by name; what some overload can do
    without is optional, and types are unions.
    """
    first, *others = signatures
    for other in others:
        first = _merged(first, other)
    return first


def _merged(first: Signature, second: Signature) -> Signature:
    rows: dict[object, list[Parameter | None]] = {}
    positional = [
        [each for each in of.parameters if each.kind in _POSITIONAL] for of in (first, second)
    ]
    for index, pair in enumerate(zip_longest(*positional)):
        rows[index] = list(pair)
    for at, signature in enumerate((first, second)):
        for each in signature.parameters:
            if each.kind not in _POSITIONAL:
                key = each.name if each.kind is ParameterKind.KEYWORD_ONLY else each.kind
                rows.setdefault(key, [None, None])[at] = each
    both = [_one(*pair) for pair in rows.values()]
    order = list(ParameterKind)
    both.sort(key=lambda parameter: order.index(parameter.kind))
    return Signature(
        parameters=tuple(_defaults_last(both)), returns=_either(first.returns, second.returns)
    )


def _one(first: Parameter | None, second: Parameter | None) -> Parameter:
    if first is None or second is None:
        one = first or second
        assert one is not None  # noqa: S101 - a row has one of them at least
        return one if one.is_star or one.default is not None else replace(one, default="...")
    default = first.default if first.default is not None else second.default
    kind = first.kind
    if first.name != second.name:
        # No call by keyword is legal under both.
        kind = ParameterKind.POSITIONAL_ONLY if not first.is_star else kind
    return replace(
        first,
        kind=kind,
        default=default,
        annotation=_either(first.annotation, second.annotation),
    )


def _defaults_last(parameters: list[Parameter]) -> list[Parameter]:
    """Python allows no required positional parameter behind an optional one."""
    is_optional = False
    fixed = []
    for each in parameters:
        if each.kind in _POSITIONAL:
            is_optional |= each.default is not None
            if is_optional and each.default is None:
                each = replace(each, default="...")  # noqa: PLW2901
        fixed.append(each)
    return fixed


def _either(first: Annotation | None, second: Annotation | None) -> Annotation | None:
    if first is None or second is None or first == second:
        return first if first == second else None
    return Annotation(render(union((parse(first.type), parse(second.type)))))


def signature_text(signature: Signature) -> str:
    """As it would stand in source, with canonical types and defaults."""
    parts: list[str] = []
    kinds = [each.kind for each in signature.parameters]
    for index, each in enumerate(signature.parameters):
        is_first_keyword = each.kind is ParameterKind.KEYWORD_ONLY and (
            index == 0 or kinds[index - 1] in _POSITIONAL
        )
        if is_first_keyword:
            parts.append("*")
        parts.append(_parameter_text(each))
        last = index + 1 == len(kinds) or kinds[index + 1] is not ParameterKind.POSITIONAL_ONLY
        if each.kind is ParameterKind.POSITIONAL_ONLY and last:
            parts.append("/")
    returns = f" -> {signature.returns.type}" if signature.returns else ""
    return f"({', '.join(parts)}){returns}"


def _parameter_text(parameter: Parameter) -> str:
    stars = {ParameterKind.VAR_POSITIONAL: "*", ParameterKind.VAR_KEYWORD: "**"}
    text = stars.get(parameter.kind, "") + parameter.name
    if parameter.annotation:
        text += f": {parameter.annotation.type}"
    if parameter.default is not None:
        text += f" = {parameter.default}" if parameter.annotation else f"={parameter.default}"
    return text
