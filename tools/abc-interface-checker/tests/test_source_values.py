"""Values, enumerations, exceptions and aliases out of source."""

from __future__ import annotations

import enum
import warnings

import testtools
from hypothesis import assume, given
from hypothesis import strategies as st
from source_reading import enumeration, read_text, sound, value

from abc_interface_checker.model import Value, ValueKind

DATACLASS = "import dataclasses\nfrom dataclasses import dataclass, field, InitVar, KW_ONLY\n"
PEP681 = """
import dataclasses
from typing import dataclass_transform

def added(*, default, since): return dataclasses.field(default=default)

@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(added,))
def value(*, since):
    def mark(cls):
        return dataclasses.dataclass(frozen=True, kw_only=True, slots=True)(cls)
    return mark
"""


def fields(found: Value) -> list[tuple[str, str | None, str | None]]:
    return [
        (each.name, each.annotation.type if each.annotation else None, each.default)
        for each in found.fields
    ]


class TestDataclasses(testtools.TestCase):
    def test_fields(self) -> None:
        found = value(
            DATACLASS
            + """
from typing import ClassVar
@dataclass
class Size:
    width: int
    '''In pixels.'''
    height: int = 2
    names: list[str] = field(default_factory=list)
    kind: ClassVar[int] = 3
    made: InitVar[int] = 4
    hidden: int = field(init=False, default=5, metadata={"since": "1.1", "unit": "m"})
    _: KW_ONLY
    late: str = "x"
    other = 3
    def area(self): return 1
"""
        )
        self.assertEqual(
            [
                ("width", "int", None),
                ("height", "int", "2"),
                ("names", "list[str]", "builtins.list()"),
                ("made", "int", "4"),
                ("hidden", "int", "5"),
                ("late", "str", "'x'"),
            ],
            fields(found),
        )
        by_name = {each.name: each for each in found.fields}
        self.assertEqual("In pixels.", by_name["width"].doc)
        self.assertEqual({"init-only": "True"}, by_name["made"].marks.tags)
        self.assertFalse(by_name["hidden"].init)
        self.assertEqual("1.1", by_name["hidden"].marks.since)
        self.assertEqual({"unit": "'m'"}, by_name["hidden"].marks.tags)
        self.assertEqual(["late"], [each.name for each in found.fields if each.kw_only])

    def test_options(self) -> None:
        def flags(options: str, body: str = "a: int") -> tuple[bool, ...]:
            found = value(f"{DATACLASS}@dataclass({options})\nclass Size:\n    {body}\n")
            return (found.frozen, found.eq, found.order, found.hashable, found.slots)

        self.assertEqual((False, True, False, False, False), flags(""))
        self.assertEqual((True, True, True, True, False), flags("frozen=True, order=True"))
        self.assertEqual((False, False, False, True, True), flags("eq=False, slots=True"))
        self.assertEqual((False, True, False, True, False), flags("unsafe_hash=True"))
        self.assertEqual((True, True, False, False, False), flags("frozen=True", "__hash__ = None"))
        self.assertEqual((False, True, False, False, True), flags("", "__slots__ = ()"))

    def test_inheritance(self) -> None:
        text = (
            DATACLASS
            + """
@dataclass(frozen=True)
class Base:
    a: int
    b: int = 1

@dataclass(frozen=True)
class Size(Base):
    c: int = 2
    a: str = "x"

class Plain(Size):
    d: int
"""
        )
        found = value(text)
        self.assertEqual([("a", "str", "'x'"), ("b", "int", "1"), ("c", "int", "2")], fields(found))
        self.assertEqual(("m.Base",), found.bases)
        self.assertEqual((fields(found), True), (fields(value(text, "Plain")), value(text).frozen))

    def test_pep_681_is_read_from_the_package(self) -> None:
        found = value(
            PEP681
            + """
@value(since="1.0")
class Size:
    width: int
    depth: int | None = added(default=None, since="1.1")
"""
        )
        self.assertEqual((True, True, "1.0"), (found.frozen, found.slots, found.marks.since))
        self.assertEqual([("width", "int", None), ("depth", "int | None", "None")], fields(found))
        self.assertEqual([True, True], [each.kw_only for each in found.fields])
        self.assertEqual("1.1", found.fields[1].marks.since)

    def test_pep_681_by_base_and_metaclass(self) -> None:
        text = """
        from typing import dataclass_transform

        @dataclass_transform(eq_default=False)
        class Model: pass

        class Size(Model, frozen=True):
            width: int = 3

        @dataclass_transform(kw_only_default=True)
        class Meta(type): pass

        class Base(metaclass=Meta): pass

        class Other(Base):
            width: int
        """
        self.assertEqual((True, False), (value(text).frozen, value(text).eq))
        self.assertTrue(value(text, "Other").fields[0].kw_only)

    def test_a_class_that_inherits_from_itself_ends(self) -> None:
        read = read_text(DATACLASS + "@dataclass\nclass Size(Size):\n    a: int\n")
        self.assertEqual(["m.Size"], list(read.package.values))


