"""Checks as a whole: frozen contracts, capabilities, modules, places and witnesses."""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path
from typing import Any, Protocol

import fixtures
import testtools
from hypothesis import given, settings
from test_calls_brute_force import function, signatures
from zope.interface import Interface, implementer, moduleProvides

from abc_interface_checker.calls import mismatches
from abc_interface_checker.conformance import check_object
from abc_interface_checker.findings import Finding
from abc_interface_checker.live.contract import NotAnInterface
from abc_interface_checker.model import Interface as Model
from abc_interface_checker.model import InterfaceKind, Method, Package, Signature
from abc_interface_checker.source.reader import Reading, read_package
from abc_interface_checker.source.sources import Sources

_CONTRACT = """\
from __future__ import annotations
from typing import TYPE_CHECKING
from zope.interface import Interface

if TYPE_CHECKING:
    from contract_values import Size

class IBase(Interface):
    def describe() -> str: "Describe it."

class IThing(IBase):
    def start(timeout: Size) -> Size: "Start it."

class ISnapshots(Interface):
    def snapshot(name): "Take one."
    def revert(name): "Go back."
"""
_IMPLEMENTATION = """\
from __future__ import annotations
from typing import TYPE_CHECKING
from zope.interface import implementer
from contract import IThing, ISnapshots

if TYPE_CHECKING:
    import contract_values as values

@implementer(IThing, ISnapshots)
class Thing:
    def describe(self) -> str:
        return ""

    def start(self, seconds: values.Size) -> values.Size:
        return seconds

    def snapshot(self, name): pass
"""


def rules(found: tuple[Finding, ...]) -> list[str]:
    return sorted(each.rule for each in found)


