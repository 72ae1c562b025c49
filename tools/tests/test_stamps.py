"""What set-up does again, and what it leaves alone."""

from pathlib import Path

import fixtures
import testtools

from toolbox import stamps
from toolbox.layout import Repository
from toolbox.setup import outdated
from toolbox.stamps import PackageStamp, State


class TestPackageStamp(testtools.TestCase):
    """A stamp changes with what is shipped, and with nothing else."""

    def setUp(self) -> None:
        super().setUp()
        folder = Path(self.useFixture(fixtures.TempDir()).path, "nova-virt-sample")
        self.repository = Repository(folder)
        self.write("pyproject.toml", "[project]")
        self.write("nova_virt_sample/__init__.py", "")
        self.write("nova_virt_sample/testing/harness.py", "")
        self.before = stamps.package_stamp(self.repository)

    def write(self, name: str, text: str) -> None:
        """Write one file of the repository."""
        path = self.repository.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def outdated(self) -> dict[str, bool]:
        """Say what is to be installed again, now that files have changed."""
        current = {"sample": stamps.package_stamp(self.repository)}
        return outdated({"sample": self.before}, current)

    def test_nothing_changed(self) -> None:
        self.write("nova_virt_sample/__init__.py", "")
        self.assertEqual({}, self.outdated())

    def test_changed_source_keeps_dependencies(self) -> None:
        self.write("nova_virt_sample/testing/harness.py", "x = 1")
        self.assertEqual({"sample": False}, self.outdated())

    def test_added_file(self) -> None:
        self.write("nova_virt_sample/py.typed", "")
        self.assertEqual({"sample": False}, self.outdated())

    def test_removed_file(self) -> None:
        (self.repository.folder / "nova_virt_sample/testing/harness.py").unlink()
        self.assertEqual({"sample": False}, self.outdated())

    def test_moved_file(self) -> None:
        harness = self.repository.folder / "nova_virt_sample/testing/harness.py"
        harness.rename(harness.with_name("renamed.py"))
        self.assertEqual({"sample": False}, self.outdated())

    def test_changed_metadata_looks_at_dependencies(self) -> None:
        self.write("pyproject.toml", "[project]\nname = 'sample'")
        self.assertEqual({"sample": True}, self.outdated())

    def test_what_is_not_shipped_does_not_count(self) -> None:
        self.write("tests/test_sample.py", "x = 1")
        self.write("nova_virt_sample/__pycache__/x.pyc", "x")
        self.write("nova_virt_sample/.mypy_cache/x.json", "x")
        self.assertEqual({}, self.outdated())

    def test_never_installed(self) -> None:
        self.assertEqual({"sample": True}, outdated({}, {"sample": self.before}))


class TestState(testtools.TestCase):
    """What is read is what was written; what cannot be read vouches for nothing."""

    def setUp(self) -> None:
        super().setUp()
        self.path = Path(self.useFixture(fixtures.TempDir()).path, "stamps.json")

    def test_round_trip(self) -> None:
        state = State(
            python="3.11",
            tools="a",
            system="b",
            system_packages=["gcc"],
            packages={"sample": PackageStamp("c", "d")},
            missing={"sample": ["gcc"]},
            failed={"other": "why"},
        )
        stamps.save(state, self.path)
        self.assertEqual(state, stamps.load(self.path))
        self.assertEqual([self.path], list(self.path.parent.iterdir()))

    def test_no_file(self) -> None:
        self.assertEqual(State(), stamps.load(self.path))

    def test_damaged_files(self) -> None:
        for text in ("", "[]", "{}", '{"packages": {"a": 1}}', '{"packages": {}, "unknown": 1}'):
            self.path.write_text(text, encoding="utf-8")
            self.assertEqual(State(), stamps.load(self.path), text)

    def test_problems_name_both_kinds(self) -> None:
        state = State(missing={"a": ["gcc", "qemu"], "b": ["gcc"]}, failed={"a": "no wheel"})
        expected = {
            "a": "no wheel; system packages are missing: gcc qemu",
            "b": "system packages are missing: gcc",
        }
        self.assertEqual(expected, state.problems())
        self.assertEqual({}, State().problems())
