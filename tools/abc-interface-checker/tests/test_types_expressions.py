"""One spelling for each type, out of source and out of live objects."""

from __future__ import annotations

import ast
import collections.abc
import enum
import pathlib
import re
import typing
import uuid
from collections.abc import Mapping
from typing import Any

import testtools
from hypothesis import given, settings
from hypothesis import strategies as st
from type_strategies import types

from abc_interface_checker.types.annotations import annotation_from_object, annotation_of
from abc_interface_checker.types.expressions import Unknown, expand, names, parse, render

_NAMES = {
    "Alias": "pkg.A | pkg.B",
    "Any": "typing.Any",
    "Callable": "typing.Callable",
    "Color": "pkg.Color",
    "List": "typing.List",
    "Literal": "typing.Literal",
    "Optional": "typing.Optional",
    "Seq": "collections.abc.Sequence",
    "UUID": "uuid.UUID",
    "t": "typing",
    "te": "typing_extensions",
}


def resolve(name: str) -> str | None:
    first, dot, rest = name.partition(".")
    known = _NAMES.get(first)
    return None if known is None else known + dot + rest


def read(text: str) -> str:
    return annotation_of(ast.parse(text, mode="eval").body, resolve).type


class TestSource(testtools.TestCase):
    def check(self, expected: Mapping[str, str]) -> None:
        for text, canonical in expected.items():
            self.assertEqual(canonical, read(text), text)

    def test_names_are_absolute(self) -> None:
        self.check(
            {
                "int": "int",
                "UUID": "uuid.UUID",
                "Color.Inner": "pkg.Color.Inner",
                "t.Sequence[int]": "collections.abc.Sequence[int]",
                "te.Self": "typing.Self",
                "List[int]": "list[int]",
                "t.Dict[str, UUID]": "dict[str, uuid.UUID]",
                "t.Tuple": "tuple",
                "t.NoReturn": "typing.Never",
                "t.Text": "str",
                "Alias": "pkg.A | pkg.B",
            }
        )

    def test_unions_are_sorted_with_none_at_the_end(self) -> None:
        self.check(
            {
                "None | str | int | str": "int | str | None",
                "Optional[int]": "int | None",
                "t.Union[None, Optional[UUID], int]": "int | uuid.UUID | None",
                "t.Union[int]": "int",
                "Literal['b'] | Literal['a'] | None": "typing.Literal['a', 'b'] | None",
            }
        )

    def test_strings_are_read(self) -> None:
        self.check(
            {
                "'UUID'": "uuid.UUID",
                "'UUID' | None": "uuid.UUID | None",
                "List['UUID | None']": "list[uuid.UUID | None]",
                "'\\n  UUID |\\n  None'": "uuid.UUID | None",
            }
        )

    def test_literals(self) -> None:
        self.check(
            {
                "Literal['b', 'a', None]": "typing.Literal['a', 'b'] | None",
                "Literal[-1, True, b'x']": "typing.Literal[-1, True, b'x']",
                "Literal[Color.RED]": "typing.Literal[pkg.Color.RED]",
                "Literal[Literal['a'], 'b']": "typing.Literal['a', 'b']",
                "Literal[None]": "None",
                "Literal['ü']": "typing.Literal['\\xfc']",
                "Literal[1.5]": "Unknown['Literal[1.5]']",
            }
        )

    def test_callables(self) -> None:
        self.check(
            {
                "Callable": "collections.abc.Callable[..., typing.Any]",
                "Callable[..., int]": "collections.abc.Callable[..., int]",
                "Callable[[], None]": "collections.abc.Callable[[], None]",
                "Callable[[int, 'UUID'], List[int]]": (
                    "collections.abc.Callable[[int, uuid.UUID], list[int]]"
                ),
                "Callable[P, int]": "Unknown['Callable[P, int]']",
            }
        )

    def test_what_says_nothing_is_dropped(self) -> None:
        self.check(
            {
                "t.Annotated[int, 'bytes']": "int",
                "t.ClassVar[int]": "int",
                "te.NotRequired[int]": "int",
                "t.Dict[Any, Any]": "dict",
                "tuple[Any, ...]": "tuple",
                "tuple[Any]": "tuple[typing.Any]",
                "t.Generator[int, None, None]": "collections.abc.Generator[int]",
                "t.Generator[int, None, str]": "collections.abc.Generator[int, None, str]",
            }
        )

    def test_tuples(self) -> None:
        self.check(
            {
                "tuple[()]": "tuple[()]",
                "tuple[int, ...]": "tuple[int, ...]",
                "tuple[int, str]": "tuple[int, str]",
            }
        )

    def test_what_is_not_understood_is_unknown(self) -> None:
        self.check(
            {
                "Nobody": "Unknown['Nobody']",
                "nobody.Knows[int]": "Unknown['nobody.Knows[int]']",
                "f(1, x=2)": "Unknown['f(1, x=2)']",
                "int and str": "Unknown['<BoolOp>']",
                "'int ('": "Unknown['int (']",
                "Optional": "Unknown['Optional']",
                "tuple[*Ts]": "Unknown['tuple[*Ts]']",
                "Optional[Nobody]": "Unknown['Nobody'] | None",
            }
        )

    def test_deep_nesting_is_unknown(self) -> None:
        self.assertIsInstance(parse("(" * 5000 + "int" + ")" * 5000), Unknown)
        self.assertIsInstance(parse(" | ".join(["int"] * 3000)), Unknown)
        node: ast.expr = ast.Name("int")
        for _ in range(3000):
            node = ast.BinOp(node, ast.BitOr(), ast.Name("int"))
        self.assertEqual("Unknown['<deeply nested>']", annotation_of(node, resolve).type)

    def test_the_spelling_is_kept_where_it_is_another(self) -> None:
        for text, written in (
            ("int", ""),
            ("UUID", "UUID"),
            ("Optional[ int ]", "Optional[int]"),
            ("t.Dict[str,\n  int]", "t.Dict[str, int]"),
            ("'UUID'", "'UUID'"),
            ("t.Final[int]", ""),
            ("Literal[-1]", "Literal[-1]"),
            ("Callable[[int], str]", "Callable[[int], str]"),
        ):
            node = ast.parse(text, mode="eval").body
            self.assertEqual(written, annotation_of(node, resolve).written, text)

    def test_types_that_mean_the_same_are_equal(self) -> None:
        first = annotation_of(ast.parse("Optional[int]", mode="eval").body, resolve)
        self.assertEqual(first, annotation_of(ast.parse("None | int", mode="eval").body, resolve))


