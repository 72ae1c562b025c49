"""Classes that are made by a call: enumerations, named tuples and typed dictionaries."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from abc_interface_checker.model import Enumeration, Field, Value, ValueKind
from abc_interface_checker.source.enumerations import Members
from abc_interface_checker.source.modules import Module, string_of
from abc_interface_checker.source.scope import Scope
from abc_interface_checker.source.values import key_of

__all__ = ["MADE_BY_CALL", "Computed", "functional_classes", "made_by_call"]

_ENUMERATIONS = frozenset(
    {"enum.Enum", "enum.Flag", "enum.IntEnum", "enum.IntFlag", "enum.StrEnum"}
)
_NAMED_TUPLES = frozenset({"collections.namedtuple", "typing.NamedTuple"})
MADE_BY_CALL = _ENUMERATIONS | _NAMED_TUPLES | {"typing.TypedDict"}
_Pair = tuple[str, ast.expr | None]


class Computed(ValueError):
    """The members or fields of a class are not literals."""

    def __init__(self, name: str, node: ast.stmt) -> None:
        super().__init__("its members are computed")
        self.name = name
        self.node = node


def made_by_call(module: Module, scope: Scope) -> Iterator[tuple[str, ast.stmt, ast.Call]]:
    """The names of a module that are assigned a call of something that makes classes."""
    for name, bound in module.names.items():
        if isinstance(bound.value, ast.Call) and len(bound.value.args) > 1:
            function = scope.name_of(bound.value.func)
            if not isinstance(bound.value.func, ast.Call) and function in MADE_BY_CALL:
                yield name, bound.node, bound.value


def functional_classes(module: Module, scope: Scope) -> Iterator[Enumeration | Value]:
    """The classes that a module makes by calls with literal arguments. Raises: Computed."""
    for name, node, call in made_by_call(module, scope):
        absolute, maker = f"{module.name}.{name}", scope.name_of(call)
        pairs = _pairs(call.args[1])
        if pairs is None:
            raise Computed(absolute, node)
        if maker in _ENUMERATIONS:
            yield _enumeration(absolute, maker, pairs, scope, node)
        elif maker in _NAMED_TUPLES:
            yield _named_tuple(absolute, call, pairs, scope, node)
        else:
            total = next((each.value for each in call.keywords if each.arg == "total"), None)
            is_total = not (isinstance(total, ast.Constant) and total.value is False)
            fields = [key_of(_field(pair, scope, node), pair[1], scope, is_total) for pair in pairs]
            yield Value(
                name=absolute,
                kind=ValueKind.TYPED_DICT,
                fields=tuple(fields),
                place=scope.at(node),
            )


def _enumeration(
    name: str, base: str, pairs: Sequence[_Pair], scope: Scope, node: ast.stmt
) -> Enumeration:
    members = Members([base], scope)
    for member, value in pairs:
        if value is None:
            members.add_auto(member)
        else:
            members.add(member, value)
    return Enumeration(
        name=name, base=base, members=members.members, aliases=members.aliases, place=scope.at(node)
    )


def _named_tuple(
    name: str, call: ast.Call, pairs: Sequence[_Pair], scope: Scope, node: ast.stmt
) -> Value:
    defaults = next((each.value for each in call.keywords if each.arg == "defaults"), None)
    given = defaults.elts if isinstance(defaults, ast.Tuple | ast.List) else []
    texts: list[str | None] = [*[None] * (len(pairs) - len(given)), *map(scope.literal, given)]
    fields = [
        Field(
            name=field,
            annotation=scope.annotation(annotation),
            default=default,
            place=scope.at(node),
        )
        for (field, annotation), default in zip(pairs, texts, strict=False)
    ]
    return Value(
        name=name,
        kind=ValueKind.NAMED_TUPLE,
        fields=tuple(fields),
        frozen=True,
        order=True,
        hashable=True,
        place=scope.at(node),
    )


def _field(pair: _Pair, scope: Scope, node: ast.stmt) -> Field:
    name, annotation = pair
    return Field(name=name, annotation=scope.annotation(annotation), place=scope.at(node))


def _pairs(listed: ast.expr) -> list[_Pair] | None:
    """Names, and what stands beside each; None if they are computed."""
    found: list[tuple[str | None, ast.expr | None]]
    match listed:
        case ast.Constant(value=str() as text):
            return [(name, None) for name in text.replace(",", " ").split()]
        case ast.Dict(keys=keys, values=values):
            found = [(string_of(key), value) for key, value in zip(keys, values, strict=True)]
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            found = [_pair(each) for each in elements]
        case _:
            return None
    pairs = [(name, value) for name, value in found if name is not None]
    return pairs if len(pairs) == len(found) else None


def _pair(node: ast.expr) -> tuple[str | None, ast.expr | None]:
    if isinstance(node, ast.Tuple | ast.List) and len(node.elts) == 2:
        return string_of(node.elts[0]), node.elts[1]
    return string_of(node), None
