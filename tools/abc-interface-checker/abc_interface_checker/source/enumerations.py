"""Enumerations out of source."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field

from abc_interface_checker.model import Enumeration
from abc_interface_checker.source.bodies import is_dunder, read_body
from abc_interface_checker.source.docstrings import docstring
from abc_interface_checker.source.kinds import Kinds
from abc_interface_checker.source.literals import is_plain, number, spell, value_text
from abc_interface_checker.source.marks import MarkReader
from abc_interface_checker.source.modules import ClassSource
from abc_interface_checker.source.scope import Scope
from abc_interface_checker.types.syntax import dotted_name

__all__ = ["Members", "read_enumeration"]

_FLAGS = ("enum.Flag", "enum.IntFlag")
_NO_MEMBER = frozenset({"classmethod", "enum.nonmember", "property", "staticmethod"})


@dataclass(slots=True)
class Members:
    """Members as they come, one by one."""

    bases: Sequence[str]
    scope: Scope
    members: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    doubtful: dict[str, str] = field(default_factory=dict)
    """Member to why its value cannot be told from the source for sure."""
    by_name: str = ""
    """``lower``, ``upper`` or ``name``: what ``auto()`` makes of a member's name."""

    def add(self, name: str, node: ast.expr) -> None:
        """The member of this name and value, or another name of one with that value."""
        if isinstance(node, ast.Call) and self.scope.name_of(node) == "enum.member" and node.args:
            node = node.args[0]
        if isinstance(node, ast.Call) and self.scope.name_of(node) == "enum.auto":
            self.add_auto(name)
            return
        if not is_plain(node, self._look):
            self.doubtful[name] = f"{name} is computed: write the literal"
        self._add(name, spell(node, self._look))

    def add_auto(self, name: str) -> None:
        """The member whose value is ``auto()``."""
        self._add(name, self._next(name))

    def _add(self, name: str, text: str) -> None:
        original = next((n for n, value in self.members.items() if _equal(value, text)), None)
        if original is None:
            self.members[name] = text
        else:
            self.aliases[name] = original

    def _look(self, node: ast.expr) -> str | None:
        written = dotted_name(node)
        if written in self.members:
            return self.members[written]
        if written in self.aliases:
            return self.members[self.aliases[written]]
        return self.scope.look(node)

    def _next(self, name: str) -> str:
        """What ``auto()`` gives."""
        if self.by_name:
            return value_text(
                {"lower": name.lower(), "upper": name.upper()}.get(self.by_name, name)
            )
        if "enum.StrEnum" in self.bases:
            return value_text(name.lower())
        numbers = [number(value) for value in self.members.values()]
        whole = [each for each in numbers if isinstance(each, int)]
        # After a smaller value than an earlier one, 3.11.2 counts on from the last, others from the
        # largest.
        if len(whole) < len(numbers) or (whole and whole[-1] != max(whole)):
            self.doubtful[name] = f"what auto() gives for {name} depends on the version of Python"
        if any(base in _FLAGS for base in self.bases):
            highest = max(whole, default=0)
            return str(1 << max(highest, 0).bit_length())
        return str(max(whole) + 1 if whole else 1)


def read_enumeration(source: ClassSource, kinds: Kinds) -> tuple[Enumeration, Members]:
    """The enumeration that a class is, and how its members were found."""
    scope = kinds.scope(source.module).of_class(source)
    body = read_body(source)
    members = Members(_roots(source, kinds), scope)
    members.by_name = _auto_by_name(source, kinds)
    ignored = _ignored(body.variables["_ignore_"].value) if "_ignore_" in body.variables else ()
    for name, variable in body.variables.items():
        is_special = name.startswith("_") and name.endswith("_")
        is_mangled = name.startswith("__") and not is_dunder(name)
        if variable.value is None or is_special or is_mangled or name in ignored:
            continue
        is_helper = isinstance(variable.value, ast.Call) and (
            scope.name_of(variable.value) in _NO_MEMBER
        )
        if not is_helper and not isinstance(variable.value, ast.Lambda):
            members.add(name, variable.value)
    for special in ("__new__", "_generate_next_value_"):
        is_known = special != "__new__" and members.by_name
        if (special in body.functions or special in body.variables) and not is_known:
            members.doubtful[special] = f"{special} computes the members' values"
    doc = docstring(source.node)
    marks = MarkReader(scope).decorators(source.node.decorator_list).doc(doc)
    enumeration = Enumeration(
        name=source.name,
        base=", ".join(each for each in kinds.bases(source) if each) or "enum.Enum",
        members=members.members,
        aliases=members.aliases,
        open=marks.open,
        member_since=dict(sorted(marks.newer.items())),
        marks=marks.marks(),
        doc=doc,
        place=scope.at(source.node),
    )
    return enumeration, members


def _roots(source: ClassSource, kinds: Kinds) -> list[str]:
    """The bases of a class and of those of its ancestors that the package defines."""
    return [base for each in kinds.family(source) for base in kinds.bases(each)]


def _auto_by_name(source: ClassSource, kinds: Kinds) -> str:
    """What ``_generate_next_value_`` returns, if it is the member's name as `Members` knows it."""
    for each in kinds.family(source):
        for node in read_body(each).functions.get("_generate_next_value_", ()):
            match node.body[-1]:
                case ast.Return(value=ast.Name(id="name")):
                    return "name"
                case ast.Return(
                    value=ast.Call(
                        func=ast.Attribute(value=ast.Name(id="name"), attr=attr), args=[]
                    )
                ) if attr in ("lower", "upper"):
                    return attr
    return ""


def _ignored(node: ast.expr | None) -> tuple[str, ...]:
    match node:
        case ast.Constant(value=str() as text):
            return tuple(text.replace(",", " ").split())
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return tuple(str(each.value) for each in elements if isinstance(each, ast.Constant))
    return ()


def _equal(first: str, second: str) -> bool:
    """Whether two canonical literals are equal for Python: 1, 1.0 and True are."""
    return first == second or (
        _as_number(first) is not None and _as_number(first) == _as_number(second)
    )


def _as_number(text: str) -> int | float | None:
    return {"True": 1, "False": 0}.get(text, number(text))
