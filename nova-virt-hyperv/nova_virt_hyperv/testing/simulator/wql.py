"""WQL, as far as clients of Hyper-V use it: SELECT, ASSOCIATORS OF, REFERENCES OF, object paths.

https://learn.microsoft.com/windows/win32/wmisdk/wql-sql-for-wmi
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyparsing as pp

__all__ = ["BadQuery", "ObjectPath", "Related", "Select", "parse", "parse_path"]

Values = Mapping[str, Any]
Condition = Callable[[Values], bool]
_NULL, _SERVER = object(), object()


class BadQuery(Exception):
    """The text is no query that WMI understands."""


@dataclass(frozen=True)
class Select:
    """The rows of a class for which a condition holds."""

    class_name: str
    fields: tuple[str, ...]
    """Empty for ``*``."""
    matches: Condition


@dataclass(frozen=True)
class ObjectPath:
    """Names one instance."""

    class_name: str
    keys: tuple[tuple[str, str], ...]
    host: str = ""
    namespace: str = ""


@dataclass(frozen=True)
class Related:
    """ASSOCIATORS OF {path}, or REFERENCES OF {path}."""

    path: ObjectPath
    association: str = ""
    result: str = ""
    associations_themselves: bool = False


def parse(text: str, server: str) -> Select | Related:
    """Parse a query; ``server`` is what ``__SERVER`` stands for. Raises BadQuery."""
    try:
        found = _query().parse_string(text, parse_all=True)[0]
    except pp.ParseBaseException as error:
        raise BadQuery(f"{error.msg} at character {error.loc} of: {text}") from error
    if isinstance(found, Related):
        return found
    name, fields, condition = found
    return Select(name, fields, lambda values: condition({**_lowered(values), "__server": server}))


def parse_path(text: str) -> ObjectPath:
    """Parse an object path. Raises BadQuery."""
    try:
        found: ObjectPath = _path().parse_string(text, parse_all=True)[0]
    except pp.ParseBaseException as error:
        raise BadQuery(f"{error.msg} at character {error.loc} of path: {text}") from error
    return found


def _lowered(values: Values) -> dict[str, Any]:
    return {name.lower(): value for name, value in values.items()}


def _optional(tokens: pp.ParseResults, name: str) -> str:
    return str(tokens[name]) if name in tokens else ""


def _unescaped(tokens: pp.ParseResults) -> str:
    return re.sub(r"\\(.)", r"\1", tokens[0][1:-1], flags=re.DOTALL)


def _name() -> pp.ParserElement:
    return pp.Word(pp.alphas + "_", pp.alphanums + "_")


def _string() -> pp.ParserElement:
    quoted = pp.Regex(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
    return quoted.set_parse_action(_unescaped)


@cache
def _path() -> pp.ParserElement:
    start = pp.Regex(r"\\\\(?P<host>[^\\]+)\\(?P<namespace>[^:]+):")
    key = pp.Group(_name() + pp.Suppress("=") + _string())
    path = pp.Optional(start)("start") + _name()("name")
    path = path + pp.Suppress(".") + pp.Group(pp.DelimitedList(key))("keys")

    def make(tokens: pp.ParseResults) -> ObjectPath:
        return ObjectPath(
            class_name=tokens["name"],
            keys=tuple((pair[0], pair[1]) for pair in tokens["keys"]),
            host=_optional(tokens, "host"),
            namespace=_optional(tokens, "namespace").replace("\\", "/"),
        )

    return path.set_parse_action(make)


@cache
def _query() -> pp.ParserElement:
    word = pp.CaselessKeyword
    stars = pp.Literal("*").set_parse_action(lambda: [()])
    names = pp.DelimitedList(_name()).set_parse_action(lambda tokens: [tuple(tokens)])
    select = pp.Suppress(word("SELECT")) + (stars | names) + pp.Suppress(word("FROM")) + _name()
    select = select + pp.Optional(pp.Suppress(word("WHERE")) + _condition())
    select.set_parse_action(
        lambda tokens: [(tokens[1], tokens[0], tokens[2] if len(tokens) > 2 else lambda _: True)]
    )
    return select | _related()


def _related() -> pp.ParserElement:
    word = pp.CaselessKeyword
    kind = word("ASSOCIATORS") | word("REFERENCES")
    setting = pp.Group((word("AssocClass") | word("ResultClass")) + pp.Suppress("=") + _name())
    path = pp.Suppress("{") + _path() + pp.Suppress("}")
    related = kind("kind") + pp.Suppress(word("OF")) + path("path")
    related = related + pp.Optional(
        pp.Suppress(word("WHERE")) + pp.Group(pp.OneOrMore(setting))("settings")
    )

    def make(tokens: pp.ParseResults) -> Related:
        settings = tokens["settings"] if "settings" in tokens else ()  # noqa: SIM401 - not typed
        given = {pair[0].lower(): pair[1] for pair in settings}
        return Related(
            path=next(item for item in tokens if isinstance(item, ObjectPath)),
            association=given.get("assocclass", ""),
            result=given.get("resultclass", ""),
            associations_themselves=tokens["kind"].upper() == "REFERENCES",
        )

    return related.set_parse_action(make)


def _condition() -> pp.ParserElement:
    word = pp.CaselessKeyword
    number = pp.Regex(r"-?\d+")
    truth = word("TRUE") | word("FALSE")
    null_word = word("NULL").set_parse_action(lambda: _NULL)
    server = word("__SERVER").set_parse_action(lambda: _SERVER)
    operand = _string() | number | truth | null_word | server
    operator = pp.one_of("= != <> <= >= < >") | word("LIKE")
    compared = _name() + operator + operand
    compared.set_parse_action(lambda tokens: [_comparison(*tokens)])
    negated = pp.Optional(word("NOT"))("negated")
    null = _name() + pp.Suppress(word("IS")) + negated + pp.Suppress(word("NULL"))
    null.set_parse_action(_null_test)
    notation: pp.ParserElement = pp.infix_notation(  # type: ignore[no-untyped-call]
        null | compared,
        [
            (word("NOT"), 1, pp.OpAssoc.RIGHT, _negation),
            (word("AND"), 2, pp.OpAssoc.LEFT, lambda tokens: _joined(all, tokens[0][::2])),
            (word("OR"), 2, pp.OpAssoc.LEFT, lambda tokens: _joined(any, tokens[0][::2])),
        ],
    )
    return notation


def _joined(how: Callable[..., bool], terms: list[Condition]) -> Condition:
    found = list(terms)
    return lambda values: how(term(values) for term in found)


def _negation(tokens: pp.ParseResults) -> Condition:
    inner: Condition = tokens[0][1]
    return lambda values: not inner(values)


def _null_test(tokens: pp.ParseResults) -> list[Condition]:
    name, negated = tokens[0].lower(), len(tokens) > 1
    return [lambda values: (values.get(name) is None) != negated]


def _comparison(name: str, operator: str, operand: Any) -> Condition:
    key = name.lower()

    def compare(values: Values) -> bool:
        found = values.get(key)
        if operand is _NULL:
            return (found is None) == (operator == "=")
        wanted = values["__server"] if operand is _SERVER else operand
        return found is not None and _holds(str(found), operator.upper(), wanted)

    return compare


def _holds(found: str, operator: str, wanted: str) -> bool:
    left, right = found.lower(), wanted.lower()
    if operator == "LIKE":
        return re.fullmatch(_like(right), left, re.DOTALL) is not None
    if operator in ("=", "!=", "<>"):
        return (left == right) == (operator == "=")
    numbers = (int(left), int(right)) if left.isdigit() and right.isdigit() else (left, right)
    smaller, equal = numbers[0] < numbers[1], numbers[0] == numbers[1]  # type: ignore[operator]
    wanted_smaller = operator.startswith("<")
    return (equal and operator.endswith("=")) or (not equal and smaller == wanted_smaller)


def _like(pattern: str) -> str:
    parts = re.findall(r"\[[^\]]*\]|.", pattern, re.DOTALL)
    meaning = {"%": ".*", "_": "."}
    return "".join(
        part if part.startswith("[") and len(part) > 2 else meaning.get(part, re.escape(part))
        for part in parts
    )
