"""Objects that do not want to be looked at: never a crash, and never a pass that was not earned."""

from __future__ import annotations

from typing import Any, Protocol
from unittest.mock import create_autospec

import testtools
from zope.interface import Attribute, Interface

from abc_interface_checker import check


class IThing(Interface):
    size = Attribute("How much there is.")

    def start(name: str, timeout: int = 1) -> int:
        """Start it."""


class Thing(Protocol):
    def start(self, name: str, timeout: int = 1) -> int: ...


class _Meta(type):
    def __getattr__(cls, name: str) -> Any:
        raise RuntimeError(f"{name} is not to be asked for")


class Refusing(metaclass=_Meta):
    def start(self, name: str, timeout: int = 1) -> int:
        return timeout


class Raising:
    @property
    def size(self) -> int:
        raise RuntimeError("no size")

    def start(self, name: str, timeout: int = 1) -> int:
        return timeout

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparison")

    def __hash__(self) -> int:
        raise RuntimeError("no hash")

    def __bool__(self) -> bool:
        raise RuntimeError("neither")

    def __repr__(self) -> str:
        raise RuntimeError("no text")


class WrapsItself:
    def start(self, name: str, timeout: int = 1) -> int:
        return timeout


vars(WrapsItself.start)["__wrapped__"] = WrapsItself.start


class NoSignature:
    def start(self, *arguments: Any) -> int:
        return len(arguments)


vars(NoSignature.start)["__signature__"] = 3


class TestHostile(testtools.TestCase):
    """What is said of each."""

    def rules(self, implementation: object, interface: object) -> set[str]:
        report = check(implementation, interface)
        self.assertEqual([], list(report.could_not_check))
        return {finding.rule for finding in report.findings}

    def test_code_that_raises(self) -> None:
        self.assertEqual(set(), self.rules(Raising(), Thing))
        found = self.rules(Raising(), IThing)
        self.assertEqual({"impl-not-declared", "impl-property-raises"}, found)

    def test_a_metaclass_that_raises_is_told_with_its_place(self) -> None:
        report = check(Refusing, IThing)
        (unchecked,) = report.could_not_check
        self.assertEqual(2, report.exit_status)
        self.assertIn("RuntimeError", unchecked.reason)
        assert unchecked.place is not None
        self.assertEqual(__file__, unchecked.place.path)

    def test_a_function_that_wraps_itself(self) -> None:
        self.assertEqual(set(), self.rules(WrapsItself, Thing))

    def test_a_signature_that_is_none(self) -> None:
        self.assertIn("impl-opaque-signature", self.rules(NoSignature, Thing))

    def test_a_mock_of_the_protocol_itself(self) -> None:
        self.assertEqual(set(), self.rules(create_autospec(Thing, instance=True), Thing))
