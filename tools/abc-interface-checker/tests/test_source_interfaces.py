"""Interfaces out of source."""

from __future__ import annotations

import testtools
from source_reading import interface, method, read_text, signature, sound

from abc_interface_checker.model import Binding, InterfaceKind, Role, Style

ZOPE = """
from zope.interface import Attribute, Interface, interfacemethod, invariant, taggedValue
import zope.schema
"""
PROTOCOL = """
from typing import ClassVar, Final, Protocol
from collections.abc import AsyncIterator, Iterator
import contextlib
"""
ABC = """
import abc
import functools
from abc import ABC, abstractmethod
"""


class TestKinds(testtools.TestCase):
    def test_roots(self) -> None:
        package = sound(
            """
            import abc
            from typing import Protocol, Generic, TypeVar
            from zope.interface import Interface
            from zope.interface.interface import Interface as Second

            T = TypeVar("T")

            class IThing(Interface): pass
            class IOther(Second): pass
            class IDerived(IThing, IOther): pass
            class Base(abc.ABC): pass
            class ByMeta(metaclass=abc.ABCMeta): pass
            class Structure(Protocol[T]): pass
            class More(Structure, Protocol): pass
            class Implementation(Structure): pass
            class Plain: pass
            """
        )
        kinds = {name: (each.kind.value, each.bases) for name, each in package.interfaces.items()}
        self.assertEqual(
            {
                "m.Base": ("abc", ()),
                "m.ByMeta": ("abc", ()),
                "m.IDerived": ("zope", ("m.IThing", "m.IOther")),
                "m.IOther": ("zope", ()),
                "m.IThing": ("zope", ()),
                "m.More": ("protocol", ("m.Structure",)),
                "m.Structure": ("protocol", ()),
            },
            kinds,
        )

    def test_a_class_that_leaves_abstract_methods_is_an_interface(self) -> None:
        package = sound(
            ABC
            + """
class Base(ABC):
    @abstractmethod
    def run(self): ...
    @abstractmethod
    def stop(self): ...

class Half(Base):
    def run(self): return 1

class Whole(Half):
    def stop(self): return 2
"""
        )
        self.assertEqual(["m.Base", "m.Half"], list(package.interfaces))

    def test_an_interface_of_another_package_is_known_by_its_name(self) -> None:
        found = interface(
            """
            from other.package import IBase

            class IThing(IBase):
                def run(timeout): pass
            """,
            "IThing",
        )
        self.assertEqual((InterfaceKind.ZOPE, ("other.package.IBase",)), (found.kind, found.bases))

    def test_a_plain_class_that_configuration_names(self) -> None:
        text = """
        class Thing:
            def __init__(self, host): self.host = host
            def run(self, timeout): raise NotImplementedError()
            def stop(self): return None
        """
        self.assertEqual({}, sound(text).interfaces)
        found = interface(text, interfaces=("Thing",))
        self.assertEqual(InterfaceKind.ABC, found.kind)
        self.assertEqual(
            [("run", True), ("stop", False)], [(m.name, m.abstract) for m in found.methods]
        )

    def test_roles_and_capabilities(self) -> None:
        text = PROTOCOL + "class Thing(Protocol): pass\n"
        self.assertFalse(interface(text).mandatory)
        self.assertTrue(interface(text, mandatory=("m.Thing",)).mandatory)
        self.assertIs(Role.OWNERS, interface(text, owners=("*.Th*",)).role)
        self.assertIs(Role.BOTH, interface(text, owners=("Thing",), both=("Thing",)).role)
        self.assertIs(Role.THIRD_PARTIES, interface(text).role)

    def test_classes_in_classes(self) -> None:
        found = sound(
            PROTOCOL
            + """
class Outer:
    class Thing(Protocol):
        def run(self, other: Thing) -> None: ...
"""
        ).interfaces["m.Outer.Thing"]
        self.assertEqual("m.Outer.Thing", found.name)

    def test_sealed(self) -> None:
        text = "import typing\n@typing.final\nclass Thing(typing.Protocol): pass\n"
        self.assertTrue(interface(text).sealed)


