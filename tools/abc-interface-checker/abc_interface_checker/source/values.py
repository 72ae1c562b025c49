"""Values out of source: dataclasses, named tuples and typed dictionaries."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from abc_interface_checker.model import Field, Value, ValueKind
from abc_interface_checker.source.bodies import Body, Variable, read_body
from abc_interface_checker.source.docstrings import docstring
from abc_interface_checker.source.kinds import Kind, Kinds
from abc_interface_checker.source.marks import MarkReader
from abc_interface_checker.source.modules import ClassSource, unquoted
from abc_interface_checker.source.scope import Scope
from abc_interface_checker.source.transforms import OPTIONS, Transform

__all__ = ["ValueReader", "key_of"]

_ROOTS = frozenset({"abc.ABC", "object", "typing.Generic", "typing.NamedTuple", "typing.TypedDict"})
_SPECIFIER_ARGUMENTS = frozenset(
    {
        "alias",
        "converter",
        "default",
        "default_factory",
        "doc",
        "factory",
        "hash",
        "init",
        "kw_only",
        "metadata",
        "repr",
    }
)
"""Keywords of a field specifier that are no marks."""
_NOT_REQUIRED = "..."
"""In place of a default: a key that need not be there."""


@dataclass
class ValueReader:
    """Reads classes that are values, with what they inherit inside the package."""

    kinds: Kinds

    def __post_init__(self) -> None:
        self._known: dict[str, Value] = {}

    def read(self, source: ClassSource) -> Value:
        """The value that a class of a value's kind is."""
        if source.name not in self._known:
            kind = self.kinds.kind(source)
            # A class that inherits from itself ends here.
            self._known[source.name] = Value(name=source.name, kind=ValueKind(kind.value))
            self._known[source.name] = self._read(source, kind)
        return self._known[source.name]

    def _read(self, source: ClassSource, kind: Kind) -> Value:
        scope = self.kinds.scope(source.module).of_class(source)
        body = read_body(source)
        doc = docstring(source.node)
        marks = MarkReader(scope).decorators(source.node.decorator_list, OPTIONS).doc(doc)
        value = Value(
            name=source.name,
            kind=ValueKind(kind.value),
            bases=tuple(base for base in self.kinds.bases(source) if base and base not in _ROOTS),
            marks=marks.marks(),
            doc=doc,
            place=scope.at(source.node),
        )
        if kind is Kind.NAMED_TUPLE:
            return self._named_tuple(value, source, body, scope)
        if kind is Kind.TYPED_DICT:
            return self._typed_dict(value, source, body, scope)
        return self._dataclass(value, source, body, scope)

    def _parents(self, source: ClassSource, kind: Kind) -> list[Value]:
        """The values that a class inherits from directly, last base first."""
        found = []
        for base in reversed(self.kinds.bases(source)):
            ancestor = self.kinds.names.class_named(base) if base else None
            if ancestor is not None and self.kinds.kind(ancestor) is kind:
                found.append(self.read(ancestor))
        return found

    def _dataclass(self, value: Value, source: ClassSource, body: Body, scope: Scope) -> Value:
        parents = self._parents(source, Kind.DATACLASS)
        inherited = {each.name: each for parent in parents for each in parent.fields}
        made = self.kinds.transforms.of_class(source, self.kinds.family(source))
        if made is None:
            # A plain subclass constructs and compares as its parent does.
            parent = parents[-1] if parents else value
            return replace(
                value,
                fields=tuple(inherited.values()),
                frozen=parent.frozen,
                eq=parent.eq,
                order=parent.order,
                hashable=parent.hashable,
            )
        transform, given = made
        options = {**transform.options, **given}
        for each in _fields(body, scope, transform, options):
            inherited[each.name] = each
        eq, frozen = options.get("eq", True), options.get("frozen", False)
        return replace(
            value,
            fields=tuple(inherited.values()),
            frozen=frozen,
            eq=eq,
            order=options.get("order", False),
            hashable=_is_hashable(body, eq, frozen, options.get("unsafe_hash", False)),
            slots=options.get("slots", False) or "__slots__" in body.variables,
        )

    def _named_tuple(self, value: Value, source: ClassSource, body: Body, scope: Scope) -> Value:
        parents = self._parents(source, Kind.NAMED_TUPLE)
        fields = {each.name: each for parent in parents for each in parent.fields}
        if not parents:
            for variable in body.variables.values():
                if variable.annotation is not None:
                    fields[variable.name] = _simple(variable, scope)
        return replace(value, fields=tuple(fields.values()), frozen=True, order=True, hashable=True)

    def _typed_dict(self, value: Value, source: ClassSource, body: Body, scope: Scope) -> Value:
        parents = self._parents(source, Kind.TYPED_DICT)
        fields = {each.name: each for parent in parents for each in parent.fields}
        total = next(
            (key.value for key in source.node.keywords if key.arg == "total"), ast.Constant(True)
        )
        is_total = not (isinstance(total, ast.Constant) and total.value is False)
        for variable in body.variables.values():
            field = _simple(variable, scope)
            fields[variable.name] = key_of(field, variable.annotation, scope, is_total)
        return replace(value, fields=tuple(fields.values()))


