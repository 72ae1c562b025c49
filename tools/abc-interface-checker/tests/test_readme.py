"""What the README shows is what happens."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import testtools
from projects import Project, run

from abc_interface_checker.configuration import parse
from abc_interface_checker.suppressions import check_entries

README = Path(__file__).parents[1] / "README.md"
_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> Iterator[tuple[str, str, str]]:
    """Language, file name if there is one, and text of every block."""
    for found in _BLOCK.finditer(README.read_text(encoding="utf-8")):
        yield found[1], found[2] or "", found[3]


def shown(console: str) -> Iterator[tuple[list[str], str]]:
    """Arguments and output of each command of a block."""
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield shlex.split(command)[1:], output


class TestReadme(testtools.TestCase):
    """The blocks, from top to bottom."""

    def test_five_minutes(self) -> None:
        project = self.useFixture(Project())
        commands = []
        for language, name, text in blocks():
            if name:
                project.write(name, text)
            if language == "console":
                for arguments, output in shown(text):
                    status, said, error = run(*arguments)
                    self.assertEqual(output, said + error)
                    commands.append((arguments[0], status))
            if name == "test_csv_exporter.py":
                module = importlib.import_module("test_csv_exporter")
                error = self.assertRaises(AssertionError, module.test_it_is_an_exporter)
                self.assertIn("impl-param-renamed", str(error))
        self.assertEqual([("check", 1), ("freeze", 0), ("diff", 1), ("explain", 0)], commands)

    def test_configuration(self) -> None:
        (text,) = (text for language, name, text in blocks() if language == "toml" and not name)
        configuration = parse(text)
        check_entries(configuration.suppressions)
        self.assertEqual(1, len(configuration.suppressions))

    def test_every_key_is_told(self) -> None:
        error = self.assertRaises(ValueError, parse, "[tool.abc-interface-checker]\n-=1")
        rows = re.findall(r"^\| (`.*?) \|", README.read_text(encoding="utf-8"), re.MULTILINE)
        told = {key for row in rows for key in re.findall(r"`([a-z-]+)`", row)}
        self.assertEqual(set(str(error).partition("valid: ")[2].split(", ")), told)

    def test_every_hook_is_there(self) -> None:
        hooks = (README.parent / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
        (text,) = (text for language, _, text in blocks() if language == "yaml")
        wanted = re.findall(r"- id: (\S+)", text)
        self.assertEqual(2, len(wanted))
        self.assertEqual(set(), set(wanted) - set(re.findall(r"- id: (\S+)", hooks)))
