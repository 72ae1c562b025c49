"""Modules, imports, exports, and which way values cross."""

from __future__ import annotations

import testtools
from source_reading import read_files, read_text, sound

from abc_interface_checker.model import Flow, Package

SIZE = "from dataclasses import dataclass\n@dataclass\nclass Size:\n    width: int\n"


def parameter_type(files: dict[str, str], module: str = "pkg.things") -> str:
    """The type of the one parameter of the one method of the module's interface ``Thing``."""
    read = read_files(files)
    if read.could_not_check:
        raise AssertionError(read.could_not_check)
    [method] = read.package.interfaces[f"{module}.Thing"].methods
    annotation = method.signature.parameters[-1].annotation
    return annotation.type if annotation else ""


class TestNames(testtools.TestCase):
    def assert_type(self, expected: str, imports: str, written: str, **more: str) -> None:
        files = {
            "pkg/__init__.py": more.get("init", ""),
            "pkg/values/__init__.py": more.get("values", ""),
            "pkg/values/sizes.py": SIZE,
            "pkg/things.py": (
                f"{imports}\nfrom typing import Protocol\n"
                f"class Thing(Protocol):\n    def run(self, size: {written}): ...\n"
            ),
        }
        self.assertEqual(expected, parameter_type(files))

    def test_imports(self) -> None:
        size = "pkg.values.sizes.Size"
        self.assert_type(size, "from pkg.values.sizes import Size", "Size")
        self.assert_type(size, "from pkg.values.sizes import Size as Other", "'Other'")
        self.assert_type(size, "from .values.sizes import Size", "Size")
        self.assert_type(size, "from .values import sizes", "sizes.Size")
        self.assert_type(size, "from . import values", "values.sizes.Size")
        self.assert_type(size, "import pkg.values.sizes", "pkg.values.sizes.Size")
        self.assert_type(size, "import pkg.values.sizes as s", "s.Size")
        self.assert_type("uuid.UUID", "from uuid import UUID", "UUID")
        self.assert_type("uuid.UUID", "import uuid as u", "u.UUID")

    def test_type_checking(self) -> None:
        imports = (
            "import typing\nif typing.TYPE_CHECKING:\n    from .values.sizes import Size\n"
            "else:\n    Size = object"
        )
        self.assert_type("pkg.values.sizes.Size", imports, "Size")

    def test_a_condition_counts_by_its_first_branch(self) -> None:
        imports = "try:\n    from .values.sizes import Size\nexcept ImportError:\n    Size = None"
        self.assert_type("pkg.values.sizes.Size", imports, "Size")

    def test_what_is_exported_again_is_followed(self) -> None:
        size = "pkg.values.sizes.Size"
        again = "from .sizes import Size as Size"
        self.assert_type(size, "from .values import Size", "Size", values=again)
        self.assert_type(size, "from pkg import S", "S", init="from .values.sizes import Size as S")
        self.assert_type(size, "from .values import *", "Size", values="from .sizes import *")
        self.assert_type(
            size, "from pkg import Old", "Old", init="from .values.sizes import Size\nOld = Size"
        )

    def test_what_is_not_there_is_unknown(self) -> None:
        self.assert_type("Unknown['Size']", "", "Size")
        self.assert_type("Unknown['Size']", "from .values import Size", "Size")

    def test_names_of_builtins(self) -> None:
        self.assert_type("int", "", "int")
        self.assert_type("int", "int = int", "int")
        self.assert_type("int", "Number = int", "Number")
        self.assert_type("pkg.things.int", "class int: pass", "int")

    def test_circles_end(self) -> None:
        init = "from .values import Size"
        self.assert_type(
            "Unknown['Size']",
            "from pkg import Size",
            "Size",
            init=init,
            values="from pkg import Size",
        )

    def test_what_a_package_binds_hides_its_module(self) -> None:
        files = {
            "pkg/__init__.py": "from .size import size",
            "pkg/size.py": SIZE.replace("Size", "size"),
            "pkg/things.py": (
                "from typing import Protocol\nfrom pkg import size\n"
                "class Thing(Protocol):\n    def run(self, size: size): ...\n"
            ),
        }
        self.assertEqual("pkg.size.size", parameter_type(files))


