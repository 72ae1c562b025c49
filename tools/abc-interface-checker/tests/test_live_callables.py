"""What is read from real functions is what Python says of them."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import testtools
from hypothesis import given, settings
from test_calls_brute_force import function, signatures

from abc_interface_checker.live.callables import Callee, callee_of
from abc_interface_checker.live.implementation import Access, Implementation
from abc_interface_checker.live.signatures import shape_of
from abc_interface_checker.model import Binding, Parameter, Signature, Style


def called(raw: Any, access: Access = Access.INSTANCE) -> Callee:
    callee = callee_of(raw, access)
    assert callee is not None
    return callee


def text(callee: Callee) -> str:
    """The names of its parameters, with ``=`` behind the optional ones."""
    assert callee.signature is not None
    return ", ".join(
        each.name + ("" if each.default is None else "=") for each in callee.signature.parameters
    )


def _marked(signature: Signature) -> Signature:
    """The same with defaults of which only that they are there is known."""
    return Signature(
        parameters=tuple(
            Parameter(
                name=each.name,
                kind=each.kind,
                default=None if each.default is None else "...",
            )
            for each in signature.parameters
        )
    )


class TestFunctions(testtools.TestCase):
    @settings(max_examples=300, deadline=None)
    @given(signatures())
    def test_signature_and_shape_are_those_of_the_code(self, signature: Signature) -> None:
        callee = called(function(signature), Access.PLAIN)
        self.assertEqual(_marked(signature), callee.signature)
        self.assertEqual(shape_of(signature), callee.shape)

    def test_self_is_filled_in(self) -> None:
        def start(self: object, name: str, timeout: int = 3) -> None: ...

        self.assertEqual("name, timeout=", text(called(start)))
        self.assertEqual({"timeout": 3}, called(start).defaults)
        self.assertEqual("self, name, timeout=", text(called(start, Access.CLASS)))
        self.assertEqual("name, timeout=", text(called(classmethod(start))))
        self.assertEqual(Binding.CLASS, called(classmethod(start)).binding)
        self.assertEqual("self, name, timeout=", text(called(staticmethod(start))))

    def test_a_function_without_self_is_none_of_an_instance(self) -> None:
        self.assertTrue(called(lambda: None).lacks_self)
        self.assertFalse(called(lambda *args: None).lacks_self)
        self.assertFalse(called(staticmethod(lambda: None)).lacks_self)


class TestOthers(testtools.TestCase):
    def test_partial_methods(self) -> None:
        def start(self: object, mode: int, name: str, timeout: int = 3) -> None: ...

        partial: Any = functools.partialmethod(start, 1)
        self.assertEqual("name, timeout=", text(called(partial)))
        partial = functools.partialmethod(start, mode=1)
        self.assertEqual("mode=, name, timeout=", text(called(partial)))

    def test_single_dispatch_takes_its_first_by_position(self) -> None:
        def start(self: object, name: object, timeout: int) -> None: ...

        callee = called(functools.singledispatchmethod(start))
        self.assertEqual("name, timeout", text(callee))
        assert callee.signature is not None
        self.assertEqual("positional-only", callee.signature.parameters[0].kind.value)

    def test_functions_in_c(self) -> None:
        self.assertEqual("obj", text(called(len)))
        self.assertEqual("key, default=", text(called(dict.__dict__["get"])))
        self.assertIsNone(called(max).signature)
        self.assertTrue(called(max).is_opaque)

    def test_classes_and_callable_objects(self) -> None:
        class Made:
            def __init__(self, name: str) -> None: ...

            async def __call__(self, timeout: int) -> None: ...

        self.assertEqual("name", text(called(Made)))
        self.assertEqual("timeout", text(called(Made("x"))))
        self.assertEqual(Style.ASYNC, called(Made("x")).style)

    def test_what_cannot_be_called_is_nothing(self) -> None:
        self.assertIsNone(callee_of(None, Access.INSTANCE))
        self.assertIsNone(callee_of(property(lambda self: 1), Access.INSTANCE))

    def test_a_wrapper_knows_what_it_wraps(self) -> None:
        def start(self: object, name: str) -> None: ...

        @functools.wraps(start)
        def run(*args: Any, **kwargs: Any) -> None: ...

        callee = called(run)
        self.assertTrue(callee.is_opaque)
        assert callee.inner is not None
        self.assertEqual("name", text(callee.inner))

    def test_a_stated_signature_counts(self) -> None:
        def start(*args: Any) -> None: ...

        start.__signature__ = inspect.signature(lambda self, name: None)  # type: ignore[attr-defined]
        self.assertEqual("name", text(called(start)))


class TestImplementations(testtools.TestCase):
    def test_no_code_runs_when_a_member_is_looked_up(self) -> None:
        class Thing:
            @property
            def size(self) -> int:
                raise AssertionError("it ran")

            def __getattr__(self, name: str) -> object:
                raise AssertionError("it ran")

        thing = Implementation(Thing(), as_object=False)
        member = thing.member("size")
        assert member is not None
        self.assertIsInstance(member.raw, property)
        self.assertIsNone(thing.member("other"))
        self.assertTrue(thing.is_dynamic)

    def test_an_object_s_own_attribute_hides_the_class_s_function(self) -> None:
        class Thing:
            def start(self) -> None: ...

        thing = Thing()
        thing.start = len  # type: ignore[assignment, method-assign]
        member = Implementation(thing, as_object=False).member("start")
        assert member is not None
        self.assertEqual((len, Access.PLAIN), (member.raw, member.access))

    def test_a_class_that_hides_its_module_has_a_name(self) -> None:
        class Odd:
            __module__ = property(lambda self: "odd")

        self.assertIn("Odd", Implementation(Odd, as_object=False).name)
