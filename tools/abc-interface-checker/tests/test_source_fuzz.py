"""No source makes the reader crash: what it cannot read it says, with the place."""

from __future__ import annotations

import ast
import random
import sysconfig
from pathlib import Path

import testtools
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abc_interface_checker.source import frozen
from abc_interface_checker.source.reader import Read, Reading, read_package
from abc_interface_checker.source.sources import Sources

LIBRARY = Path(sysconfig.get_path("stdlib"))
FREEZABLE = Reading(freezable=True)
COMPUTED = {"its __all__ is computed", "its members are computed"}
LANGUAGE = """
class def return yield async await import from as if else try except for in with lambda Protocol
Interface Enum dataclass NamedTuple TypedDict ABC Exception field auto property x y self int str
None ... = : , . ( ) [ ] { } | -> @ * ** / + 1 'a' #
"""
WORDS = [*LANGUAGE.split(), '"' * 3, "\n", "\n    ", "\n\t", "\\"]
HARD = """\
from typing import *
---
from m import x
---
import m
x = m.x
---
x = y
y = x
---
x = (y,)
y = (x,)
---
x = x | int
---
class A(A): pass
---
class A(B): pass
class B(A): pass
---
from dataclasses import *
@dataclass
class A(B):
    a: B = A
@dataclass
class B(A): pass
---
from enum import Enum, auto
class A(Enum):
    a = b = auto()
    c = c
    d = A.d
---
from typing import NamedTuple, TypedDict
class A(NamedTuple, TypedDict): a: 'A['
---
from zope.interface import *
class IA(Interface):
    x = Attribute(*a, **b)
    taggedValue()
---
from typing import Protocol
class A(Protocol):
    def f(): ...
    x, y = 1, 2
    f.x = 3
---
from typing import Protocol
class A(Protocol):
    @property
    def f(self): ...
    @f.setter
    def f(self, x): ...
    f = f
---
from typing import overload, Protocol
class A(Protocol):
    @overload
    def f(self): ...
    @overload
    def f(self, *a, b, **c): ...
    @overload
    def f(a, b, /, c=1): ...
---
__all__ = ['x', *m.__all__]
import m
---
class A[T](B[T]): pass
type X = X | None
---
class A(Exception):
    x = y = ''
    __init__ = None
    def __init__(): pass
---
from abc import ABC
class A(ABC, metaclass=lambda: 1, x=2): exec('1')
---
x: 'int' = 1
x.y: int
x[0]: int
(x): int
"""
PIECES = HARD.split("---\n")
"""Code that is hard to read, each on its own and one behind the other."""


def read(text: str) -> Read:
    """Read a module with everything switched on, and freeze what was read."""
    found = read_package(Sources.from_texts({"m.py": text}), FREEZABLE)
    content = frozen.to_bytes(found.package)
    if frozen.from_bytes(content) != found.package:
        raise AssertionError("what was frozen does not read back")
    frozen.dump(found.package)
    return found


class TestFuzz(testtools.TestCase):
    def assert_honest(self, text: str) -> None:
        """What Python does not parse is said, with the file and a line in it."""
        found = read(text)
        try:
            ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            [unchecked] = found.could_not_check
            place = unchecked.place
            self.assertEqual("m.py", place.path if place else "")
            self.assertGreater(place.line if place else 0, 0)

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        self.assert_honest(text)

    @given(st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join))
    def test_words_of_the_language(self, text: str) -> None:
        self.assert_honest(text)

    @settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=5))
    def test_what_is_hard_to_read(self, pieces: list[str]) -> None:
        self.assert_honest("".join(pieces))

    def test_depth(self) -> None:
        for text in (
            "x = " + "(" * 500 + ")" * 500,
            "x = " + "1 + " * 20000 + "1",
            "x = " + "a." * 5000 + "a",
            "x: " + "list[" * 80 + "int" + "]" * 80 + " = 1",
            "from typing import Protocol\nclass A(Protocol):\n    def f(self, a: "
            + "int | " * 20000
            + "str): ...",
            "class A(Exception):\n    x = " + "-" * 3000 + "1",
            "".join(f"{' ' * at}class A{at}:\n" for at in range(90)) + " " * 90 + "pass",
            "".join(f"class A{at}(A{at + 1}): pass\n" for at in range(3000)),
            "".join(f"x{at} = x{at + 1}\n" for at in range(3000)),
        ):
            self.assert_honest(text)

    def test_the_standard_library(self) -> None:
        """A part of it, always the same one, as it is and with lines lost and moved."""
        chosen = random.Random(1)  # noqa: S311 - no secret depends on it
        modules = sorted(LIBRARY.glob("*.py")) + sorted((LIBRARY / "asyncio").glob("*.py"))
        for path in chosen.sample(modules, 40):
            text = path.read_text(encoding="utf-8", errors="replace")
            reasons = {each.reason for each in read(text).could_not_check}
            self.assertLessEqual(reasons, COMPUTED, path.name)
            lines = text.splitlines(keepends=True)
            for _ in range(3):
                at = chosen.randrange(len(lines))
                lines[at : at + 2] = reversed(lines[at : at + 3])
                self.assert_honest("".join(lines))
