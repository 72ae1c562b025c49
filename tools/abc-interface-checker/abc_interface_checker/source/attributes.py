"""Attributes of interfaces: zope's, annotated ones, and class constants."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace

from abc_interface_checker.model import Annotation, Attribute, InterfaceKind
from abc_interface_checker.source.bodies import Variable
from abc_interface_checker.source.docstrings import cleaned
from abc_interface_checker.source.marks import MarkReader
from abc_interface_checker.source.modules import string_of
from abc_interface_checker.source.scope import Scope
from abc_interface_checker.types.expressions import parse, render, union

__all__ = ["read_attribute"]

_READ_ONLY = frozenset({"typing.ClassVar", "typing.Final", "typing.ReadOnly"})
_SCHEMA: Mapping[str, str] = {
    "ASCII": "str",
    "ASCIILine": "str",
    "Bool": "bool",
    "Bytes": "bytes",
    "BytesLine": "bytes",
    "Date": "datetime.date",
    "Datetime": "datetime.datetime",
    "Decimal": "decimal.Decimal",
    "Dict": "dict",
    "DottedName": "str",
    "Float": "float",
    "FrozenSet": "frozenset",
    "Id": "str",
    "Int": "int",
    "List": "list",
    "Mapping": "collections.abc.Mapping",
    "NativeString": "str",
    "NativeStringLine": "str",
    "Password": "str",
    "Sequence": "collections.abc.Sequence",
    "Set": "set",
    "SourceText": "str",
    "Text": "str",
    "TextLine": "str",
    "Time": "datetime.time",
    "Timedelta": "datetime.timedelta",
    "Tuple": "tuple",
    "URI": "str",
}
"""Content of the fields of ``zope.schema``."""
_TEXTS = ("title", "description", "__doc__", "__name__")
_SCHEMA_ARGUMENTS = frozenset({*_TEXTS, "default", "missing_value", "readonly", "required"})


def read_attribute(variable: Variable, scope: Scope, kind: InterfaceKind) -> Attribute:
    """The attribute that a variable of an interface's body asks for.

    zope's ``Attribute`` promises no more than that it can be read, unless a keyword says
    ``readonly=False``; a field of ``zope.schema`` can be set unless it says otherwise.
    """
    marks = MarkReader(scope)
    is_read_only = scope.name_of(variable.annotation) in _READ_ONLY
    attribute = Attribute(
        name=variable.name,
        annotation=_annotation(variable.annotation, scope),
        doc=variable.doc,
        place=scope.at(variable.node),
    )
    constant = None
    if kind is InterfaceKind.ZOPE and isinstance(variable.value, ast.Call):
        attribute, is_read_only = _declared(attribute, variable.value, scope)
        marks.keywords(variable.value.keywords, _SCHEMA_ARGUMENTS)
    elif variable.value is not None and scope.is_plain(variable.value):
        constant = scope.literal(variable.value)
    if kind is InterfaceKind.ABC and variable.value is not None:
        # Implementers inherit it.
        marks.optional = True
    return replace(
        attribute,
        readonly=is_read_only,
        constant=constant,
        marks=marks.doc(attribute.doc).marks(),
    )


def _annotation(node: ast.expr | None, scope: Scope) -> Annotation | None:
    """The type of what is in the variable; a bare ``Final`` leaves it open."""
    if isinstance(node, ast.Name | ast.Attribute) and scope.name_of(node) in _READ_ONLY:
        return None
    return scope.annotation(node)


def _declared(attribute: Attribute, call: ast.Call, scope: Scope) -> tuple[Attribute, bool]:
    """What a call says of an attribute, and whether it cannot be set."""
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    module, _, name = scope.name_of(call).rpartition(".")
    is_schema = module.startswith("zope.schema")
    annotation = attribute.annotation
    if is_schema and annotation is None and name in _SCHEMA:
        annotation = _content(_SCHEMA[name], keywords, scope)
    readonly = keywords.get("readonly")
    is_read_only = not is_schema
    if isinstance(readonly, ast.Constant):
        is_read_only = bool(readonly.value)
    texts = [string_of(argument) for argument in call.args[:1]] if not is_schema else []
    texts += [string_of(keywords[key]) for key in _TEXTS[:3] if key in keywords]
    doc = "\n\n".join(cleaned(text) for text in texts if text)
    return replace(attribute, annotation=annotation, doc=doc or attribute.doc), is_read_only


def _content(name: str, keywords: Mapping[str | None, ast.expr], scope: Scope) -> Annotation:
    """The type of a field's content, with that of its elements and with None if it may be empty."""
    content = parse(name)
    element = scope.name_of(keywords.get("value_type")).rpartition(".")[2]
    if element in _SCHEMA and name in ("collections.abc.Sequence", "frozenset", "list", "set"):
        content = parse(f"{name}[{_SCHEMA[element]}]")
    required = keywords.get("required")
    if isinstance(required, ast.Constant) and required.value is False:
        content = union((content, parse("None")))
    return Annotation(render(content))
