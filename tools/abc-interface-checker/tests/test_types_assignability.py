"""Which type may stand for which."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import testtools
from hypothesis import given, settings
from hypothesis import strategies as st
from type_strategies import TableOfClasses, types

from abc_interface_checker.model import Annotation
from abc_interface_checker.types.assignability import TypeChange, assignable, compare
from abc_interface_checker.types.expressions import Literal, Named, Type, Union, parse, render

_ABC = "collections.abc."
_KNOWN = (
    "None",
    "bool",
    "float",
    "int",
    "object",
    "p.Animal",
    "p.Cat",
    "p.Color",
    "p.Dog",
    "str",
    "typing.Literal['a']",
    "typing.Literal['a', 'b']",
)


def fits(source: str, target: str) -> bool | None:
    return assignable(source, target, TableOfClasses())


def both(*verdicts: bool | None) -> bool | None:
    return False if False in verdicts else None if None in verdicts else True


class TestAssignable(testtools.TestCase):
    def check(self, expected: bool | None, pairs: Iterable[tuple[str, str]]) -> None:
        for source, target in pairs:
            self.assertIs(expected, fits(source, target), f"{source} to {target}")

    def test_classes(self) -> None:
        self.check(
            True,
            [
                ("p.Cat", "p.Animal"),
                ("p.Cat", "object"),
                ("bool", "int"),
                ("int", "float"),
                ("bool", "complex"),
                ("typing.Never", "p.Cat"),
                ("type[p.Cat]", "type[p.Animal]"),
            ],
        )
        self.check(
            False,
            [
                ("p.Animal", "p.Cat"),
                ("p.Cat", "p.Dog"),
                ("float", "int"),
                ("int", "str"),
                ("object", "int"),
                ("p.Cat", "int"),
                ("type[p.Animal]", "type[p.Cat]"),
            ],
        )

    def test_none_and_unions(self) -> None:
        self.check(
            True,
            [
                ("None", "int | None"),
                ("int", "int | None"),
                ("int | None", "float | str | None"),
                ("p.Cat | p.Dog", "p.Animal"),
                ("None", _ABC + "Hashable"),
            ],
        )
        self.check(
            False,
            [
                ("int | None", "int"),
                ("None", "p.Animal"),
                ("None", "p.Flying"),
                ("p.Animal", "None"),
                ("int | str", "int | None"),
            ],
        )

    def test_immutable_containers_are_covariant(self) -> None:
        self.check(
            True,
            [
                ("tuple[int, ...]", "tuple[float, ...]"),
                ("tuple[int, str]", "tuple[int | str, ...]"),
                ("tuple[()]", "tuple[str, ...]"),
                ("tuple[int, p.Cat]", "tuple[float, p.Animal]"),
                ("tuple[int, str]", _ABC + "Sequence[int | str]"),
                ("frozenset[bool]", "frozenset[int]"),
                ("list[int]", _ABC + "Sequence[float]"),
                ("dict[str, int]", _ABC + "Mapping[str, float]"),
                ("dict[str, int]", _ABC + "Iterable[str]"),
                ("str", _ABC + "Sequence[str]"),
                (_ABC + "Generator[int, None, str]", _ABC + "Iterator[float]"),
            ],
        )
        self.check(
            False,
            [
                ("tuple[int, ...]", "tuple[int, int]"),
                ("tuple[int, int]", "tuple[int]"),
                ("tuple[float, ...]", "tuple[int, ...]"),
                (_ABC + "Sequence[int]", "list[int]"),
                (_ABC + "Iterable[int]", _ABC + "Sequence[int]"),
                ("tuple[int, ...]", "list[int]"),
                ("list[int]", _ABC + "Hashable"),
            ],
        )

    def test_mutable_containers_are_invariant(self) -> None:
        self.check(
            False,
            [
                ("list[int]", "list[float]"),
                ("list[float]", "list[int]"),
                ("dict[str, int]", "dict[str, float]"),
                ("set[bool]", "set[int]"),
                ("dict[bool, int]", _ABC + "Mapping[int, int]"),
            ],
        )
        self.check(True, [("list[int | str]", "list[str | int]")])

    def test_functions(self) -> None:
        function = _ABC + "Callable"
        self.check(
            True,
            [
                (f"{function}[[float], int]", f"{function}[[int], float]"),
                (f"{function}[..., int]", f"{function}[[int], int]"),
                (f"{function}[[int], int]", f"{function}[..., int]"),
                (f"{function}[[], int]", "object"),
            ],
        )
        self.check(
            False,
            [
                (f"{function}[[int], int]", f"{function}[[float], int]"),
                (f"{function}[[int], float]", f"{function}[[int], int]"),
                (f"{function}[[int], int]", f"{function}[[int, int], int]"),
                ("int", f"{function}[..., typing.Any]"),
                ("bool", f"{function}[[], None]"),
                ("None", f"{function}[..., typing.Any]"),
                (f"{function}[[], int]", "int"),
            ],
        )
        self.check(None, [("p.Cat", f"{function}[..., int]"), (f"{function}[[], int]", "p.Flying")])

    def test_literals(self) -> None:
        self.check(
            True,
            [
                ("typing.Literal['a']", "str"),
                ("typing.Literal['a']", "typing.Literal['a', 'b']"),
                ("typing.Literal[1]", "float"),
                ("typing.Literal[b'a']", "bytes"),
                ("typing.Literal[p.Color.RED]", "p.Color"),
                ("bool", "typing.Literal[False, True]"),
            ],
        )
        self.check(
            False,
            [
                ("str", "typing.Literal['a']"),
                ("typing.Literal['a', 'b']", "typing.Literal['a']"),
                ("typing.Literal['a']", "int"),
                ("bool", "typing.Literal[True]"),
                ("None", "typing.Literal['a']"),
                ("p.Cat", "typing.Literal['a']"),
                ("typing.Literal[p.Color.RED]", "p.Cat"),
            ],
        )
        self.check(None, [("p.Color", "typing.Literal[p.Color.RED]")])

    def test_any_fits_everything(self) -> None:
        self.check(
            True,
            [
                ("typing.Any", "int"),
                ("int", "typing.Any"),
                ("list", "list[int]"),
                ("dict[str, int]", "dict[str, typing.Any]"),
                ("tuple", "tuple[int, str]"),
            ],
        )

    def test_what_is_not_known_is_said_to_be(self) -> None:
        self.check(
            None,
            [
                ("p.Nobody", "int"),
                ("int", "p.Nobody"),
                ("None", "p.Nobody"),
                ("Unknown['x']", "int"),
                ("int", "Unknown['x']"),
                ("Unknown['x']", "Unknown['x']"),
                ("p.Cat", "p.Flying"),
                ("int", "p.Flying"),
                ("p.Cat", _ABC + "Iterable[int]"),
                ("p.Nobody[int]", "p.Nobody[str]"),
                ("list[p.Nobody]", "list[int]"),
            ],
        )

    def test_what_is_certain_beside_the_unknown_is_said_too(self) -> None:
        self.check(
            True, [("p.Nobody", "object"), ("int", "int | p.Nobody"), ("p.Nobody", "p.Nobody")]
        )
        self.check(False, [("p.Nobody | str", "int"), ("tuple[p.Nobody, str]", "tuple[int, int]")])

    @settings(deadline=None)
    @given(types())
    def test_every_type_fits_itself(self, text: str) -> None:
        self.assertIs(True, fits(text, text))

    @settings(deadline=None)
    @given(types(), types())
    def test_it_fits_every_union_that_has_it(self, one: str, other: str) -> None:
        self.assertIs(True, fits(one, render(parse(f"{one} | {other}"))))
        self.assertIs(True, fits("None", render(parse(f"{other} | None"))))

    @settings(deadline=None)
    @given(types(), types())
    def test_containers(self, one: str, other: str) -> None:
        forth, back = fits(one, other), fits(other, one)
        self.assertEqual(forth, fits(f"tuple[{one}, ...]", f"tuple[{other}, ...]"))
        self.assertEqual(forth, fits(f"{_ABC}Sequence[{one}]", f"{_ABC}Iterable[{other}]"))
        self.assertEqual(both(forth, back), fits(f"list[{one}]", f"list[{other}]"))
        function = _ABC + "Callable[[{}], {}]"
        self.assertEqual(
            both(back, forth), fits(function.format(one, one), function.format(other, other))
        )

    @settings(deadline=None)
    @given(st.lists(types(_KNOWN), min_size=3, max_size=3))
    def test_it_is_transitive(self, chain: list[str]) -> None:
        first, second, third = chain
        if fits(first, second) and fits(second, third):
            self.assertIs(True, fits(first, third))


_OBJECTS = (None, True, False, 0, 1, "a", "b", "c", b"x", 1.5j)
_VALUES = (
    *_OBJECTS,
    *(tuple(each) for size in range(3) for each in itertools.product(_OBJECTS, repeat=size)),
)
_SIMPLE = (
    "None",
    "bool",
    "bytes",
    "int",
    "object",
    "str",
    "typing.Literal['a']",
    "typing.Literal['a', 'b']",
    "typing.Literal[False, True]",
    "typing.Literal[1]",
)
_PYTHON = {"bool": bool, "bytes": bytes, "int": int, "str": str, "object": object}


def holds(value: object, type_: Type) -> bool:
    """Whether a value is of a type: what the types mean, in the plainest words."""
    match type_:
        case Union(members):
            return any(holds(value, member) for member in members)
        case Literal(values):
            return ascii(value) in values
        case Named("None"):
            return value is None
        case Named("tuple", arguments):
            if not isinstance(value, tuple):
                return False
            if arguments[-1] == Named("..."):
                return all(holds(each, arguments[0]) for each in value)
            same_length = len(value) == len(arguments)
            return same_length and all(map(holds, value, arguments))
        case Named(name):
            return isinstance(value, _PYTHON[name])
    raise AssertionError(type_)


def plain_types() -> st.SearchStrategy[str]:
    """Types of values that can be listed; tuples of one kind of thing at each place, for a checker
    does not take a tuple of alternatives apart.
    """
    simple = st.sampled_from(_SIMPLE)
    tuples = st.lists(simple, min_size=1, max_size=2).map(lambda e: f"tuple[{', '.join(e)}]")
    endless = simple.map("tuple[{}, ...]".format)
    parts = st.one_of(simple, tuples, endless)
    return st.lists(parts, min_size=1, max_size=3).map(lambda e: render(parse(" | ".join(e))))


class TestAgainstValues(testtools.TestCase):
    @settings(deadline=None)
    @given(plain_types(), plain_types())
    def test_it_fits_just_if_all_its_values_do(self, source: str, target: str) -> None:
        inside, outside = parse(source), parse(target)
        strangers = [each for each in _VALUES if holds(each, inside) and not holds(each, outside)]
        if fits(source, target):
            self.assertEqual([], strangers)
        # One literal of each place in a tuple is an alternative too, which is not taken apart.
        elif "tuple" not in source or "Literal" not in source + target:
            self.assertIsNot(None, fits(source, target))
            self.assertNotEqual([], strangers)


class TestCompare(testtools.TestCase):
    def check(self, expected: TypeChange, *pairs: tuple[str | None, str | None]) -> None:
        for old, new in pairs:
            before = None if old is None else Annotation(old)
            after = None if new is None else Annotation(new)
            self.assertIs(expected, compare(before, after, TableOfClasses()), f"{old} to {new}")

    def test_changes(self) -> None:
        self.check(
            TypeChange.SAME,
            (None, None),
            ("typing.Any", None),
            ("float", "int | float"),
            ("Unknown['x']", "Unknown['x']"),
        )
        self.check(
            TypeChange.WIDENED,
            ("int", "int | None"),
            ("p.Cat", "p.Animal"),
            ("list[typing.Any]", "list[typing.Any] | None"),
            ("int", "int | p.Nobody | None"),
        )
        self.check(TypeChange.NARROWED, ("int | None", "int"), ("p.Nobody | None", "int"))
        self.check(TypeChange.CHANGED, ("int", "str"), ("list[int]", "list[float]"))
        self.check(TypeChange.ADDED, (None, "int"), ("typing.Any", "int"))
        self.check(TypeChange.REMOVED, ("int", None), ("int", "typing.Any"))

    def test_what_is_not_known_is_no_change_of_a_kind(self) -> None:
        self.check(
            TypeChange.UNKNOWN,
            ("p.Nobody", "p.Somebody"),
            ("Unknown['x']", "Unknown['y']"),
            ("Unknown['x']", "object"),
            ("object", "p.Nobody"),
            ("list", "list[int]"),
            ("dict[str, typing.Any]", "dict[str, int]"),
            ("collections.abc.Callable[..., int]", "collections.abc.Callable[[str], int]"),
        )

    @settings(deadline=None)
    @given(types(), types())
    def test_back_is_the_opposite(self, old: str, new: str) -> None:
        opposite = {
            TypeChange.WIDENED: TypeChange.NARROWED,
            TypeChange.NARROWED: TypeChange.WIDENED,
        }
        forth = compare(Annotation(old), Annotation(new), TableOfClasses())
        back = compare(Annotation(new), Annotation(old), TableOfClasses())
        self.assertIs(opposite.get(forth, forth), back)
