"""Where source comes from."""

from __future__ import annotations

import subprocess
from pathlib import Path

import fixtures
import testtools

from abc_interface_checker.source.reader import read_package
from abc_interface_checker.source.sources import Sources, SourcesUnavailable

FILES = {
    "pyproject.toml": '[project]\nversion = "1.2"\n',
    "src/pkg/__init__.py": "",
    "src/pkg/things.py": "LIMIT = 1\n",
    "src/pkg/deep/__init__.py": "",
    "src/pkg/deep/more.py": "# -*- coding: latin-1 -*-\nNAME = 'ü'\n",
    "src/pkg/not-a-module.py": "",
    "src/pkg/.hidden/module.py": "",
    "src/pkg/data.txt": "",
}
MODULES = ["pkg", "pkg.deep", "pkg.deep.more", "pkg.things"]


def git(folder: Path, *arguments: str) -> str:
    """Run git with an identity and without the user's configuration."""
    settings = ("user.name=T", "user.email=t@example.org", "commit.gpgsign=false")
    options = [part for setting in settings for part in ("-c", setting)]
    done = subprocess.run(
        ["git", *options, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


class FilesTestCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.useFixture(fixtures.TempDir()).path)
        for variable in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
            self.useFixture(fixtures.EnvironmentVariable(variable))
        for name, text in FILES.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="latin-1")


class TestFolders(FilesTestCase):
    def test_a_package(self) -> None:
        sources = Sources.from_folder(self.folder / "src" / "pkg")
        self.assertEqual((MODULES, "pkg"), (list(sources), sources.name))
        self.assertEqual("# -*- coding: latin-1 -*-\nNAME = 'ü'\n", sources["pkg.deep.more"].text)
        self.assertEqual("1.2", read_package(sources).package.version)
        self.assertTrue(sources["pkg"].is_package)
        self.assertFalse(sources["pkg.things"].is_package)

    def test_a_folder_of_packages(self) -> None:
        self.assertEqual(MODULES, list(Sources.from_folder(str(self.folder / "src"))))

    def test_a_part_of_a_package(self) -> None:
        sources = Sources.from_folder(self.folder / "src" / "pkg" / "deep")
        self.assertEqual((["pkg.deep", "pkg.deep.more"], "pkg.deep"), (list(sources), sources.name))

    def test_one_file(self) -> None:
        sources = Sources.from_folder(self.folder / "src" / "pkg" / "things.py")
        self.assertEqual(["pkg.things"], list(sources))
        sources = Sources.from_folder(self.folder / "src" / "pkg" / "things.py", "other.name")
        self.assertEqual(["other.things"], list(sources))

    def test_a_namespace_package(self) -> None:
        sources = Sources.from_folder(self.folder / "src" / "pkg", "zope.pkg")
        self.assertEqual("zope.pkg", sources.name)
        self.assertIn("zope.pkg.deep.more", sources)

    def test_nothing_there(self) -> None:
        error = self.assertRaises(SourcesUnavailable, Sources.from_folder, self.folder / "none")
        self.assertIn("none", str(error))
        (self.folder / "empty").mkdir()
        self.assertRaises(SourcesUnavailable, Sources.from_folder, self.folder / "empty")

    def test_what_cannot_be_decoded_is_said_with_its_place(self) -> None:
        (self.folder / "src/pkg/things.py").write_bytes(b"x = '\xff'\n")
        (self.folder / "src/pkg/deep/more.py").write_bytes(b"# coding: none-such\n")
        read = read_package(Sources.from_folder(self.folder / "src"))
        self.assertEqual(
            ["pkg.deep.more", "pkg.things"], [each.element for each in read.could_not_check]
        )
        for each in read.could_not_check:
            self.assertIn("decoded", each.reason)
            self.assertTrue(each.place and each.place.path.endswith(".py"))


class TestTexts(testtools.TestCase):
    def test_names(self) -> None:
        sources = Sources.from_texts(
            {"a/b.py": "x = 1", "a/__init__.py": "", "pyproject.toml": "y"}
        )
        self.assertEqual((["a", "a.b"], "a", "y"), (list(sources), sources.name, sources.project))
        self.assertEqual("one, two", Sources.from_texts({"one.py": "", "two.py": ""}).name)
        self.assertEqual("", Sources.from_texts({}).name)


class TestRevisions(FilesTestCase):
    def setUp(self) -> None:
        super().setUp()
        git(self.folder, "init", "--quiet")
        git(self.folder, "add", "--all", "--force")
        git(self.folder, "commit", "--quiet", "--message", "one")
        git(self.folder, "tag", "v1")
        (self.folder / "src/pkg/things.py").write_text("LIMIT = 2\n", encoding="utf-8")

    def test_a_package(self) -> None:
        sources = Sources.from_revision(self.folder, "v1", "src/pkg")
        on_disk = Sources.from_folder(self.folder / "src" / "pkg")
        self.assertEqual((MODULES, "pkg"), (list(sources), sources.name))
        self.assertEqual(
            ("LIMIT = 1\n", "LIMIT = 2\n"), (sources["pkg.things"].text, on_disk["pkg.things"].text)
        )
        self.assertEqual(on_disk["pkg.deep.more"].text, sources["pkg.deep.more"].text)
        self.assertEqual("src/pkg/things.py", sources["pkg.things"].path)
        self.assertEqual("1.2", read_package(sources).package.version)

    def test_other_paths(self) -> None:
        self.assertEqual(MODULES, list(Sources.from_revision(self.folder, "HEAD", "src")))
        part = Sources.from_revision(self.folder / "src", "HEAD", "src/pkg/deep")
        self.assertEqual(["pkg.deep", "pkg.deep.more"], list(part))
        one = Sources.from_revision(self.folder, "HEAD", "src/pkg/things.py")
        self.assertEqual(["pkg.things"], list(one))
        all_of_it = Sources.from_revision(self.folder, "HEAD", ".")
        self.assertIn("src.pkg.things", all_of_it)

    def assert_refused(self, word: str, repository: Path, revision: str, path: str) -> None:
        error = self.assertRaises(
            SourcesUnavailable, Sources.from_revision, repository, revision, path
        )
        self.assertIn(word, str(error))

    def test_what_is_not_there(self) -> None:
        self.assert_refused("no revision 'v2'", self.folder, "v2", "src/pkg")
        self.assert_refused("no revision '--help'", self.folder, "--help", "src/pkg")
        self.assert_refused("src/none", self.folder, "v1", "src/none")
        outside = Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(
            fixtures.EnvironmentVariable("GIT_CEILING_DIRECTORIES", str(outside.parent))
        )
        self.assert_refused("no revision 'v1'", outside, "v1", "src/pkg")
