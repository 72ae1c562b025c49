"""The command line: what it takes, what it imports, and its exit statuses."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import fixtures
import testtools

from abc_interface_checker.command import COMMANDS, main

CONTRACT = """\
from typing import Protocol

VERSION = "1.0"


class Exporter(Protocol):
    def export(self, path: str) -> int:
        "Write it all; return how much."
"""
PLUGIN = """\
class Good:
    def export(self, path: str) -> int:
        return len(path)


class Renamed:
    def export(self, target: str) -> int:
        return len(target)


good = Good()
"""
PROJECT = """\
[project]
name = "acme"
version = "3.0"

[tool.abc-interface-checker]
packages = ["acme_exporters"]
version = "acme_exporters:VERSION"
"""


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main(arguments)
        except SystemExit as end:
            status = int(end.code or 0)
    return status, out.getvalue(), err.getvalue()


class Project(fixtures.Fixture):
    """A folder with a contract, a plugin and a ``pyproject.toml``; it is the current one."""

    def _setUp(self) -> None:  # noqa: N802 - the name that fixtures asks for
        self.folder = Path(self.useFixture(fixtures.TempDir()).path).resolve()
        self.write("pyproject.toml", PROJECT)
        self.write("acme_exporters/__init__.py", CONTRACT)
        self.write("acme_plugin.py", PLUGIN)
        path = [*sys.path]
        modules = {*sys.modules}
        self.addCleanup(self.restore, Path.cwd(), path, modules)
        os.chdir(self.folder)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def restore(self, folder: Path, path: list[str], modules: set[str]) -> None:
        """Leave nothing that another test could import."""
        os.chdir(folder)
        sys.path[:] = path
        for name in {*sys.modules} - modules:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if file.startswith(str(self.folder)):
                del sys.modules[name]


class TestUsage(testtools.TestCase):
    """Help, and wrong use."""

    def test_every_command_has_a_help(self) -> None:
        status, text, _ = run("--help")
        self.assertEqual(0, status)
        for name in COMMANDS:
            self.assertIn(name, text)
            status, own, _ = run(name, "--help")
            self.assertEqual(0, status)
            self.assertIn(f"usage: abc-interface-checker {name}", own)

    def test_version(self) -> None:
        status, text, _ = run("--version")
        self.assertEqual(0, status)
        self.assertRegex(text, r"^abc-interface-checker \S")

    def test_wrong_use_is_status_2(self) -> None:
        for line in ("", "chek", "diff one", "explain param-rename"):
            status, text, error = run(*line.split())
            self.assertEqual((2, ""), (status, text), line)
            self.assertIn("error:", error)
        self.assertIn("did you mean param-renamed", run("explain", "param-rename")[2])

    def test_a_fault_of_its_own_is_status_2(self) -> None:
        def fault(*_: object) -> str:
            raise RuntimeError("this was not foreseen")

        self.useFixture(fixtures.MonkeyPatch("abc_interface_checker.explain.overview", fault))
        status, _, error = run("explain")
        self.assertEqual(2, status)
        self.assertIn("this was not foreseen", error)
        self.assertIn("error: could not check", error)

    def test_nothing_to_check_is_status_2(self) -> None:
        status, _, error = run("check")
        self.assertEqual(2, status)
        self.assertIn("name a TARGET", error)


class TestImports(testtools.TestCase):
    """A command imports only what it needs."""

    def imported(self, *arguments: str) -> set[str]:
        program = (
            "import sys, json\n"
            "from abc_interface_checker.command import main\n"
            "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
            "json.dump(sorted(sys.modules), sys.stderr)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
        )
        return set(json.loads(done.stderr))

    def test_explain(self) -> None:
        found = self.imported("explain", "param-renamed")
        self.assertFalse({"zope.interface", "abc_interface_checker.source"} & found)

    def test_check_reads_no_versions(self) -> None:
        found = self.imported("check", "--help")
        self.assertFalse(
            {"abc_interface_checker.compatibility", "abc_interface_checker.source.frozen"} & found
        )

    def test_diff_looks_at_no_live_objects(self) -> None:
        found = self.imported("diff", "--help")
        self.assertFalse({"abc_interface_checker.conformance", "zope.interface"} & found)

    def test_a_format_is_imported_when_it_is_asked_for(self) -> None:
        found = self.imported("diff", "--help")
        self.assertFalse({"abc_interface_checker.reports.sarif", "xml.etree.ElementTree"} & found)


class TestCheck(testtools.TestCase):
    """``check`` on classes, instances and names that lead nowhere."""

    def setUp(self) -> None:
        super().setUp()
        self.project = self.useFixture(Project())

    def test_good_class_and_instance(self) -> None:
        for target in ("acme_plugin:Good", "acme_plugin:good"):
            status, text, _ = run("check", target, "--interface", "acme_exporters:Exporter")
            self.assertEqual(0, status, text)
            self.assertIn(f"{target} against acme_exporters.Exporter", text)

    def test_several(self) -> None:
        targets = ("acme_plugin:Good", "acme_plugin:good", "acme_plugin:Renamed")
        status, text, _ = run("check", *targets, "--interface", "acme_exporters:Exporter")
        self.assertEqual(1, status)
        self.assertTrue(text.startswith("3 implementations\n"), text)
        for target in targets:
            self.assertRegex(text, rf"\n{target} +acme_exporters.Exporter\n")

    def test_broken_class(self) -> None:
        status, text, _ = run(
            "check", "acme_plugin:Renamed", "--interface", "acme_exporters:Exporter"
        )
        self.assertEqual(1, status)
        self.assertIn("impl-param-renamed", text)

    def test_frozen_contract_counts_not_the_installed_one(self) -> None:
        self.assertEqual(0, run("freeze")[0])
        (frozen,) = (self.project.folder / "contracts").glob("*.json")
        self.project.write("acme_exporters/__init__.py", CONTRACT.replace("path", "target"))
        interface = ("--interface", "acme_exporters:Exporter")
        self.assertEqual(1, run("check", "acme_plugin:Good", *interface)[0])
        frozen_options = (*interface, "--frozen", str(frozen))
        status, text, _ = run("check", "acme_plugin:Good", *frozen_options)
        self.assertEqual(0, status, text)

    def test_what_cannot_be_checked_is_status_2(self) -> None:
        for arguments, reason in (
            (("acme_plugin:Missing",), "AttributeError"),
            (("acme_nowhere:Good",), "ModuleNotFoundError"),
            (("acme_plugin:Good",), "does not say which interface"),
            (("--entry-point", "acme.nobody"), "no installed distribution"),
            (("acme_plugin:Good", "--frozen", "none.json"), "baseline-missing"),
            (("acme_plugin:Good", "--frozen", "pyproject.toml"), "baseline-unreadable"),
        ):
            status, text, _ = run("check", *arguments)
            self.assertEqual(2, status, text)
            self.assertIn(reason, text)

    def test_entry_points(self) -> None:
        self.project.write("acme_plugins-1.0.dist-info/METADATA", "Name: acme-plugins\n")
        self.project.write(
            "acme_plugins-1.0.dist-info/entry_points.txt",
            "[acme.formats]\ngood = acme_plugin:Good\nold = acme_plugin:Renamed [extra]\n"
            "gone = acme_gone:Exporter\n",
        )
        sys.path.insert(0, str(self.project.folder))
        status, text, _ = run(
            "check", "--entry-point", "acme.formats", "--interface", "acme_exporters:Exporter"
        )
        self.assertEqual(2, status, text)
        for part in ("acme_plugin:Good ", "acme_plugin.Renamed.export", "No module named"):
            self.assertIn(part, text)

    def test_report_in_a_file(self) -> None:
        status, text, _ = run(
            "check",
            "acme_plugin:Renamed",
            "--interface=acme_exporters:Exporter",
            "--format=json",
            "--output=report.json",
        )
        self.assertEqual((1, ""), (status, text))
        document = json.loads((self.project.folder / "report.json").read_text("utf-8"))
        self.assertEqual("check", document["command"])
        status, _, error = run(
            "check", "acme_plugin:Good", "--interface=acme_exporters:Exporter", "--output=/no/x"
        )
        self.assertEqual(2, status)
        self.assertIn("cannot write the report", error)

    def test_suppressions_hold_and_must_be_used(self) -> None:
        self.project.write(
            "pyproject.toml",
            f"{PROJECT}\n[[tool.abc-interface-checker.suppressions]]\n"
            'rule = "impl-param-renamed"\nelement = "acme_plugin.Renamed.*"\nreason = "Old."\n',
        )
        interface = ("--interface", "acme_exporters:Exporter")
        status, text, _ = run("check", "acme_plugin:Renamed", *interface)
        self.assertEqual(0, status, text)
        self.assertIn("reason: Old.", text)
        self.assertEqual(0, run("check", "acme_plugin:Good", *interface)[0])
        self.project.write("acme_plugin.py", PLUGIN.replace("target", "path"))
        del sys.modules["acme_plugin"]
        status, text, _ = run("check", "acme_plugin:Renamed", *interface)
        self.assertEqual(1, status, text)
        self.assertIn("suppression-unused", text)


class TestVersions(testtools.TestCase):
    """``freeze``, ``verify`` and ``diff``."""

    def setUp(self) -> None:
        super().setUp()
        self.project = self.useFixture(Project())

    def change(self, version: str, old: str = "path: str", new: str = "target: str") -> None:
        text = CONTRACT.replace('"1.0"', f'"{version}"').replace(old, new)
        self.project.write("acme_exporters/__init__.py", text)

    def frozen(self) -> list[Path]:
        return sorted((self.project.folder / "contracts").glob("*.json"))

    def test_check_writes_nothing(self) -> None:
        status, text, _ = run("freeze", "--check")
        self.assertNotEqual(0, status, text)
        self.assertEqual([], self.frozen())

    def test_freeze_then_verify(self) -> None:
        self.assertNotEqual(0, run("verify")[0])
        self.assertEqual(0, run("freeze")[0])
        (path,) = self.frozen()
        self.assertEqual(0, run("verify")[0])
        self.assertEqual(0, run("freeze", "--check")[0])
        before = path.read_bytes()
        self.assertEqual(0, run("freeze")[0])
        self.assertEqual(before, path.read_bytes())

    def test_a_released_contract_never_changes(self) -> None:
        run("freeze")
        (path,) = self.frozen()
        before = path.read_bytes()
        self.change("1.0")
        for command in ("verify", "freeze"):
            status, text, _ = run(command)
            self.assertEqual(1, status, text)
            self.assertIn("frozen-modified", text)
        self.assertEqual(before, path.read_bytes())

    def test_too_low(self) -> None:
        run("freeze")
        self.change("1.1")
        status, text, _ = run("diff", str(self.frozen()[0]), ".")
        self.assertEqual(1, status, text)
        self.assertIn("version-too-low", text)
        self.assertIn("param-renamed", text)

    def test_high_enough_is_no_error(self) -> None:
        run("freeze")
        self.change("2.0")
        status, text, _ = run("diff", str(self.frozen()[0]), ".")
        self.assertEqual(0, status, text)
        self.assertIn("info     param-renamed", text)

    def test_modules_alone(self) -> None:
        self.project.write("pyproject.toml", "")
        self.project.write("old/thing.py", CONTRACT)
        self.project.write("new/thing.py", CONTRACT.replace("path", "target"))
        status, text, _ = run("diff", "old/thing.py", "new/thing.py")
        self.assertEqual(1, status, text)
        self.assertIn("thing.Exporter.export(path)", text)

    def test_no_baseline_is_status_2(self) -> None:
        for old in ("none.json", "pyproject.toml", "git:HEAD"):
            status, text, _ = run("diff", old, ".")
            self.assertEqual(2, status, text)
            self.assertIn("baseline-", text)

    def test_revisions(self) -> None:
        for arguments in (
            ("init", "--quiet"),
            ("add", "."),
            ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "first"),
        ):
            subprocess.run(["git", *arguments], cwd=self.project.folder, check=True)
        self.change("1.1")
        for old in ("git:HEAD", "git:HEAD:acme_exporters"):
            status, text, _ = run("diff", old, ".")
            self.assertEqual(1, status, text)
            self.assertIn("version-too-low", text)
        self.assertEqual(0, run("diff", "git:HEAD", "git:HEAD")[0])
        self.assertEqual(2, run("diff", "git:nowhere", ".")[0])

    def test_only_the_new_side_configures(self) -> None:
        run("freeze")
        self.change("1.1")
        for folder in ("old", "new"):
            self.project.write(f"{folder}/pyproject.toml", PROJECT)
        self.project.write("old/acme_exporters/__init__.py", CONTRACT)
        self.change("1.1")
        text = (self.project.folder / "acme_exporters/__init__.py").read_text("utf-8")
        self.project.write("new/acme_exporters/__init__.py", text)
        suppression = (
            "\n[[tool.abc-interface-checker.suppressions]]\n"
            'rule = "param-renamed"\nelement = "acme_exporters.Exporter.export(*)"\n'
            'versions = ["1.0", "1.1"]\nreason = "By position."\n'
        )
        self.project.write("old/pyproject.toml", f"{PROJECT}from-another-release = 1\n")
        self.project.write("new/pyproject.toml", PROJECT + suppression)
        status, said, _ = run("diff", "old", "new")
        self.assertEqual(0, status, said)
        self.assertIn("reason: By position.", said)
        self.project.write("old/pyproject.toml", PROJECT + suppression)
        self.project.write("new/pyproject.toml", PROJECT)
        status, said, _ = run("diff", "old", "new")
        self.assertEqual(1, status, said)
        self.assertIn("version-too-low", said)

    def test_a_policy_and_a_severity(self) -> None:
        run("freeze")
        for new, setting in (
            ("path: str, more: int = 0", "provider-minor = true\n"),
            ('path: str = "b"', 'severities.param-default-changed = "warning"\n'),
        ):
            self.project.write("acme_exporters/__init__.py", CONTRACT)
            if "default" in setting:
                old = CONTRACT.replace("path: str", 'path: str = "a"').replace("1.0", "1.5")
                self.project.write("acme_exporters/__init__.py", old)
                run("freeze")
            self.change("1.6", "path: str", new)
            before = str(self.frozen()[-1])
            self.project.write("pyproject.toml", PROJECT)
            status, said, _ = run("diff", before, ".")
            self.assertEqual((1, True), (status, "version-too-low" in said), said)
            self.project.write("pyproject.toml", PROJECT + setting)
            status, said, _ = run("diff", before, ".")
            self.assertEqual(0, status, said)
            self.assertRegex(said, "required bump +minor")

    def test_wrong_configuration_is_status_2(self) -> None:
        self.project.write("pyproject.toml", "[tool.abc-interface-checker]\npakages = []\n")
        for arguments in (("verify",), ("freeze",), ("diff", ".", "."), ("check", "acme_plugin:x")):
            status, _, error = run(*arguments)
            self.assertEqual(2, status)
            self.assertIn("did you mean 'packages'", error)
