"""A small project with a contract and plugins, and the command line beside it."""

from __future__ import annotations

import io
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import fixtures

from abc_interface_checker.command import main

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
