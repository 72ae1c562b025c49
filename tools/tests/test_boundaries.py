"""The house's import table holds, and the check that says so can fail."""

from pathlib import Path

import fixtures
import testtools

from toolbox.boundaries import RULES, Rule, imported, violations
from toolbox.layout import REPOSITORIES, Repository


class TestTable(testtools.TestCase):
    """Every repository against its own rule."""

    def test_every_repository_has_a_rule(self) -> None:
        self.assertEqual({repository.name for repository in REPOSITORIES}, set(RULES))

    def test_every_repository_keeps_to_its_rule(self) -> None:
        found = {
            repository.name: violations(repository, RULES[repository.name])
            for repository in REPOSITORIES
        }
        self.assertEqual({name: [] for name in RULES}, found)

    def test_code_was_read(self) -> None:
        for repository in REPOSITORIES:
            sources = list((repository.folder / repository.package).rglob("*.py"))
            self.assertNotEqual([], sources, repository.name)


class TestBrokenExamples(testtools.TestCase):
    """Each kind of forbidden import is found, and its allowed sibling is not."""

    rule = Rule(frozenset({"nova_virt_interface", "zope.interface"}), frozenset({"testtools"}))

    def check(self, source: str, path: str = "module.py") -> list[str]:
        """Return what is found in a repository `nova-virt-broken` that has this one file."""
        folder = Path(self.useFixture(fixtures.TempDir()).path, "nova-virt-broken")
        file = folder / "nova_virt_broken" / path
        file.parent.mkdir(parents=True)
        file.write_text(source, encoding="utf-8")
        return violations(Repository(folder), self.rule)

    def test_another_driver(self) -> None:
        self.assertEqual(
            ["nova_virt_broken/module.py: nova_virt_libvirt.session"],
            self.check("from nova_virt_libvirt import session"),
        )

    def test_an_import_inside_a_function(self) -> None:
        self.assertEqual(
            ["nova_virt_broken/module.py: requests"], self.check("def f():\n    import requests")
        )

    def test_a_sibling_of_an_allowed_module(self) -> None:
        self.assertEqual(
            ["nova_virt_broken/module.py: zope.schema"], self.check("from zope import schema")
        )

    def test_a_name_that_begins_like_an_allowed_one(self) -> None:
        self.assertEqual(
            ["nova_virt_broken/module.py: nova_virt_interface_extra"],
            self.check("import nova_virt_interface_extra"),
        )

    def test_the_suite_outside_testing(self) -> None:
        for module in ("testtools.content", "nova_virt_interface.testing.suite"):
            source = f"import {module}"
            self.assertEqual([f"nova_virt_broken/module.py: {module}"], self.check(source))

    def test_own_testing_from_shipped_code(self) -> None:
        self.assertEqual(
            ["nova_virt_broken/module.py: nova_virt_broken.testing"],
            self.check("from nova_virt_broken import testing"),
        )

    def test_what_is_allowed_passes(self) -> None:
        source = """
import os.path
from . import sibling
from zope.interface import implementer
from zope import interface
from nova_virt_interface.values import disks
from nova_virt_broken import session
"""
        self.assertEqual([], self.check(source))

    def test_testing_may_use_the_suite(self) -> None:
        source = """
import testtools
from nova_virt_interface.testing import harness
from nova_virt_broken.testing import simulator
from nova_virt_broken import session
"""
        self.assertEqual([], self.check(source, "testing/harness.py"))

    def test_testing_has_limits(self) -> None:
        self.assertEqual(
            ["nova_virt_broken/testing/harness.py: requests"],
            self.check("import requests", "testing/harness.py"),
        )


class TestImported(testtools.TestCase):
    """How an import statement is read."""

    def test_relative_imports_are_the_packages_own(self) -> None:
        self.assertEqual([], list(imported("from . import a\nfrom .b import c\nfrom .. import d")))

    def test_dotted_names_are_kept(self) -> None:
        self.assertEqual(["a.b", "c.d.e"], list(imported("import a.b as x\nfrom c.d import e")))
