"""The shape of the contract: marks, docstrings, exports, and what imports what."""

from __future__ import annotations

import ast
import dataclasses
import enum
import subprocess
import sys
import types
import typing
from collections.abc import Iterator
from datetime import datetime
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType
from typing import Any
from uuid import UUID

import testtools
from zope.interface import Attribute
from zope.interface.interface import InterfaceClass, Method

import nova_virt_interface
from nova_virt_interface import interfaces
from nova_virt_interface.marks import field_since, interface_since, member_since
from nova_virt_interface.secret import Secret
from nova_virt_interface.testing.suite.hypervisor import HypervisorSuite
from nova_virt_interface.testing.suite.virt_driver import VirtDriverSuite
from nova_virt_interface.version import CONTRACT_VERSION, ContractVersion

PACKAGE = "nova_virt_interface"
CONTRACT = ContractVersion.parse(CONTRACT_VERSION)
PLAIN = {str, int, float, bool, bytes, type(None), UUID, datetime, Secret}


def modules(*, contract_only: bool = False) -> list[ModuleType]:
    """All modules of the package, or those of the contract alone."""
    names = [found.name for found in walk_packages(nova_virt_interface.__path__, f"{PACKAGE}.")]
    outside = (f"{PACKAGE}.testing", f"{PACKAGE}.reference")
    return [
        import_module(name)
        for name in names
        if not name.endswith("__main__") and not (contract_only and name.startswith(outside))
    ]


def source(module: ModuleType) -> ast.Module:
    """The parsed source of a module."""
    return ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))


def defined(kind: type) -> Iterator[Any]:
    """Everything of this kind that the contract's modules define."""
    for module in modules(contract_only=True):
        for thing in vars(module).values():
            if isinstance(thing, kind) and getattr(thing, "__module__", "") == module.__name__:
                yield thing


def values() -> list[Any]:
    """All values of the contract."""
    return [
        cls
        for cls in defined(type)
        if "__contract_since__" in vars(cls) and dataclasses.is_dataclass(cls)
    ]


def enumerations() -> list[type[enum.Enum]]:
    """All enumerations in the contract's modules."""
    return [cls for cls in defined(type) if issubclass(cls, enum.Enum)]


class TestMarks(testtools.TestCase):
    def assert_version(self, text: str, what: object) -> None:
        version = ContractVersion.parse(text)
        known = (version.major, version.minor) <= (CONTRACT.major, CONTRACT.minor)
        self.assertTrue(known, f"{what} is of {text}")

    def test_every_interface_and_method_says_since_when_and_what(self) -> None:
        found = list(defined(InterfaceClass))
        self.assertGreater(len(found), 10)
        for interface in found:
            self.assert_version(interface_since(interface), interface)
            self.assertTrue(interface.__doc__, interface)
            for name, item in interface.namesAndDescriptions():
                self.assertTrue(isinstance(item, Method | Attribute), name)
                self.assertTrue(item.__doc__.strip(), f"{interface.__name__}.{name}")

    def test_every_field_says_since_when(self) -> None:
        found = values()
        self.assertGreater(len(found), 30)
        for cls in found:
            for field in dataclasses.fields(cls):
                blank = object.__new__(cls)
                self.assert_version(field_since(blank, field), f"{cls.__name__}.{field.name}")

    def test_every_dataclass_of_the_values_is_a_value(self) -> None:
        unmarked = [
            cls
            for cls in defined(type)
            if ".values." in cls.__module__
            and not hasattr(cls, "__contract_since__")
            and not issubclass(cls, Exception)
        ]
        self.assertEqual([], unmarked)

    def test_every_enumeration_and_member_says_since_when(self) -> None:
        found = enumerations()
        self.assertGreater(len(found), 8)
        for cls in found:
            for member in cls:
                self.assert_version(member_since(member), member)
            newer = getattr(cls, "__contract_newer__", {})
            self.assertLessEqual(set(newer), set(cls.__members__))

    def test_every_enumeration_states_in_its_source_whether_it_is_open(self) -> None:
        for module in modules(contract_only=True):
            for node in ast.walk(source(module)):
                if isinstance(node, ast.ClassDef) and "Enum" in ast.unparse(node).split(":")[0]:
                    stated = [
                        keyword.arg
                        for mark in node.decorator_list
                        if isinstance(mark, ast.Call)
                        for keyword in mark.keywords
                    ]
                    self.assertIn("open", stated, f"{module.__name__}.{node.name}")

    def test_fields_hold_only_what_can_be_looked_into(self) -> None:
        for cls in values():
            for name, hint in typing.get_type_hints(cls).items():
                for leaf in leaves(hint):
                    good = leaf in PLAIN or hasattr(leaf, "__contract_since__")
                    self.assertTrue(good, f"{cls.__name__}.{name} holds {leaf}")

    def test_the_table_of_interfaces_is_complete(self) -> None:
        listed = {*interfaces.HYPERVISOR_INTERFACES, *interfaces.VIRT_DRIVER_INTERFACES}
        levels = (f"{PACKAGE}.hypervisor.", f"{PACKAGE}.virt_driver.")
        found = {i for i in defined(InterfaceClass) if i.__module__.startswith(levels)}
        self.assertEqual(found, listed)


def leaves(hint: Any) -> Iterator[Any]:
    """The types that a hint of unions and tuples comes down to."""
    if typing.get_origin(hint) in (tuple, types.UnionType, typing.Union):
        for part in typing.get_args(hint):
            if part is not Ellipsis:
                yield from leaves(part)
    else:
        yield hint


class TestModules(testtools.TestCase):
    def test_what_a_module_exports_exists(self) -> None:
        for module in modules():
            self.assertTrue(hasattr(module, "__all__"), module.__name__)
            missing = [name for name in module.__all__ if not hasattr(module, name)]
            self.assertEqual([], missing, module.__name__)
            self.assertEqual(len(set(module.__all__)), len(module.__all__), module.__name__)

    def test_modules_use_of_each_other_only_what_is_exported(self) -> None:
        for module in modules():
            for node in ast.walk(source(module)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
                    of = import_module(node.module or "")
                    for alias in node.names:
                        exported = alias.name in of.__all__ or isinstance(
                            getattr(of, alias.name), ModuleType
                        )
                        self.assertTrue(exported, f"{module.__name__}: {of.__name__}.{alias.name}")

    def test_the_contract_imports_no_testing_tool(self) -> None:
        names = [module.__name__ for module in modules(contract_only=True)]
        self.assertIn(f"{PACKAGE}.hypervisor.lifecycle", names)
        tools = "{'testtools', 'fixtures', 'subunit', 'stestr', 'nova_virt_interface.testing'}"
        script = f"import sys, {', '.join(names)}; print(sorted({tools} & sys.modules.keys()))"
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        self.assertEqual("[]", done.stdout.strip())


class TestSuites(testtools.TestCase):
    def test_no_two_suites_of_a_level_have_a_test_of_one_name(self) -> None:
        for level in (HypervisorSuite, VirtDriverSuite):
            owners: dict[str, list[str]] = {}
            for suite in level.__mro__:
                for name in vars(suite):
                    if name.startswith("test_"):
                        owners.setdefault(name, []).append(suite.__name__)
            self.assertTrue(owners)
            self.assertEqual({}, {n: found for n, found in owners.items() if len(found) > 1})

    def test_suites_are_no_test_cases_before_they_are_adopted(self) -> None:
        for level in (HypervisorSuite, VirtDriverSuite):
            self.assertFalse(issubclass(level, testtools.TestCase))
