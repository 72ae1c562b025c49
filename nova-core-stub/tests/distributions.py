"""Packages that exist for one test: metadata and modules in a folder on the path."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path

import fixtures

__all__ = ["FACTORY", "Distribution"]

FACTORY = """
from zope.interface import implementer
from nova_virt_interface.factory import IHypervisorFactory

@implementer(IHypervisorFactory)
class Factory:
    def settings_from(self, conf, group):
        return group

    def connect(self, settings, services):
        return {connection}
"""
"""A driver's module; ``{connection}`` is what connecting to it returns."""


class Distribution(fixtures.Fixture):
    """An installed package.

    Args:
        name: the package's name.
        entry_points: by group, entry point's name to its target.
        modules: source by module name.
    """

    def __init__(
        self,
        name: str,
        entry_points: Mapping[str, Mapping[str, str]],
        modules: Mapping[str, str],
        version: str = "1.0",
    ) -> None:
        self._name = name
        self._version = version
        self._entry_points = entry_points
        self._modules = modules

    def _setUp(self) -> None:  # noqa: N802
        self.folder = Path(self.useFixture(fixtures.TempDir()).path)
        metadata = self.folder / f"{self._name.replace('-', '_')}-{self._version}.dist-info"
        metadata.mkdir()
        text = f"Metadata-Version: 2.1\nName: {self._name}\nVersion: {self._version}\n"
        (metadata / "METADATA").write_text(text)
        sections = [
            "\n".join([f"[{group}]", *(f"{name} = {target}" for name, target in entries.items())])
            for group, entries in self._entry_points.items()
        ]
        (metadata / "entry_points.txt").write_text("\n".join(sections) + "\n")
        for name, source in self._modules.items():
            (self.folder / f"{name}.py").write_text(source)
            self.addCleanup(sys.modules.pop, name, None)
        self.useFixture(fixtures.PythonPathEntry(str(self.folder)))
        importlib.invalidate_caches()