class TestModules(testtools.TestCase):
    FILES = {  # noqa: RUF012
        "pkg/__init__.py": "",
        "pkg/a.py": "from zope.interface import Interface\nclass IA(Interface): pass\n",
        "pkg/testing/__init__.py": "",
        "pkg/testing/b.py": "from zope.interface import Interface\nclass IB(Interface): pass\n",
    }

    def test_include_and_exclude(self) -> None:
        def names(**reading: tuple[str, ...]) -> list[str]:
            return list(read_files(self.FILES, **reading).package.interfaces)

        self.assertEqual(["pkg.a.IA", "pkg.testing.b.IB"], names())
        self.assertEqual(["pkg.a.IA"], names(exclude=("testing",)))
        self.assertEqual(["pkg.a.IA"], names(exclude=("pkg.test*",)))
        self.assertEqual(["pkg.testing.b.IB"], names(include=("pkg.testing.*",)))

    def test_what_cannot_be_parsed_is_said_with_its_place(self) -> None:
        read = read_files({**self.FILES, "pkg/c.py": "x = 1\nclass :\n"})
        [unchecked] = read.could_not_check
        self.assertEqual("pkg.c", unchecked.element)
        place = unchecked.place
        self.assertEqual(("pkg/c.py", 2), (place.path, place.line) if place else None)
        self.assertIn("pkg.a.IA", read.package.interfaces)

    def test_what_is_excluded_need_not_be_python(self) -> None:
        read = read_files({**self.FILES, "pkg/testing/c.py": "class :"}, exclude=("testing",))
        self.assertEqual((), read.could_not_check)

    def test_exports(self) -> None:
        package = read_files(
            {
                "pkg/__init__.py": "from .a import one\nimport os\n",
                "pkg/a.py": "__all__ = ['one', *more.__all__]\n__all__ += ['two']\n"
                "__all__.extend(['three'])\nfrom . import more\n",
                "pkg/more.py": "from os import path as path, sep\nfour = 4\n_five = 5\n"
                "__all__ = ['four']\n",
                "pkg/free.py": "from os import path as path, sep\nfour = 4\n_five = 5\n",
                "pkg/_private.py": "six = 6\n",
            }
        ).package
        self.assertEqual(
            {
                "pkg": ("one",),
                "pkg.a": ("four", "one", "three", "two"),
                "pkg.free": ("four", "path"),
                "pkg.more": ("four",),
            },
            package.exports,
        )

    def test_computed_exports_cannot_be_checked(self) -> None:
        [unchecked] = read_text("x = 1\n__all__ = [n for n in dir()]\n").could_not_check
        self.assertEqual(("m", 2), (unchecked.element, unchecked.place and unchecked.place.line))

    def test_the_last_of_two_definitions_counts(self) -> None:
        package = sound(
            "from typing import Protocol\nclass Thing(Protocol):\n    a: int\n"
            "class Thing(Protocol):\n    b: int\n"
        )
        self.assertEqual(["b"], [each.name for each in package.interfaces["m.Thing"].attributes])


class TestProject(testtools.TestCase):
    PROJECT = """
    [project]
    version = "3.1"
    requires-python = ">=3.11"
    dependencies = ["zope.interface", "attrs  >=1"]
    """

    def package(self, text: str = "", version: str = "") -> Package:
        read = read_files({"m.py": text, "pyproject.toml": self.PROJECT}, version=version)
        if read.could_not_check:
            raise AssertionError(read.could_not_check)
        return read.package

    def test_the_project_table(self) -> None:
        package = self.package()
        self.assertEqual(("3.1", ">=3.11"), (package.version, package.requires_python))
        self.assertEqual(("attrs >=1", "zope.interface"), package.dependencies)

    def test_versions(self) -> None:
        self.assertEqual("2.0", self.package("__version__ = '2.0'\n").version)
        self.assertEqual("1.0", self.package("__version__ = '2.0'\n", "1.0").version)
        package = self.package("CONTRACT = '1.1'\nOTHER = '1.1'\n", "m:CONTRACT")
        self.assertEqual("1.1", package.version)
        self.assertEqual(["m.OTHER"], list(package.aliases))

    def test_a_version_that_is_not_there(self) -> None:
        [unchecked] = read_text("X = 3\n", version="m:X").could_not_check
        self.assertIn("X in m", unchecked.reason)

    def test_a_project_that_is_not_toml(self) -> None:
        [unchecked] = read_files({"m.py": "", "pyproject.toml": "["}).could_not_check
        self.assertIn("pyproject.toml", unchecked.reason)


class TestFlows(testtools.TestCase):
    def flows(self, members: str, **reading: tuple[str, ...]) -> dict[str, Flow]:
        package = sound(
            f"""
import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

class Kind(enum.Enum):
    A = 1
@dataclass
class Inner:
    kind: Kind
@dataclass
class Outer:
    inner: list[Inner | None]
@dataclass
class Special(Outer):
    pass
class Bad(Exception):
    def __init__(self, kind: Kind) -> None: pass
Alias = Outer | None

class Thing(Protocol):
    {members}
""",
            **reading,
        )
        flows = {name: each.flow for name, each in package.values.items()}
        flows |= {name: each.flow for name, each in package.enumerations.items()}
        return {name.removeprefix("m."): flow for name, flow in flows.items()}

    def all(self, flow: Flow) -> dict[str, Flow]:
        return dict.fromkeys(("Inner", "Outer", "Special", "Kind"), flow)

    def test_parameters_go_in(self) -> None:
        self.assertEqual(self.all(Flow.IN), self.flows("def run(self, outer: Outer): ..."))
        self.assertEqual(self.all(Flow.IN), self.flows("def run(self, *, outer: Alias): ..."))

    def test_results_and_attributes_come_out(self) -> None:
        self.assertEqual(self.all(Flow.OUT), self.flows("def run(self) -> tuple[Outer, ...]: ..."))
        self.assertEqual(self.all(Flow.OUT), self.flows("outer: Outer"))

    def test_owners_swap(self) -> None:
        text = "def run(self, outer: Outer): ..."
        self.assertEqual(self.all(Flow.OUT), self.flows(text, owners=("Thing",)))
        self.assertEqual(self.all(Flow.BOTH), self.flows(text, both=("Thing",)))

    def test_both_and_none(self) -> None:
        flows = self.flows("def run(self, outer: Outer) -> Kind: ...")
        self.assertEqual({**self.all(Flow.IN), "Kind": Flow.BOTH}, flows)
        self.assertEqual(self.all(Flow.NONE), self.flows("def run(self): ..."))

    def test_what_a_callback_takes_comes_out(self) -> None:
        flows = self.flows("def run(self, tell: Callable[[Inner], None]): ...")
        self.assertEqual(
            (Flow.OUT, Flow.OUT, Flow.NONE), (flows["Inner"], flows["Kind"], flows["Outer"])
        )

    def test_exceptions_come_out(self) -> None:
        flows = self.flows('def run(self):\n        "Raises: Bad."')
        self.assertIs(Flow.OUT, flows["Kind"])