class TestOtherValues(testtools.TestCase):
    def test_named_tuples(self) -> None:
        text = """
        import collections
        from typing import NamedTuple

        class Size(NamedTuple):
            width: int
            height: int = 1

        Second = NamedTuple("Second", [("a", int), ("b", "str")])
        Third = collections.namedtuple("Third", "a b c", defaults=(1, 2))
        """
        self.assertIs(ValueKind.NAMED_TUPLE, value(text).kind)
        self.assertEqual([("width", "int", None), ("height", "int", "1")], fields(value(text)))
        self.assertEqual([("a", "int", None), ("b", "str", None)], fields(value(text, "Second")))
        self.assertEqual(
            [("a", None, None), ("b", None, "1"), ("c", None, "2")], fields(value(text, "Third"))
        )

    def test_typed_dictionaries(self) -> None:
        text = """
        from typing import NotRequired, Required, TypedDict

        class Base(TypedDict):
            a: int
            b: NotRequired[str]

        class Size(Base, total=False):
            c: int
            d: "Required[int]"

        Other = TypedDict("Other", {"in": int, "out": NotRequired[str]})
        """
        self.assertEqual(
            [("a", "int", None), ("b", "str", "..."), ("c", "int", "..."), ("d", "int", None)],
            fields(value(text)),
        )
        self.assertEqual([("in", "int", None), ("out", "str", "...")], fields(value(text, "Other")))

    def test_computed_members_of_a_call_cannot_be_checked(self) -> None:
        read = read_text("import enum\nnames = open\nColour = enum.Enum('Colour', names())\n")
        [unchecked] = read.could_not_check
        self.assertEqual("m.Colour", unchecked.element)
        self.assertEqual(3, unchecked.place.line if unchecked.place else 0)


class TestEnumerations(testtools.TestCase):
    def test_members(self) -> None:
        found = enumeration(
            """
            import enum
            from marks import enumeration

            @enumeration(since="1.0", open=True, newer={"GREEN": "1.1"})
            class Colour(enum.Enum):
                '''A colour.'''
                RED = "red"
                GREEN = ("g", 1)
                CRIMSON = RED
                SAME = "red"
                _ignore_ = ["temporary"]
                temporary = 3
                __hidden = 4
                helper = staticmethod(len)
                def method(self): pass
                @property
                def shade(self): return 1
            """
        )
        self.assertEqual({"RED": "'red'", "GREEN": "('g', 1)"}, found.members)
        self.assertEqual({"CRIMSON": "RED", "SAME": "RED"}, found.aliases)
        self.assertEqual((True, "1.0"), (found.open, found.marks.since))
        self.assertEqual({"GREEN": "1.1"}, found.member_since)

    def test_bases(self) -> None:
        text = """
        import enum
        class Base(enum.Enum): pass
        class Colour(str, enum.Enum): RED = "r"
        class Second(Base): RED = 1
        """
        self.assertEqual("str, enum.Enum", enumeration(text).base)
        self.assertEqual("m.Base", enumeration(text, "Second").base)

    def test_by_a_call(self) -> None:
        text = """
        from enum import Enum, Flag
        Colour = Enum("Colour", "RED GREEN")
        Second = Flag("Second", ["A", "B", "C"])
        Third = Enum("Third", {"X": "x", "Y": "y"})
        """
        self.assertEqual({"RED": "1", "GREEN": "2"}, enumeration(text).members)
        self.assertEqual({"A": "1", "B": "2", "C": "4"}, enumeration(text, "Second").members)
        self.assertEqual({"X": "'x'", "Y": "'y'"}, enumeration(text, "Third").members)

    def test_auto_that_a_class_computes_itself(self) -> None:
        text = """
        import enum
        class Names(enum.Enum):
            @staticmethod
            def _generate_next_value_(name, start, count, last_values):
                return name.lower()
        class Colour(Names):
            RED = enum.auto()
        """
        self.assertEqual({"RED": "'red'"}, enumeration(text).members)

    @given(
        st.sampled_from(["Enum", "IntEnum", "Flag", "IntFlag", "StrEnum"]),
        st.lists(st.one_of(st.none(), st.integers(0, 9)), min_size=1, max_size=6),
    )
    def test_auto_gives_what_python_gives(self, base: str, values: list[int | None]) -> None:
        assume(_all_pythons_agree(values))

        def written(number: int | None) -> str:
            if number is None:
                return "enum.auto()"
            return repr(str(number)) if base == "StrEnum" else str(number)

        lines = [f"    M{at} = {written(each)}" for at, each in enumerate(values)]
        text = f"import enum\nclass Colour(enum.{base}):\n" + "\n".join(lines) + "\n"
        namespace: dict[str, type[enum.Enum]] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(text, namespace)  # noqa: S102 - Python itself says what is right
        real = namespace["Colour"].__members__
        found = enumeration(text)
        self.assertEqual(
            {name: repr(member.value) for name, member in real.items()},
            {**found.members, **{name: found.members[of] for name, of in found.aliases.items()}},
        )