class Color(enum.Enum):
    RED = 1


_Id = typing.NewType("_Id", int)
_Either = int | str


class TestObjects(testtools.TestCase):
    def check(self, pairs: list[tuple[Any, str]]) -> None:
        for hint, expected in pairs:
            self.assertEqual(expected, annotation_from_object(hint, globals()).type, str(hint))

    def test_hints(self) -> None:
        here = __name__
        self.check(
            [
                (int, "int"),
                (None, "None"),
                (typing.Optional[uuid.UUID], "uuid.UUID | None"),  # noqa: UP045
                (int | None, "int | None"),
                (typing.List[int], "list[int]"),  # noqa: UP006
                (typing.List, "list"),  # noqa: UP006
                (tuple[()], "tuple[()]"),
                (tuple[int, ...], "tuple[int, ...]"),
                (collections.abc.Callable[[int], str], "collections.abc.Callable[[int], str]"),
                (collections.abc.Callable[..., int], "collections.abc.Callable[..., int]"),
                (typing.Callable, "collections.abc.Callable[..., typing.Any]"),
                (
                    typing.Literal[Color.RED, "x", None],
                    f"typing.Literal['x', {here}.Color.RED] | None",
                ),
                (typing.Any, "typing.Any"),
                (typing.Self, "typing.Self"),
                (typing.NoReturn, "typing.Never"),
                (typing.Annotated[int, 3], "int"),
                (pathlib.Path, "pathlib.Path"),
                (re.Pattern[str], "re.Pattern[str]"),
                (typing.ContextManager[int], "contextlib.AbstractContextManager[int]"),
                (_Id, f"{here}._Id"),
                (Color, f"{here}.Color"),
                (3, "Unknown['int']"),
            ]
        )

    def test_strings_are_looked_up_in_the_namespace(self) -> None:
        here = __name__
        self.check(
            [
                ("uuid.UUID | None", "uuid.UUID | None"),
                ("_Either | Color", f"int | str | {here}.Color"),
                ("typing.Literal[Color.RED]", f"typing.Literal[{here}.Color.RED]"),
                ("Nobody", "Unknown['Nobody']"),
                ("uuid.Nobody", "Unknown['uuid.Nobody']"),
                (typing.ForwardRef("Color"), f"{here}.Color"),
            ]
        )

    def test_without_a_namespace_only_python_is_known(self) -> None:
        self.assertEqual("int | None", annotation_from_object("int | None").type)
        self.assertEqual("Unknown['Color']", annotation_from_object("Color").type)

    def test_source_and_object_agree(self) -> None:
        for text in ("int | None", "list[int]", "tuple[int, ...]", "dict[str, list[bytes]]"):
            self.assertEqual(annotation_from_object(eval(text)).type, read(text))  # noqa: S307


class TestLanguage(testtools.TestCase):
    @settings(deadline=None)
    @given(types())
    def test_what_is_written_is_read_back(self, text: str) -> None:
        self.assertEqual(text, render(parse(text)))
        self.assertEqual(parse(text), parse(render(parse(text))))

    @settings(deadline=None)
    @given(st.text(alphabet="aA.[]()|,'\" 0*-\n\0Unkow", max_size=30))
    def test_any_text_is_read(self, text: str) -> None:
        made = render(parse(text))
        self.assertEqual(made, render(parse(made)))

    def test_aliases_are_expanded_at_any_depth(self) -> None:
        targets = {"p.Source": "p.Blank | p.Image", "p.Image": "uuid.UUID | None"}
        self.assertEqual(
            "list[p.Blank | uuid.UUID | None]",
            render(expand(parse("list[p.Source]"), targets)),
        )
        self.assertEqual(
            "collections.abc.Callable[[uuid.UUID | None], None]",
            render(expand(parse("collections.abc.Callable[[p.Image], None]"), targets)),
        )

    def test_an_alias_of_itself_ends(self) -> None:
        targets = {"p.Json": "dict[str, p.Json] | list[p.Json] | str"}
        self.assertEqual(
            "dict[str, p.Json] | list[p.Json] | str", render(expand(parse("p.Json"), targets))
        )

    def test_names(self) -> None:
        found = set(names(parse("dict[str, p.A] | typing.Literal['x.y', p.C.RED] | None")))
        self.assertEqual({"dict", "str", "p.A", "p.C"}, found)
