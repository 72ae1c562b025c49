"""What is known of classes, and values of types as code."""

from __future__ import annotations

import ast
import sys

import testtools
from hypothesis import given, settings
from type_strategies import TableOfClasses, types

from abc_interface_checker.model import (
    Alias,
    Annotation,
    Enumeration,
    ExceptionClass,
    Interface,
    InterfaceKind,
    Package,
    Value,
    ValueKind,
)
from abc_interface_checker.types.assignability import assignable
from abc_interface_checker.types.classes import Hierarchy, expanded, targets_of
from abc_interface_checker.types.samples import outside, sample

_PACKAGE = Package(
    name="p",
    interfaces={
        "p.Base": Interface(name="p.Base", kind=InterfaceKind.ABC, bases=("abc.ABC",)),
        "p.IThing": Interface(name="p.IThing", kind=InterfaceKind.ZOPE),
        "p.Shape": Interface(name="p.Shape", kind=InterfaceKind.PROTOCOL),
    },
    values={
        "p.Key": Value(name="p.Key", kind=ValueKind.TYPED_DICT),
        "p.Pair": Value(name="p.Pair", kind=ValueKind.NAMED_TUPLE),
        "p.Spec": Value(name="p.Spec", kind=ValueKind.DATACLASS, hashable=True),
        "p.Wide": Value(name="p.Wide", kind=ValueKind.DATACLASS, bases=("p.Spec",)),
    },
    enumerations={"p.Color": Enumeration(name="p.Color", base="enum.StrEnum")},
    exceptions={"p.Gone": ExceptionClass(name="p.Gone", bases=("LookupError",))},
    aliases={
        "p.Id": Alias(name="p.Id", kind="new-type", target="int"),
        "p.Size": Alias(name="p.Size", kind="type", target="int | None"),
        "p.MAX": Alias(name="p.MAX", kind="constant", target="3"),
    },
)


class TestHierarchy(testtools.TestCase):
    def check(self, expected: bool | None, *pairs: tuple[str, str]) -> None:
        classes = Hierarchy(_PACKAGE)
        for source, target in pairs:
            self.assertIs(expected, assignable(source, target, classes), f"{source} to {target}")

    def test_contracts(self) -> None:
        self.check(
            True,
            ("p.Wide", "p.Spec"),
            ("p.Spec", "collections.abc.Hashable"),
            ("p.Color", "str"),
            ("p.Pair", "tuple[int, str]"),
            ("p.Key", "collections.abc.Mapping[str, object]"),
            ("p.Gone", "Exception"),
            ("p.Id", "int"),
        )
        self.check(
            False,
            ("p.Spec", "p.Wide"),
            ("int", "p.Id"),
            ("str", "p.Color"),
            ("p.Gone", "OSError"),
            ("p.Spec", "p.Base"),
            ("None", "p.Spec"),
        )

    def test_who_is_like_an_interface_is_not_known(self) -> None:
        self.check(
            None,
            ("p.Spec", "p.IThing"),
            ("p.Spec", "p.Shape"),
            ("dict[str, int]", "p.Key"),
            ("p.Nobody", "p.Spec"),
            ("p.MAX", "int"),
        )

    def test_python_itself(self) -> None:
        self.check(
            True,
            ("ConnectionError", "OSError"),
            ("datetime.datetime", "datetime.date"),
            ("datetime.datetime", "collections.abc.Hashable"),
            ("json.JSONDecodeError", "ValueError"),
            ("pathlib.Path", "os.PathLike[str]"),
            ("collections.OrderedDict[str, int]", "collections.abc.Mapping[str, float]"),
        )
        self.check(
            False,
            ("datetime.date", "datetime.datetime"),
            ("uuid.UUID", "str"),
            ("datetime.datetime", "collections.abc.Iterable[int]"),
        )

    def test_nothing_is_imported_but_pythons_own_when_asked(self) -> None:
        loaded = set(sys.modules)
        classes = Hierarchy(_PACKAGE)
        self.assertEqual(loaded, set(sys.modules))
        for name in ("antigravity.Flying", "this.Zen", "testtools.TestCase", "os.nothing", "p.No"):
            self.assertIsNone(classes.bases(name), name)
        self.assertNotIn("this", sys.modules)

    def test_imported_modules_are_looked_at_on_demand(self) -> None:
        name = f"{__name__}.TestHierarchy"
        self.assertIsNone(Hierarchy(_PACKAGE).bases(name))
        found = Hierarchy(_PACKAGE, imported=True).bases(name)
        self.assertEqual(("testtools.testcase.TestCase", "collections.abc.Hashable"), found)

    def test_the_first_contract_is_asked_first(self) -> None:
        other = Package(
            name="p", exceptions={"p.Gone": ExceptionClass(name="p.Gone", bases=("OSError",))}
        )
        self.assertEqual(("OSError",), Hierarchy(other, _PACKAGE).bases("p.Gone"))
        self.assertEqual(("LookupError",), Hierarchy(_PACKAGE, other).bases("p.Gone"))

    def test_aliases(self) -> None:
        targets = targets_of(_PACKAGE)
        self.assertEqual({"p.Size": "int | None"}, targets)
        self.assertEqual(
            Annotation("list[int | None]"), expanded(Annotation("list[p.Size]"), targets)
        )
        self.assertIsNone(expanded(None, targets))


class TestSamples(testtools.TestCase):
    def test_values(self) -> None:
        for type_, expected in (
            ("int", "1"),
            ("None", "None"),
            ("str | None", "'x'"),
            ("p.Spec", "Spec(...)"),
            ("typing.Literal[p.Color.RED]", "p.Color.RED"),
            ("tuple[int, ...]", "(1,)"),
            ("tuple[int, str]", "(1, 'x')"),
            ("tuple[()]", "()"),
            ("set", "set()"),
            ("frozenset[int]", "frozenset({1})"),
            ("dict[str, bool]", "{'x': True}"),
            ("collections.abc.Callable[[int], str]", "lambda a: 'x'"),
            ("collections.abc.Callable[[], None]", "lambda: None"),
        ):
            self.assertEqual(expected, sample(type_), type_)

    def test_a_value_that_the_other_type_has_not(self) -> None:
        for source, target, expected in (
            ("int | None", "int", "None"),
            ("str | int", "int", "'x'"),
            ("typing.Literal['a', 'b']", "typing.Literal['a']", "'b'"),
            ("list[int | None]", "list[int]", "[None]"),
            ("collections.abc.Sequence[int]", "list[int]", "(1,)"),
            ("collections.abc.Sequence[int]", "tuple[int, ...]", "[1]"),
            ("collections.abc.Iterable[int]", "collections.abc.Sequence[int]", "{1}"),
            ("p.Animal", "p.Cat", "Animal(...)"),
        ):
            self.assertEqual(expected, outside(source, target, TableOfClasses()), source)

    @settings(deadline=None)
    @given(types())
    def test_they_are_python(self, type_: str) -> None:
        ast.parse(sample(type_), mode="eval")
