"""Defaults and constants in one spelling."""

from __future__ import annotations

import ast

import testtools
from hypothesis import given
from hypothesis import strategies as st

from abc_interface_checker.source.docstrings import cleaned
from abc_interface_checker.source.literals import is_plain, spell, value_text

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers().map(lambda number: number << 20000),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(),
)
LITERALS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=3), inner, max_size=3),
    ),
)


def nothing(_: ast.expr) -> None:
    """Knows no names."""


def spelled(text: str) -> str:
    return spell(ast.parse(text, mode="eval").body, nothing)


class TestSpelling(testtools.TestCase):
    @given(SCALARS)
    def test_scalars_read_back(self, value: object) -> None:
        text = value_text(value)
        self.assertEqual(value, ast.literal_eval(text))
        self.assertTrue(text.isascii())
        self.assertEqual(text, spelled(text))

    @given(LITERALS)
    def test_containers_read_back(self, value: object) -> None:
        tree = ast.Expression(_tree(value))
        text = spell(tree.body, nothing)
        self.assertEqual(value, ast.literal_eval(text))
        self.assertEqual(text, spelled(text))
        self.assertTrue(is_plain(tree.body, nothing))

    def test_numbers_are_worked_out(self) -> None:
        for written, expected in (
            ("60 * 60", "3600"),
            ("1 << 4 | 1", "17"),
            ("-(2 + 3)", "-5"),
            ("0.5 * 4", "2.0"),
            ("2 ** 10", "1024"),
            ("~0", "-1"),
            ("7 // 2", "3"),
            ("1e999", "1e309"),
        ):
            self.assertEqual(expected, spelled(written))

    def test_numbers_that_are_too_large_are_left(self) -> None:
        for written in ("9 ** 9 ** 9", "1 << 100000", "1 // 0", "'a' * 10 ** 9"):
            tree = ast.parse(written, mode="eval").body
            self.assertFalse(is_plain(tree, nothing))
            self.assertLess(len(spell(tree, nothing)), 300)

    def test_what_is_no_literal_keeps_its_structure(self) -> None:
        self.assertEqual(
            "f(1, *<Starred value=a>, x=2)".replace("*<Starred value=a>", "<Starred value=a>"),
            spelled("f(1, *a, x=2)"),
        )
        self.assertEqual(spelled("lambda x: x + 1"), spelled("lambda x:  (x + 1)"))
        self.assertNotEqual(spelled("lambda x: x + 1"), spelled("lambda x: x + 2"))

    def test_sets_have_no_order(self) -> None:
        self.assertEqual(spelled("{3, 1, 2}"), spelled("{2, 3, 1}"))


def _tree(value: object) -> ast.expr:
    if isinstance(value, list):
        return ast.List([_tree(each) for each in value], ast.Load())
    if isinstance(value, tuple):
        return ast.Tuple([_tree(each) for each in value], ast.Load())
    if isinstance(value, dict):
        return ast.Dict([_tree(key) for key in value], [_tree(each) for each in value.values()])
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)  # type: ignore[arg-type]


class TestDocstrings(testtools.TestCase):
    def test_indentation_goes(self) -> None:
        self.assertEqual("One.\n\nTwo\n  three.", cleaned("  One.\n\n    Two\n      three.\n    "))
