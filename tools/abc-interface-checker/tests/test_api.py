"""The Python API: four functions and the helper for a test."""

from __future__ import annotations

import abc
import subprocess
import sys
from typing import Protocol

import testtools
from projects import PROJECT, Project
from zope.interface import Interface, implementer

import abc_interface_checker
from abc_interface_checker import assert_conforms, check, diff, freeze, targets, verify
from abc_interface_checker.configuration import Misconfigured
from abc_interface_checker.findings import Severity


class IExporter(Interface):
    """Writes tables."""

    def export(path: str, header: bool = True) -> int:
        """Write it; return how much."""


class IMore(IExporter):
    """Can also close."""

    def close() -> None:
        """Close it."""


@implementer(IExporter)
class Good:
    def export(self, path: str, header: bool = True) -> int:
        return len(path) + header


@implementer(IExporter)
class Bad:
    def export(self, target: str, header: bool = True) -> int:
        return len(target) + header


class Sized(Protocol):
    def size(self) -> int: ...


class Base(abc.ABC):
    @abc.abstractmethod
    def start(self) -> int: ...


class OfBoth(Base, Sized):
    def start(self) -> int:
        return 1

    def size(self) -> int:
        return 2


@implementer(IMore)
class More(Good):
    def close(self) -> None:
        """It has nothing to close."""


class TestAssertConforms(testtools.TestCase):
    """The one line in a test."""

    def test_right(self) -> None:
        for implementation in (Good, Good()):
            assert_conforms(IExporter, implementation)
        assert_conforms(Base, OfBoth)
        assert_conforms(Sized, OfBoth())

    def test_wrong_raises_the_whole_report(self) -> None:
        error = self.assertRaises(AssertionError, assert_conforms, IExporter, Bad())
        for part in ("Bad against", "impl-param-renamed", "'path'", "1 error"):
            self.assertIn(part, str(error))

    def test_what_is_no_interface_is_no_pass(self) -> None:
        error = self.assertRaises(AssertionError, assert_conforms, int, Good())
        self.assertIn("could not check", str(error))


class TestCheck(testtools.TestCase):
    """What is checked without being named."""

    def test_what_it_claims(self) -> None:
        report = check(Bad)
        self.assertEqual(1, report.exit_status)
        self.assertIn("IExporter", report.subject)

    def test_what_claims_nothing_could_not_be_checked(self) -> None:
        self.assertEqual(2, check(object()).exit_status)

    def test_claimed(self) -> None:
        self.assertEqual((IExporter,), targets.claimed(Good))
        self.assertEqual((IExporter,), targets.claimed(Good()))
        self.assertEqual((IMore,), targets.claimed(More))
        self.assertEqual((IMore,), targets.claimed(More()))
        self.assertEqual({Base, Sized}, set(targets.claimed(OfBoth)))
        self.assertEqual((), targets.claimed(dict))

    def test_no_verdict_is_kept(self) -> None:
        class Changing:
            def size(self) -> int:
                return 1

        self.assertEqual(0, check(Changing, Sized).exit_status)
        del Changing.size
        self.assertEqual(1, check(Changing, Sized).exit_status)

    def test_a_severity_of_the_project(self) -> None:
        project = self.useFixture(Project())
        project.write(
            "pyproject.toml",
            f'{PROJECT}\n[tool.abc-interface-checker.severities]\nimpl-extra-public = "warning"\n',
        )

        class Extra(Good):
            def more(self) -> None:
                """Nobody asked for it."""

        self.assertEqual((), tuple(check(Extra, IExporter).findings))
        (found,) = check(Extra, IExporter, project=project.folder).findings
        self.assertEqual(("impl-extra-public", Severity.WARNING), (found.rule, found.severity))


class TestVersions(testtools.TestCase):
    """Freeze, verify and diff, as the commands do it."""

    def test_chain(self) -> None:
        project = self.useFixture(Project())
        self.assertEqual(2, verify(project.folder).exit_status)
        self.assertEqual(0, freeze(project.folder).exit_status)
        self.assertEqual(0, verify(project.folder).exit_status)
        report = diff(project.folder / "contracts" / "1.0.json", project.folder)
        self.assertEqual((0, "fits"), (report.exit_status, report.facts["verdict"]))

    def test_several_packages_have_a_folder_each(self) -> None:
        project = self.useFixture(Project())
        packages = 'packages = ["acme_exporters", "acme_others"]'
        project.write(
            "pyproject.toml",
            PROJECT.replace('packages = ["acme_exporters"]', packages).replace(
                "acme_exporters:VERSION", "2.1"
            ),
        )
        project.write("acme_others/__init__.py", "from typing import Protocol\n")
        self.assertEqual(0, freeze(project.folder).exit_status)
        self.assertEqual(
            ["acme_exporters/2.1.json", "acme_others/2.1.json"],
            sorted(
                path.relative_to(project.folder / "contracts").as_posix()
                for path in project.folder.rglob("*.json")
            ),
        )
        self.assertRaises(Misconfigured, diff, project.folder, project.folder)
        report = diff(project.folder, project.folder, package="acme_others")
        self.assertEqual(0, report.exit_status)

    def test_an_explicit_version_is_each_sides_own(self) -> None:
        project = self.useFixture(Project())
        for version in ("1.0", "2.0"):
            text = PROJECT.replace("acme_exporters:VERSION", version)
            project.write(f"{version}/pyproject.toml", text)
            project.write(f"{version}/acme_exporters/__init__.py", "")
        report = diff(project.folder / "1.0", project.folder / "2.0")
        self.assertEqual(("1.0", "2.0"), (report.facts["old version"], report.facts["new version"]))

    def test_a_package_that_is_not_there(self) -> None:
        project = self.useFixture(Project())
        project.write("pyproject.toml", PROJECT.replace('["acme_exporters"]', '["acme_gone"]'))
        for report in (
            freeze(project.folder),
            verify(project.folder),
            diff(project.folder, project.folder),
        ):
            self.assertEqual(2, report.exit_status)

    def test_nothing_is_written_of_a_contract_that_cannot_be_read(self) -> None:
        project = self.useFixture(Project())
        project.write("acme_exporters/broken.py", "def (")
        report = freeze(project.folder)
        self.assertEqual(2, report.exit_status)
        self.assertEqual([], list(project.folder.rglob("*.json")))


class TestModule(testtools.TestCase):
    """The package itself."""

    def test_everything_that_is_promised_is_there(self) -> None:
        for name in abc_interface_checker.__all__:
            self.assertTrue(callable(getattr(abc_interface_checker, name)), name)
            self.assertIn(name, dir(abc_interface_checker))

    def test_nothing_else_is(self) -> None:
        self.assertRaises(AttributeError, getattr, abc_interface_checker, "nothing")

    def test_the_import_alone_brings_nothing(self) -> None:
        program = (
            "import sys, abc_interface_checker;"
            "print([m for m in sys.modules if m.startswith('abc_interface_checker.')])"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        self.assertEqual("[]", done.stdout.strip())