def _all_pythons_agree(values: list[int | None]) -> bool:
    """Whether `auto` follows no value that is smaller than an earlier one: 3.11.2 counts on from
    the last, later ones from the largest.
    """
    seen: list[int] = []
    for each in values:
        if each is None and seen and seen[-1] != max(seen):
            return False
        seen.append(max(seen, default=0) + 1 if each is None else each)
    return True


class TestExceptions(testtools.TestCase):
    def test_what_is_an_exception(self) -> None:
        package = sound(
            """
            from typing import Any, ClassVar
            from other.errors import Root
            from other import BackendError

            class Bad(Exception):
                '''Bad.'''
                transient: ClassVar[bool] = False
                def __init__(self, message: str, *, remedy: str = "") -> None: pass

            class Worse(Bad, ValueError): pass
            class Foreign(Root): pass
            class Other(BackendError): pass
            """
        )
        found = {name: each.bases for name, each in package.exceptions.items()}
        self.assertEqual(
            {
                "m.Bad": ("Exception",),
                "m.Foreign": ("other.errors.Root",),
                "m.Other": ("other.BackendError",),
                "m.Worse": ("m.Bad", "ValueError"),
            },
            found,
        )
        bad = package.exceptions["m.Bad"]
        self.assertEqual({"transient": "False"}, bad.attributes)
        self.assertEqual(
            ["message", "remedy"], [each.name for each in bad.init.parameters] if bad.init else []
        )
        self.assertIsNone(package.exceptions["m.Worse"].init)


class TestAliases(testtools.TestCase):
    def test_kinds(self) -> None:
        package = sound(
            """
            import re
            from typing import NewType, TypeAlias
            from uuid import UUID
            from dataclasses import dataclass

            __all__ = ["Either", "Key", "LIMIT", "Same", "UUID", "Number", "Table"]

            @dataclass
            class Size: pass

            Either = Size | None
            Key = NewType("Key", str)
            LIMIT = 60
            Same = Size
            Number = int
            Table: TypeAlias = "dict[str, Size]"
            FLAGS = re.A | re.I
            _hidden = 3
            """
        )
        self.assertEqual(
            {
                "m.Either": ("type", "m.Size | None"),
                "m.Key": ("new-type", "str"),
                "m.LIMIT": ("constant", "60"),
                "m.Number": ("type", "int"),
                "m.Same": ("re-export", "m.Size"),
                "m.Table": ("type", "dict[str, m.Size]"),
                "m.UUID": ("re-export", "uuid.UUID"),
            },
            {name: (each.kind, each.target) for name, each in package.aliases.items()},
        )
