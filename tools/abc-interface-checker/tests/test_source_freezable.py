"""The subset of Python that can be frozen."""

from __future__ import annotations

import testtools
from source_reading import read_text

HEAD = """\
import dataclasses, enum, os, typing
from dataclasses import dataclass, field
from typing import Protocol
from zope.interface import Attribute, Interface, taggedValue
"""
LINES = HEAD.count("\n")


class TestFreezable(testtools.TestCase):
    def found(self, text: str) -> list[tuple[str, int, str]]:
        read = read_text(HEAD + text, freezable=True)
        self.assertLessEqual({each.rule for each in read.findings}, {"contract-not-freezable"})
        self.assertEqual((), read.could_not_check)
        return [
            (each.element, each.place.line - LINES if each.place else 0, each.message)
            for each in read.findings
        ]

    def assert_found(self, element: str, line: int, word: str, text: str) -> None:
        found = self.found(text)
        self.assertEqual([(element, line)], [(each[0], each[1]) for each in found], str(found))
        self.assertIn(word, found[0][2])

    def test_nothing_is_said_unless_it_is_asked_for(self) -> None:
        self.assertEqual((), read_text("from os.path import *\n").findings)

    def test_modules(self) -> None:
        self.assert_found("m", 1, "everything", "from os.path import *\n")
        self.assert_found("m", 1, "exec", "exec('x = 1')\n")
        self.assert_found("m", 2, "globals", "\nglobals()['x'] = 1\n")
        self.assert_found("m", 1, "type()", "Thing = type('Thing', (), {})\n")
        self.assert_found("m", 1, "__getattr__", "def __getattr__(name): return 1\n")
        self.assert_found("m", 2, "deletes", "x = 1\ndel x\n")
        self.assert_found("m", 2, "condition", "if os.name:\n    __all__ = []\n")
        self.assert_found("m.Colour", 1, "call", "Colour = enum.Enum('Colour', 'RED')\n")
        text = "class IThing(Interface): pass\nIThing.x = 1\n"
        self.assert_found("m.IThing", 2, "changed", text)

    def test_heads_of_classes(self) -> None:
        self.assert_found(
            "m.Thing", 2, "condition", "if os.name:\n    class Thing(Protocol): pass\n"
        )
        self.assert_found(
            "m.Thing", 2, "twice", "class Thing(Protocol): pass\nclass Thing(Protocol): pass\n"
        )
        self.assert_found("m.Thing", 1, "bases", "class Thing(Protocol, os.x()): pass\n")
        self.assert_found("m.Thing", 1, "keywords", "class Thing(Protocol, **{}): pass\n")
        text = "class Meta(type): pass\nclass Thing(Protocol, metaclass=Meta): pass\n"
        self.assert_found("m.Thing", 2, "m.Meta", text)
        self.assert_found("m.Thing", 1, "decorators", "@lost\nclass Thing(Protocol): pass\n")
        self.assert_found("m.Thing", 1, "argument", "@os.x(os.y())\nclass Thing(Protocol): pass\n")

    def test_bodies(self) -> None:
        text = "class Thing(Protocol):\n    for x in os.x: y: int\n"
        self.assert_found("m.Thing", 2, "For", text)
        text = "class IThing(Interface):\n    taggedValue('since', os.x())\n"
        self.assert_found("m.IThing", 2, "Expr", text)
        text = "class Thing(Protocol):\n    x: int = os.x()[0]\n"
        self.assert_found("m.Thing.x", 2, "computed", text)
        text = "class Thing(Protocol):\n    def run(self, a=1, *, b=os.x()): ...\n"
        self.assert_found("m.Thing.run(b)", 2, "b is computed", text)
        text = "class Bad(Exception):\n    def __init__(self, a=os.x()): pass\n"
        self.assert_found("m.Bad.__init__(a)", 2, "a is computed", text)
        text = "@dataclass\nclass Size:\n    a: int = field(default=os.x()[1])\n"
        self.assert_found("m.Size.a", 3, "computed", text)

    def test_enumerations(self) -> None:
        text = "class Colour(enum.Enum):\n    RED = os.x()\n"
        self.assert_found("m.Colour.RED", 2, "computed", text)
        text = "class Colour(enum.Enum):\n    RED = 'x'\n    BLUE = enum.auto()\n"
        self.assert_found("m.Colour.BLUE", 3, "version of Python", text)
        text = "class Colour(enum.Enum):\n    A = 5\n    B = 3\n    C = enum.auto()\n"
        self.assert_found("m.Colour.C", 4, "version of Python", text)
        text = "class Colour(enum.Enum):\n    def __new__(cls, x): pass\n    RED = 1\n"
        self.assert_found("m.Colour.__new__", 1, "computes", text)

    def test_types(self) -> None:
        text = "class Thing(Protocol):\n    def run(self, a: Lost) -> int: ...\n"
        self.assert_found("m.Thing.run(a)", 2, "Lost", text)

    def test_what_is_allowed(self) -> None:
        text = """
if typing.TYPE_CHECKING:
    from uuid import UUID
try:
    import yaml
except ImportError:
    yaml = None
LIMIT = 60 * 60
folder = os.getcwd()
kind = type(folder)

class Plain:
    for x in (1, 2): pass
    y = os.getcwd()

class IThing(Interface):
    "Text."
    taggedValue("since", "1.0")
    x = Attribute("x")
    def run(a: "UUID", b=LIMIT, c=(1, "x", None), d=os.sep): "Run."

@dataclass(frozen=True)
class Size:
    a: int = LIMIT
    b: list = field(default_factory=list)
    __slots__ = ("a", "b")

class Colour(enum.Flag):
    A = enum.auto()
    B = 1 << 3
    C = A | B

class Bad(Exception):
    code = 3
    def __str__(self, x=os.getcwd()): return ""
"""
        self.assertEqual([], self.found(text))