def _fields(
    body: Body, scope: Scope, transform: Transform, options: Mapping[str, bool]
) -> Iterator[Field]:
    kw_only = options.get("kw_only", False)
    for variable in body.variables.values():
        if variable.annotation is None:
            continue
        kind = scope.name_of(variable.annotation)
        if kind == "dataclasses.KW_ONLY":
            kw_only = True
        elif kind != "typing.ClassVar":
            field = replace(_simple(variable, scope), kw_only=kw_only)
            if kind == "dataclasses.InitVar":
                tags = {**field.marks.tags, "init-only": "True"}
                field = replace(field, marks=replace(field.marks, tags=tags))
            call = variable.value
            if isinstance(call, ast.Call) and scope.name_of(call) in transform.specifiers:
                field = _specified(field, call, scope)
            yield field


def _simple(variable: Variable, scope: Scope) -> Field:
    """A field whose default, if there is one, is what it is assigned."""
    return Field(
        name=variable.name,
        annotation=scope.annotation(variable.annotation),
        default=None if variable.value is None else scope.literal(variable.value),
        marks=MarkReader(scope).doc(variable.doc).marks(),
        doc=variable.doc,
        place=scope.at(variable.node),
    )


def _specified(field: Field, call: ast.Call, scope: Scope) -> Field:
    """The field with what its specifier's keywords say."""
    keywords = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    marks = MarkReader(scope)
    marks.tags.update(field.marks.tags)
    if "metadata" in keywords:
        marks.mapping(keywords["metadata"])
    marks.keywords(call.keywords, _SPECIFIER_ARGUMENTS)
    default = None
    factory = keywords.get("default_factory", keywords.get("factory"))
    if "default" in keywords:
        default = scope.literal(keywords["default"])
    elif factory is not None:
        default = f"{scope.literal(factory)}()"
    return replace(
        field,
        default=default,
        init=_flag(keywords, "init", otherwise=True),
        kw_only=_flag(keywords, "kw_only", otherwise=field.kw_only),
        marks=marks.doc(field.doc).marks(),
    )


def _flag(keywords: Mapping[str, ast.expr], name: str, *, otherwise: bool) -> bool:
    node = keywords.get(name)
    return bool(node.value) if isinstance(node, ast.Constant) else otherwise


def key_of(field: Field, annotation: ast.expr | None, scope: Scope, is_total: bool) -> Field:
    """A key of a typed dictionary, with what the qualifiers of its type say of it."""
    node = annotation and unquoted(annotation)
    is_required, tags = is_total, dict(field.marks.tags)
    while isinstance(node, ast.Subscript):
        qualifier = scope.name_of(node)
        if qualifier in ("typing.Required", "typing.NotRequired"):
            is_required = qualifier == "typing.Required"
        elif qualifier == "typing.ReadOnly":
            tags["readonly"] = "True"
        node = node.slice
    default = None if is_required else _NOT_REQUIRED
    marks = replace(field.marks, tags=tags)
    return replace(field, default=default, kw_only=True, marks=marks)


def _is_hashable(body: Body, eq: bool, frozen: bool, unsafe_hash: bool) -> bool:
    written = body.variables.get("__hash__")
    if "__hash__" in body.functions:
        return True
    if written is not None:
        is_none = isinstance(written.value, ast.Constant) and written.value.value is None
        return not is_none
    return unsafe_hash or frozen or not eq
