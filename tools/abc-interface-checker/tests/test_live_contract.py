"""What live interfaces say, with and without source."""

from __future__ import annotations

import abc
import collections.abc
from types import FunctionType
from typing import Any, Protocol

import testtools
from zope.interface import Attribute, Interface
from zope.interface.interface import InterfaceClass

from abc_interface_checker.live.contract import (
    NotAnInterface,
    interface_of,
    kind_of,
    read_live,
)
from abc_interface_checker.model import InterfaceKind, ParameterKind


class IThing(Interface):
    """By its source all of it is known."""

    size = Attribute("Its size.")

    async def start(name: str, /, *, timeout: int = 3) -> bool:
        """Start it."""


class TestSource(testtools.TestCase):
    def test_what_zope_forgets_is_in_the_source(self) -> None:
        interface = interface_of(IThing)
        (method,) = interface.methods
        kinds = [parameter.kind for parameter in method.signature.parameters]
        self.assertEqual([ParameterKind.POSITIONAL_ONLY, ParameterKind.KEYWORD_ONLY], kinds)
        self.assertEqual("async", method.style.value)
        assert method.signature.returns is not None
        self.assertEqual("bool", method.signature.returns.type)
        self.assertEqual(["size"], [attribute.name for attribute in interface.attributes])
        self.assertFalse(read_live(IThing).is_lossy)

    def test_another_object_of_the_same_name_is_not_the_source_s(self) -> None:
        def stop(name: str) -> None: ...

        other = InterfaceClass("IThing", (Interface,), {"stop": stop}, __module__=__name__)
        self.assertEqual(["stop"], [method.name for method in interface_of(other).methods])
        self.assertTrue(read_live(other).is_lossy)


class TestWithoutSource(testtools.TestCase):
    def test_an_abstract_class_is_known_by_its_functions(self) -> None:
        class Thing(abc.ABC):
            SIZE: int

            @abc.abstractmethod
            def start(self, name: str, *, timeout: int = 3) -> bool:
                """Start it."""

            @property
            @abc.abstractmethod
            def state(self) -> str:
                """Its state."""

            def _hidden(self) -> None:
                self.size = 1

        interface = interface_of(Thing)
        self.assertEqual(InterfaceKind.ABC, interface.kind)
        (method,) = interface.methods
        name, timeout = method.signature.parameters
        assert name.annotation is not None and method.signature.returns is not None
        self.assertEqual(("str", "bool"), (name.annotation.type, method.signature.returns.type))
        self.assertEqual("3", timeout.default)
        self.assertEqual({"SIZE", "state"}, {each.name for each in interface.attributes})

    def test_a_protocol_in_a_function(self) -> None:
        class Thing(Protocol):
            def __call__(self, name: str) -> None: ...

        self.assertEqual(["__call__"], [each.name for each in interface_of(Thing).methods])

    def test_python_s_own_abstract_classes(self) -> None:
        names = {method.name for method in interface_of(collections.abc.Iterator).methods}
        self.assertEqual({"__next__"}, names)

    def test_a_decorator_can_keep_the_function(self) -> None:
        def kept(function: FunctionType) -> FunctionType:
            function.__dict__["function"] = function
            return function

        members: dict[str, Any] = {}
        exec("async def start(*, timeout=3): pass", members)  # noqa: S102
        start = kept(members["start"])
        live = InterfaceClass("IKept", (Interface,), {"start": start}, __module__=__name__)
        read = read_live(live)
        self.assertFalse(read.is_lossy)
        (method,) = read.interface.methods
        self.assertEqual("async", method.style.value)
        self.assertEqual("timeout", method.signature.parameters[0].name)

    def test_what_is_no_interface_is_refused(self) -> None:
        for other in (object, 3, None, len):
            self.assertIsNone(kind_of(other))
            self.assertRaises(NotAnInterface, interface_of, other)
