"""Exceptions out of source."""

from __future__ import annotations

from abc_interface_checker.model import ExceptionClass, Signature
from abc_interface_checker.source.bodies import is_dunder, read_body
from abc_interface_checker.source.docstrings import docstring
from abc_interface_checker.source.kinds import Kinds
from abc_interface_checker.source.marks import MarkReader
from abc_interface_checker.source.modules import ClassSource
from abc_interface_checker.source.signatures import signature_of

__all__ = ["read_exception"]


def read_exception(source: ClassSource, kinds: Kinds) -> ExceptionClass:
    """The exception that a class is."""
    scope = kinds.scope(source.module).of_class(source)
    body = read_body(source)
    doc = docstring(source.node)
    init: Signature | None = None
    if "__init__" in body.functions:
        init = signature_of(body.functions["__init__"][-1], scope, is_bound=True)
    return ExceptionClass(
        name=source.name,
        bases=tuple(base for base in kinds.bases(source) if base and base != "typing.Generic"),
        init=init,
        attributes={
            name: scope.literal(variable.value)
            for name, variable in body.variables.items()
            if variable.value is not None and not is_dunder(name)
        },
        marks=MarkReader(scope).decorators(source.node.decorator_list).doc(doc).marks(),
        doc=doc,
        place=scope.at(source.node),
    )
