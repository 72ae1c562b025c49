"""The command lines, and what is told about system packages."""

import contextlib
import io
import os
import shutil
import subprocess
from pathlib import Path

import fixtures
import testtools

from toolbox import system_packages, test
from toolbox.layout import REPOSITORIES, TOOLS
from toolbox.test import CHOICES, parse


class TestParse(testtools.TestCase):
    """The arguments of tools/test."""

    def test_no_package_means_all(self) -> None:
        self.assertEqual(list(CHOICES), parse([]).package)

    def test_a_completed_folder_name(self) -> None:
        self.assertEqual(["nova-core-stub"], parse(["nova-core-stub/"]).package)

    def test_an_unknown_package_is_refused_before_anything_is_done(self) -> None:
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            error = self.assertRaises(SystemExit, test.main, ["nova-virt-unknown"])
        self.assertEqual(2, error.code)
        self.assertIn("nova-virt-unknown", said.getvalue())
        self.assertIn("nova-virt-libvirt", said.getvalue())


class TestLaunch(testtools.TestCase):
    """The commands as a user starts them."""

    def run_command(self, name: str, path: str) -> subprocess.CompletedProcess[str]:
        """Ask the command for its help, with this PATH."""
        return subprocess.run(
            ["/bin/bash", str(TOOLS / name), "--help"],
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    def test_every_command_has_help(self) -> None:
        for name in ("setup", "test", "conform"):
            done = self.run_command(name, os.environ["PATH"])
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertIn(f"usage: tools/{name}", done.stdout)

    def test_an_old_python_is_said_clearly(self) -> None:
        folder = Path(self.useFixture(fixtures.TempDir()).path)
        for program in ("bash", "dirname"):
            (folder / program).symlink_to(str(shutil.which(program)))
        (folder / "python3").write_text("#!/bin/bash\nexit 1\n", encoding="utf-8")
        (folder / "python3").chmod(0o755)
        done = self.run_command("setup", str(folder))
        self.assertEqual(2, done.returncode)
        self.assertIn("no Python 3.11 or newer", done.stderr)


class TestReasons(testtools.TestCase):
    """The comments of a bindep.txt say why."""

    def test_a_comment_holds_for_its_block(self) -> None:
        text = """# About this file

# compiles
# the bindings
gcc [platform:dpkg]
libvirt-dev [platform:dpkg]
# boots guests
qemu-system-x86 [platform:dpkg test]

mtools
"""
        expected = {
            "gcc": "compiles the bindings",
            "libvirt-dev": "compiles the bindings",
            "qemu-system-x86": "boots guests",
            "mtools": "no reason given",
        }
        self.assertEqual(expected, system_packages.reasons(text))

    def test_every_listed_package_has_a_reason(self) -> None:
        for repository in REPOSITORIES:
            if repository.bindep.exists():
                found = system_packages.reasons(repository.bindep.read_text(encoding="utf-8"))
                silent = [name for name, reason in found.items() if reason == "no reason given"]
                self.assertEqual([], silent, repository.name)


class TestAllInstalled(testtools.TestCase):
    """The cheap look sees what is not there."""

    def test_what_is_there_and_what_is_not(self) -> None:
        if not shutil.which("dpkg-query"):
            self.skipTest("no dpkg here")
        self.assertTrue(system_packages.all_installed(["dpkg", "bash"]))
        self.assertFalse(system_packages.all_installed(["dpkg", "no-such-package"]))

    def test_what_another_package_provides_is_there(self) -> None:
        if not shutil.which("dpkg-query"):
            self.skipTest("no dpkg here")
        # Debian's awk is mawk, gawk or original-awk, which all provide the name alone.
        self.assertTrue(system_packages.all_installed(["awk"]))
