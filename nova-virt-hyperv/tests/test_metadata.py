"""What a core reads from the distribution's metadata, before it imports anything."""

from __future__ import annotations

import tomllib
from importlib import import_module
from pathlib import Path

import testtools
from nova_virt_interface.factory import IHypervisorFactory
from nova_virt_interface.version import CONTRACT_VERSION


class TestEntryPoints(testtools.TestCase):
    def test_they_name_what_is_there(self) -> None:
        project = Path(__file__).parents[1] / "pyproject.toml"
        points = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["entry-points"]
        (name, target), *others = points["nova_virt.hypervisors"].items()
        self.assertEqual((f"hyperv-{CONTRACT_VERSION}", []), (name, others))
        module, _, factory = target.partition(":")
        self.assertTrue(IHypervisorFactory.implementedBy(getattr(import_module(module), factory)))
        for target in points["nova_virt.harnesses"].values():
            module, _, harness = target.partition(":")
            self.assertEqual("hyperv", getattr(import_module(module), harness).driver)