class TestZope(testtools.TestCase):
    def test_methods_declare_what_callers_pass(self) -> None:
        text = (
            ZOPE
            + "class Thing(Interface):\n    def run(size: int, /, *rest, deep=False, **more): ..."
        )
        self.assertEqual("(size: int, /, *rest, deep=False, **more)", signature(text))
        self.assertTrue(method(text).abstract)

    def test_self_is_reported_and_dropped(self) -> None:
        read = read_text(ZOPE + "class IThing(Interface):\n    def run(self, size): ...\n")
        [finding] = read.findings
        self.assertEqual(("contract-has-self", "m.IThing.run"), (finding.rule, finding.element))
        self.assertEqual(5, finding.place.line if finding.place else 0)
        [found] = read.package.interfaces["m.IThing"].methods
        self.assertEqual(["size"], [each.name for each in found.signature.parameters])

    def test_attributes(self) -> None:
        found = interface(
            ZOPE
            + """
class Thing(Interface):
    plain = Attribute("What it is.")
    typed: int = Attribute('''How many.

        In pieces.
        ''')
    bare: str
    settable = Attribute("x", readonly=False)
    line = zope.schema.TextLine(title="A", description="B", required=False)
    names = zope.schema.List(value_type=zope.schema.TextLine(), readonly=True)
"""
        )
        self.assertEqual(
            [
                ("plain", None, True, "What it is."),
                ("typed", "int", True, "How many.\n\nIn pieces."),
                ("bare", "str", False, ""),
                ("settable", None, False, "x"),
                ("line", "str | None", False, "A\n\nB"),
                ("names", "list[str]", True, ""),
            ],
            [
                (each.name, each.annotation and each.annotation.type, each.readonly, each.doc)
                for each in found.attributes
            ],
        )

    def test_invariants_tags_and_what_is_no_method(self) -> None:
        found = interface(
            ZOPE
            + """
def ordered(thing): pass

class Thing(Interface):
    taggedValue("since", "1.2")
    taggedValue("colour", "red")
    invariant(ordered)

    @invariant
    def positive(thing): pass

    @interfacemethod
    def __adapt__(self, obj): pass

    def run(): pass

Thing.setTaggedValue("late", 3)
"""
        )
        self.assertEqual(("positive", "m.ordered"), found.invariants)
        self.assertEqual(["run"], [each.name for each in found.methods])
        self.assertEqual("1.2", found.marks.since)
        self.assertEqual({"colour": "'red'", "late": "3"}, found.marks.tags)


