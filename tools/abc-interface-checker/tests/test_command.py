"""The command line: what it takes, what it imports, and its exit status."""

from __future__ import annotations

import json
import subprocess
import sys

import fixtures
import testtools
from projects import run

from abc_interface_checker.command import COMMANDS


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
