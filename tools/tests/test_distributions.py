"""Every repository builds alone, ships what it must and nothing else, and has the usual files."""

import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path

import fixtures
import testtools

from toolbox.environment import PINS
from toolbox.layout import REPOSITORIES, Repository, child_environment

_FILES = (
    ".stestr.conf",
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "pyproject.toml",
    "tox.ini",
)


def wheel_faults(names: Iterable[str], package: str) -> list[str]:
    """What is wrong with a wheel that holds these files."""
    found = set(names)
    needed = [f"{package}/__init__.py", f"{package}/py.typed"]
    faults = [f"missing: {name}" for name in needed if name not in found]
    faults += [
        f"too much: {name}"
        for name in sorted(found)
        if name.split("/")[0] != package and ".dist-info/" not in name
    ]
    if not any(name.endswith(".dist-info/licenses/LICENSE") for name in found):
        faults.append("missing: the licence")
    return faults


def version_faults(installed: Iterable[tuple[str, str]], pins: str) -> list[str]:
    """Which installed distributions (name, version) are not at their pinned version."""
    pinned = dict(line.split("==") for line in pins.splitlines() if not line.startswith("#"))
    wanted = {_normal(name): version for name, version in pinned.items()}
    return [
        f"{name} {version}, pinned: {wanted.get(_normal(name))}"
        for name, version in sorted(installed)
        if wanted.get(_normal(name)) != version
    ]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


class TestBuild(testtools.TestCase):
    """From source to sdist, from the sdist alone to wheel."""

    def build(self, repository: Repository) -> Path:
        """Build both; return the folder that they are in."""
        folder = self.useFixture(fixtures.TempDir()).path
        command = ["-m", "build", "--no-isolation", "--outdir", folder, str(repository.folder)]
        done = subprocess.run(
            [sys.executable, *command],
            env=child_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return Path(folder)

    def test_every_repository(self) -> None:
        for repository in REPOSITORIES:
            folder = self.build(repository)
            (wheel,) = folder.glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                faults = wheel_faults(archive.namelist(), repository.package)
            self.assertEqual([], faults, repository.name)
            (sdist,) = folder.glob("*.tar.gz")
            with tarfile.open(sdist) as source:
                shipped = {name.partition("/")[2] for name in source.getnames()}
            self.assertEqual(set(), set(_FILES) - shipped, repository.name)

    def test_broken_wheels(self) -> None:
        good = ["a/__init__.py", "a/py.typed", "a-1.dist-info/licenses/LICENSE"]
        self.assertEqual([], wheel_faults(good, "a"))
        self.assertEqual(["missing: a/py.typed"], wheel_faults([good[0], good[2]], "a"))
        self.assertEqual(["missing: the licence"], wheel_faults(good[:2], "a"))
        self.assertEqual(["too much: tests/x.py"], wheel_faults([*good, "tests/x.py"], "a"))


class TestStandardFiles(testtools.TestCase):
    """What a repository has to have when it is exported alone."""

    def test_every_repository(self) -> None:
        missing = [
            f"{repository.name}/{name}"
            for repository in REPOSITORIES
            for name in (*_FILES, "tests")
            if not (repository.folder / name).exists()
        ]
        self.assertEqual([], missing)


class TestVersions(testtools.TestCase):
    """What is installed is what is pinned, and fits together."""

    def test_every_third_party_is_pinned(self) -> None:
        ours = {repository.name for repository in REPOSITORIES}
        installed = [
            (found.name, found.version) for found in distributions() if found.name not in ours
        ]
        self.assertEqual([], version_faults(installed, PINS.read_text(encoding="utf-8")))

    def test_unpinned_and_other_versions_are_found(self) -> None:
        pins = "# why\nzope.interface==8.7\nlxml==6\n"
        self.assertEqual([], version_faults([("zope-interface", "8.7")], pins))
        self.assertEqual(["lxml 5, pinned: 6"], version_faults([("lxml", "5")], pins))
        self.assertEqual(["a 1, pinned: None"], version_faults([("a", "1")], pins))

    def test_requirements_fit_together(self) -> None:
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "check"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stdout)