class TestMethods(testtools.TestCase):
    def test_bindings_and_styles(self) -> None:
        found = interface(
            PROTOCOL
            + """
class Thing(Protocol):
    def plain(self, a): ...
    @classmethod
    def on_class(cls, a): ...
    @staticmethod
    def on_nothing(a): ...
    async def awaited(self, a): ...
    def generated(self, a): yield a
    async def generated_later(self, a): yield a
    @contextlib.contextmanager
    def managed(self, a) -> Iterator[int]: yield 1
    @contextlib.asynccontextmanager
    async def managed_later(self, a) -> AsyncIterator[int]: yield 1
    def with_inner(self, a):
        def inner(): yield 1
        return inner
"""
        )
        self.assertEqual(
            [
                ("plain", Binding.INSTANCE, Style.SYNC),
                ("on_class", Binding.CLASS, Style.SYNC),
                ("on_nothing", Binding.STATIC, Style.SYNC),
                ("awaited", Binding.INSTANCE, Style.ASYNC),
                ("generated", Binding.INSTANCE, Style.GENERATOR),
                ("generated_later", Binding.INSTANCE, Style.ASYNC_GENERATOR),
                ("managed", Binding.INSTANCE, Style.CONTEXT_MANAGER),
                ("managed_later", Binding.INSTANCE, Style.ASYNC_CONTEXT_MANAGER),
                ("with_inner", Binding.INSTANCE, Style.SYNC),
            ],
            [(each.name, each.binding, each.style) for each in found.methods],
        )
        for each in found.methods:
            self.assertEqual(["a"], [parameter.name for parameter in each.signature.parameters])

    def test_what_is_abstract(self) -> None:
        found = interface(
            ABC
            + """
class Thing(ABC):
    def __init__(self, host): pass
    @abstractmethod
    def asked(self): ...
    def hook(self): pass
    def stub(self): raise NotImplementedError("later")
    def default(self): return 3
    same = default
    def __len__(self): return 0
    def __hidden(self): return 0
"""
        )
        self.assertEqual(
            [
                ("asked", True),
                ("hook", False),
                ("stub", True),
                ("default", False),
                ("__len__", False),
                ("same", False),
            ],
            [(each.name, each.abstract) for each in found.methods],
        )

    def test_what_a_protocol_asks_for(self) -> None:
        found = interface(
            PROTOCOL
            + """
class Thing(Protocol):
    def asked(self):
        "Text."
    def too(self): ...
    def brought(self): return 1
"""
        )
        self.assertEqual(
            [("asked", True), ("too", True), ("brought", False)],
            [(each.name, each.abstract) for each in found.methods],
        )

    def test_properties(self) -> None:
        found = interface(
            ABC
            + """
class Thing(ABC):
    fixed: int = 3
    asked: int
    @property
    @abstractmethod
    def read(self) -> int: "Read it."
    @property
    @abstractmethod
    def written(self) -> int: ...
    @written.setter
    def written(self, value): ...
    @functools.cached_property
    def cached(self) -> int: return 3
"""
        )
        self.assertEqual(
            [
                ("fixed", "int", False, True, "3"),
                ("asked", "int", False, False, None),
                ("read", "int", True, False, None),
                ("written", "int", False, False, None),
                ("cached", "int", False, True, None),
            ],
            [
                (
                    each.name,
                    each.annotation and each.annotation.type,
                    each.readonly,
                    each.marks.optional,
                    each.constant,
                )
                for each in found.attributes
            ],
        )
        self.assertEqual([], list(found.methods))

    def test_attributes_that_cannot_be_set(self) -> None:
        found = interface(
            PROTOCOL
            + """
class Thing(Protocol):
    a: Final = 1
    b: ClassVar[int]
    c: "Final[str]"
    d: str
"""
        )
        self.assertEqual([True, True, True, False], [each.readonly for each in found.attributes])
        self.assertEqual(
            [None, "int", "str", "str"],
            [each.annotation and each.annotation.type for each in found.attributes],
        )

    def test_overloads_become_one_signature(self) -> None:
        text = """
        from typing import Protocol, overload

        class Thing(Protocol):
            @overload
            def run(self, size: int) -> int: ...
            @overload
            def run(self, size: str, deep: bool, *, more: int = 1) -> str: ...
        """
        self.assertEqual(
            "(size: int | str, deep: bool = ..., *, more: int = 1) -> int | str", signature(text)
        )
        self.assertIn("overloads", method(text).marks.tags)

    def test_marks(self) -> None:
        found = method(
            """
            from typing import Protocol
            from warnings import deprecated
            from marks import contract

            class Thing(Protocol):
                @contract(since="1.1", optional=True, capability="turbo")
                @deprecated("use walk")
                def run(self): ...
            """
        ).marks
        self.assertEqual(("1.1", True, "use walk"), (found.since, found.optional, found.deprecated))
        self.assertEqual({"capability": "'turbo'"}, found.tags)

    def test_deprecation_in_a_docstring(self) -> None:
        text = PROTOCOL + (
            "class Thing(Protocol):\n    def run(self):\n        '''Run.\n\n"
            "        .. deprecated:: 1.3\n           Use walk.\n        '''\n"
        )
        self.assertEqual("1.3 Use walk.", method(text).marks.deprecated)

    def test_defaults(self) -> None:
        text = """
        import enum
        import socket
        from typing import Protocol

        class Colour(enum.Enum):
            RED = 1

        LIMIT = 60 * 60
        NONE = object()

        class Thing(Protocol):
            def run(self, a=LIMIT, b=Colour.RED, c=NONE, d=socket.AF_INET, e=len, f=-1.5): ...
        """
        self.assertEqual(
            "(a=3600, b=m.Colour.RED, c=m.NONE, d=socket.AF_INET, e=builtins.len, f=-1.5)",
            signature(text),
        )

    def test_defaults_of_the_class(self) -> None:
        text = (
            "limit = 1\n"
            + PROTOCOL
            + """
class Thing(Protocol):
    FIRST = 2
    SECOND = FIRST + 1
    third: int = SECOND
    limit = limit
    other = [SECOND for x in ()]
    def run(self, a=FIRST, b=SECOND, c=limit, d=other): ...
"""
        )
        self.assertEqual("(a=2, b=3, c=1, d=m.Thing.other)", signature(text))
        self.assertEqual("3", interface(text).attributes[2].constant)

    def test_defaults_that_are_made_of_each_other(self) -> None:
        chain = "".join(f"a{at} = (a{at + 1}, a{at + 1})\n" for at in range(60)) + "a60 = 1\n"
        text = chain + PROTOCOL + "class Thing(Protocol):\n    def run(self, a=a0, b=a58): ...\n"
        found = signature(text)
        self.assertTrue(found.endswith("b=((1, 1), (1, 1)))"), found)
        self.assertLess(len(found), 20_000)
        text = (
            "a = b\nb = a\nc = 1\nc = (c, 2)\n"
            + PROTOCOL
            + "class Thing(Protocol):\n    def run(self, a=a, c=c): ...\n"
        )
        self.assertEqual("(a=m.a, c=(m.c, 2))", signature(text))

    def test_type_parameters_of_newer_pythons_or_the_place(self) -> None:
        read = read_text("from typing import Protocol\nclass Thing[T](Protocol):\n    x: T\n")
        if read.could_not_check:
            self.assertEqual(2, read.could_not_check[0].place.line)  # type: ignore[union-attr]
        else:
            [found] = read.package.interfaces["m.Thing"].attributes
            self.assertEqual("m.Thing.T", found.annotation and found.annotation.type)


class TestRaises(testtools.TestCase):
    def raises(self, doc: str) -> tuple[str, ...] | None:
        text = (
            "import requests\nfrom typing import Protocol\nclass Bad(Exception): pass\n"
            f'class Thing(Protocol):\n    def run(self):\n        """Run.\n\n{doc}\n        """\n'
        )
        return method(text).raises

    def test_a_paragraph(self) -> None:
        doc = "        Raises: Bad (a, b);\n        KeyError; whatever else happens."
        self.assertEqual(("KeyError", "m.Bad"), self.raises(doc))

    def test_a_block(self) -> None:
        doc = (
            "        Raises:\n            Bad: when it is\n                KeyError: no\n"
            "            requests.Timeout: late\n\n        Other: text"
        )
        self.assertEqual(("m.Bad", "requests.Timeout"), self.raises(doc))

    def test_fields(self) -> None:
        self.assertEqual(("m.Bad",), self.raises("        :raises Bad: when it is"))

    def test_nothing(self) -> None:
        self.assertEqual((), self.raises("        Raises: nothing."))
        self.assertIsNone(self.raises("        It raises Bad."))
        self.assertIsNone(self.raises("        Raises: as `other` does."))