class _FilesTestCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.useFixture(fixtures.MonkeyPatch("sys.path", [self.folder, *sys.path]))
        self.addCleanup(self.forget)

    def forget(self) -> None:
        for name, module in list(sys.modules.items()):
            if (getattr(module, "__file__", None) or "").startswith(self.folder):
                del sys.modules[name]

    def module(self, name: str, text: str) -> Any:
        (Path(self.folder) / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        return importlib.import_module(name)


class TestFiles(_FilesTestCase):
    def setUp(self) -> None:
        super().setUp()
        (Path(self.folder) / "contract_values.py").write_text("class Size(int): pass\n")
        self.contract = self.module("contract", _CONTRACT)
        self.thing = self.module("implementation", _IMPLEMENTATION).Thing

    def test_types_that_only_type_checkers_import_are_known(self) -> None:
        found = check_object([self.contract.IThing], self.thing)
        self.assertEqual(["impl-capability-unbacked", "impl-param-renamed"], rules(found))
        self.assertNotIn("contract_values", sys.modules)

    def test_a_finding_tells_element_place_and_a_call_that_fails(self) -> None:
        found = check_object([self.contract.IThing], self.thing)
        renamed = next(each for each in found if each.rule == "impl-param-renamed")
        self.assertEqual("implementation.Thing.start(timeout)", renamed.element)
        assert renamed.place is not None and renamed.witness is not None
        self.assertTrue(renamed.place.path.endswith("implementation.py"))
        line = _IMPLEMENTATION.splitlines()[renamed.place.line - 1]
        self.assertIn("def start", line)
        self.assertEqual("thing.start(timeout=timeout)", renamed.witness.code)

    def test_a_capability_that_is_asked_for_is_checked_like_any_interface(self) -> None:
        found = check_object([self.contract.ISnapshots], self.thing)
        self.assertEqual(["impl-method-missing", "impl-param-renamed"], rules(found))

    def frozen(self, **reading: Any) -> Package:
        sources = Sources.from_texts({"contract.py": _CONTRACT})
        return read_package(sources, Reading(**reading)).package

    def test_a_frozen_contract_counts_with_its_bases(self) -> None:
        package = self.frozen()
        del self.thing.describe
        found = check_object([package.interfaces["contract.IThing"]], self.thing, package=package)
        self.assertEqual(
            ["impl-capability-unbacked", "impl-method-missing", "impl-param-renamed"],
            rules(found),
        )

    def test_a_frozen_contract_says_what_is_a_capability(self) -> None:
        package = self.frozen(mandatory=("IThing",))
        snapshots = package.interfaces["contract.ISnapshots"]
        found = check_object([snapshots], self.thing, package=package)
        self.assertIn("impl-capability-unbacked", rules(found))
        self.assertNotIn("impl-method-missing", rules(found))

    def test_another_interface_of_the_same_name_is_not_declared(self) -> None:
        del sys.modules["contract"]
        again = self.module("contract", _CONTRACT)
        self.assertIn("impl-not-declared", rules(check_object([again.IThing], self.thing)))

    def test_a_changed_contract_is_read_again(self) -> None:
        check_object([self.contract.IThing], self.thing)
        del sys.modules["contract"]
        changed = _CONTRACT.replace("timeout: Size", "seconds: Size").replace("revert", "snapshot")
        again = self.module("contract", changed)
        found = check_object([again.IThing], self.thing)
        self.assertIn("impl-not-declared", rules(found))
        self.assertNotIn("impl-param-renamed", rules(found))


class TestModules(testtools.TestCase):
    def test_a_module_can_be_an_implementation(self) -> None:
        found = check_object([IModule], sys.modules[__name__])
        self.assertEqual(["impl-param-renamed"], rules(found))
        self.assertEqual(f"{__name__}.begin(timeout)", found[0].element)

    def test_a_module_without_the_functions(self) -> None:
        empty = types.ModuleType("empty")
        found = check_object([IModule], empty)
        self.assertEqual(["impl-method-missing", "impl-not-declared"], rules(found))


class IModule(Interface):
    """What this module provides."""

    def begin(timeout: object) -> None:
        """Begin."""


moduleProvides(IModule)


def begin(seconds: object) -> None:
    """Begin, with another name for the parameter."""


@implementer(IModule)
class Right:
    def begin(self, timeout: object) -> None: ...


class TestArguments(testtools.TestCase):
    def test_the_same_finding_comes_once(self) -> None:
        class Wrong:
            def begin(self) -> None: ...

        found = check_object([IModule, IModule], Wrong)
        self.assertEqual(["impl-not-declared", "impl-param-missing"], rules(found))

    def test_public_methods_beside_the_contract_are_told_on_demand(self) -> None:
        class More(Right):
            def more(self) -> None: ...

        self.assertEqual((), check_object([IModule], More))
        self.assertEqual(
            ["impl-extra-public"], rules(check_object([IModule], More, extra_public=True))
        )

    def test_what_is_no_interface_is_refused(self) -> None:
        self.assertRaises(NotAnInterface, check_object, [3], Right)

    def test_special_methods_are_called_by_position(self) -> None:
        class Items(Protocol):
            def __getitem__(self, key: str) -> str: ...

        class Own:
            def __getitem__(self, name: str) -> str:
                return name

        self.assertEqual((), check_object([Items], Own))

    def test_odd_objects_are_no_crash(self) -> None:
        class Odd:
            __slots__ = ("x",)
            __module__ = property(lambda self: 1 // 0)

            def __getattribute__(self, name: str) -> object:
                raise RuntimeError(name)

        class Meta(type):
            def __getattribute__(cls, name: str) -> object:
                if name.startswith("_"):
                    return super().__getattribute__(name)
                raise RuntimeError(name)

        for odd in (Odd, Odd(), Meta("Strange", (), {}), 3, None, object(), sys, print, lambda: 0):
            self.assertNotEqual((), check_object([IModule], odd), repr(type(odd)))


class TestAgainstCalls(testtools.TestCase):
    @settings(max_examples=200, deadline=None)
    @given(signatures(), signatures())
    def test_the_verdict_on_a_class_is_that_on_its_calls(
        self, wanted: Signature, own: Signature
    ) -> None:
        method = Method(name="start", signature=wanted)
        model = Model(name="none.Thing", kind=InterfaceKind.PROTOCOL, methods=(method,))
        thing = type("Thing", (), {"start": staticmethod(function(own))})
        errors = [
            each
            for each in check_object([model], thing)
            if each.rule not in ("impl-opaque-signature", "impl-default-differs")
        ]
        self.assertEqual(bool(mismatches(wanted, own)), bool(errors), str(errors))
