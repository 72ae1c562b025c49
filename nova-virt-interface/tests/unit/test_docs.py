"""The documents agree with the code, and their examples run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import testtools
from fixtures import TempDir

from nova_virt_interface.testing.rulebook import as_markdown, rules
from nova_virt_interface.testing.suite.hypervisor import HypervisorSuite
from nova_virt_interface.testing.suite.virt_driver import VirtDriverSuite

REPOSITORY = Path(__file__).parents[2]
DOCUMENTS = ("README.md", "docs/answers.md")
_BLOCK = re.compile(r"^```\w+ (\S+)\n(.*?)^```$", re.M | re.S)


def read(name: str) -> str:
    """The text of a document."""
    return (REPOSITORY / name).read_text(encoding="utf-8")


class TestDocuments(testtools.TestCase):
    def test_the_page_of_rules_is_as_generated(self) -> None:
        command = "python -m nova_virt_interface.testing rules > docs/rules.md"
        generated = as_markdown(HypervisorSuite, VirtDriverSuite) + "\n"
        self.assertEqual(generated, read("docs/rules.md"), f"run: {command}")

    def test_every_rule_that_a_document_names_exists(self) -> None:
        known = rules().keys()
        subjects = {rule.partition("-")[0] for rule in known}
        for document in DOCUMENTS:
            named = re.findall(r"\b([A-Z]+)-(\d+)\b", read(document))
            wrong = {f"{s}-{n}" for s, n in named if s in subjects} - known
            self.assertEqual(set(), wrong, document)
            self.assertTrue(named, document)

    def test_every_file_that_a_document_links_to_exists(self) -> None:
        for document in DOCUMENTS:
            folder = (REPOSITORY / document).parent
            for target in re.findall(r"\]\(([^)#:]+)\)", read(document)):
                self.assertTrue((folder / target).exists(), f"{document}: {target}")


class TestReadme(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.useFixture(TempDir()).path)
        for name, content in _BLOCK.findall(read("README.md")):
            (self.folder / name).write_text(content, encoding="utf-8")

    def run_python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        inherited = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
        paths = [str(self.folder), *map(os.path.abspath, inherited)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def test_the_example_of_adoption_passes_the_suite(self) -> None:
        done = self.run_python("-m", "testtools.run", "test_conformance")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        [ran] = re.findall(r"Ran (\d+) tests", done.stdout)
        suite = [name for name in dir(HypervisorSuite) if name.startswith("test_")]
        self.assertEqual(len(suite), int(ran))

    def test_the_example_of_a_core_runs(self) -> None:
        done = self.run_python("core.py")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("accepted", done.stdout)
        self.assertIn("running", done.stdout)
