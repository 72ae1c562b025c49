"""What an author says about an element: keywords of decorators and field specifiers, tagged values
and deprecations.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from abc_interface_checker.model import Marks
from abc_interface_checker.source.docstrings import deprecation
from abc_interface_checker.source.modules import string_of
from abc_interface_checker.source.scope import Scope

__all__ = ["MarkReader", "is_known_package"]

_KNOWN = frozenset(
    {"abc", "builtins", "contextlib", "dataclasses", "enum", "functools", "typing", "warnings"}
)
_SAY_NOTHING = frozenset({("advisory", "False"), ("advisory", "None")})
_DEPRECATED = frozenset({"typing.deprecated", "warnings.deprecated"})


def is_known_package(name: str) -> bool:
    """Whether a decorator of this name is Python's or zope's own, whose keywords are no marks."""
    return name.partition(".")[0] in _KNOWN or name.startswith("zope.")


@dataclass(slots=True)
class MarkReader:
    """Gathers the marks of one element."""

    scope: Scope
    since: str | None = None
    deprecated: str | None = None
    optional: bool = False
    open: bool = False
    newer: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def decorators(self, nodes: Iterable[ast.expr], ignored: Iterable[str] = ()) -> MarkReader:
        """Take the keywords of decorators, but for those that are ``ignored``."""
        for node in nodes:
            name = self.scope.name_of(node)
            if name in _DEPRECATED:
                text = string_of(node.args[0]) if isinstance(node, ast.Call) and node.args else ""
                self.deprecated = text or ""
            elif name == "typing.runtime_checkable":
                self.tags["runtime_checkable"] = "True"
            elif isinstance(node, ast.Call) and not is_known_package(name):
                self.keywords(node.keywords, ignored)
        return self

    def keywords(self, keywords: Iterable[ast.keyword], ignored: Iterable[str] = ()) -> None:
        """Take literal keyword arguments."""
        for keyword in keywords:
            if keyword.arg is not None and keyword.arg not in ignored:
                self.take(keyword.arg, keyword.value)

    def mapping(self, node: ast.expr) -> None:
        """Take the items of a literal dictionary with strings for keys."""
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                name = string_of(key)
                if name is not None:
                    self.take(name, value)

    def tagged(self, key: ast.expr, value: ast.expr) -> None:
        """Take one tagged value whose name is a literal."""
        name = string_of(key)
        if name is not None:
            self.take(name, value)

    def take(self, name: str, node: ast.expr) -> None:
        """Take one mark if its content is plain."""
        if not self.scope.is_plain(node):
            return
        text = self.scope.literal(node)
        if name == "since":
            self.since = _content(text)
        elif name == "deprecated":
            self.deprecated = None if text in ("None", "False") else _content(text)
        elif name == "optional":
            self.optional = text == "True"
        elif name == "open":
            self.open = text == "True"
        elif name == "newer":
            self._take_newer(node)
        elif (name, text) not in _SAY_NOTHING:
            self.tags[name] = text

    def doc(self, text: str) -> MarkReader:
        """Take the deprecation that a docstring tells, unless there is one already."""
        if self.deprecated is None:
            self.deprecated = deprecation(text)
        return self

    def marks(self) -> Marks:
        """All of it, but for what is about enumerations only."""
        return Marks(
            since=self.since,
            deprecated=self.deprecated,
            optional=self.optional,
            tags=dict(sorted(self.tags.items())),
        )

    def _take_newer(self, node: ast.expr) -> None:
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                name = string_of(key)
                if name is not None:
                    self.newer[name] = _content(self.scope.literal(value))


def _content(literal: str) -> str:
    """The text of a string literal; any other literal as it is."""
    value: object = ast.literal_eval(literal) if literal[:1] in ("'", '"') else literal
    return str(value)
