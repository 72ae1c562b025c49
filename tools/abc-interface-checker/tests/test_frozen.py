"""Frozen files."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import fixtures
import testtools
from hypothesis import given
from hypothesis import strategies as st
from test_source_sources import git

import abc_interface_checker
from abc_interface_checker.model import (
    Alias,
    Attribute,
    Enumeration,
    ExceptionClass,
    Field,
    Interface,
    Method,
    Package,
    Place,
    Value,
)
from abc_interface_checker.source import frozen
from abc_interface_checker.source.reader import read_package
from abc_interface_checker.source.sources import Sources

CONTRACT = '''
import enum
from dataclasses import dataclass
from zope.interface import Attribute, Interface, taggedValue

__version__ = "1.0"

class Colour(enum.Enum):
    """Zwölf Farben \\ud800."""
    RED = "r"
    GREEN = "\\u0378"
    CRIMSON = "r"

@dataclass(frozen=True)
class Size:
    width: int = 1 << 70000
    share: float = 1e999

class Bad(Exception):
    def __init__(self, message: str, *, more: "dict[str, int]") -> None: pass

class IThing(Interface):
    """A thing."""
    taggedValue("since", "1.0")
    colour: Colour = Attribute("Its colour.")
    def paint(colour: Colour, *rest: int, size: Size | None = None, **more) -> None:
        """Paint it.

        Raises: Bad (colour).
        """
'''


def packages() -> st.SearchStrategy[Package]:
    """All that a model can hold, without places."""
    texts = st.text(max_size=4)

    def placeless(kind: type, **more: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
        return st.builds(kind, place=st.none(), **more)

    def few(kind: type) -> st.SearchStrategy[object]:
        return st.lists(placeless(kind), max_size=2).map(tuple)

    def named(
        kind: type, **more: st.SearchStrategy[object]
    ) -> st.SearchStrategy[Mapping[str, object]]:
        return st.dictionaries(texts, placeless(kind, **more), max_size=2)

    return st.builds(
        Package,
        name=texts,
        interfaces=named(Interface, methods=few(Method), attributes=few(Attribute)),
        values=named(Value, fields=few(Field)),
        enumerations=named(Enumeration),
        exceptions=named(ExceptionClass),
        aliases=named(Alias),
    )


def contract(text: str = CONTRACT) -> Package:
    read = read_package(Sources.from_texts({"contract.py": text}))
    if read.could_not_check or read.findings:
        raise AssertionError(read)
    return read.package


class TestBytes(testtools.TestCase):
    @given(packages())
    def test_what_is_written_reads_back(self, package: Package) -> None:
        content = frozen.to_bytes(package)
        again = frozen.from_bytes(content)
        self.assertEqual(package, again)
        self.assertEqual(content, frozen.to_bytes(again))
        self.assertTrue(frozen.dump(package).startswith("contract"))

    def test_places_do_not_count_and_order_only_where_it_says_something(self) -> None:
        package = contract()
        thing = package.interfaces["contract.IThing"]
        moved = replace(thing, place=Place("elsewhere.py", 99))
        second = replace(thing, name="contract.IAnother")
        first = {"contract.IThing": thing, "contract.IAnother": second}
        other = {"contract.IAnother": second, "contract.IThing": moved}
        self.assertEqual(
            frozen.to_bytes(replace(package, interfaces=first)),
            frozen.to_bytes(replace(package, interfaces=other)),
        )
        colour = package.enumerations["contract.Colour"]
        turned = replace(colour, members=dict(reversed(list(colour.members.items()))))
        self.assertNotEqual(
            frozen.to_bytes(package),
            frozen.to_bytes(replace(package, enumerations={colour.name: turned})),
        )

    def test_comments_and_layout_do_not_count(self) -> None:
        other = CONTRACT.replace("\n\nclass", "\n\n# A comment.\n\n\n\nclass")
        self.assertEqual(frozen.to_bytes(contract()), frozen.to_bytes(contract(other)))

    def test_the_content(self) -> None:
        content = frozen.to_bytes(contract())
        self.assertTrue(content.isascii())
        self.assertEqual("1.0", json.loads(content)["contract"]["version"])
        self.assertEqual(hashlib.sha256(content).hexdigest(), frozen.digest(content))

    def test_the_dump(self) -> None:
        text = frozen.dump(contract())
        for line in (
            "zope interface contract.IThing, since 1.0",
            "    abstract paint(colour: contract.Colour, *rest: int, "
            "size: contract.Size | None = None, **more) -> None",
            "        raises contract.Bad",
            "enumeration contract.Colour(enum.Enum), flow both",
            "    CRIMSON is RED",
        ):
            self.assertIn(line, text.splitlines())

    def test_what_is_unreadable(self) -> None:
        good = json.loads(frozen.to_bytes(contract()))
        changes: tuple[dict[str, object], ...] = (
            {"kind": "else"},
            {"format": 2},
            {"contract": []},
            {"contract": {"name": 3}},
            {"contract": {}},
            {"contract": {"name": "a", "colour": "red"}},
            {"contract": {"name": "a", "interfaces": {"b": {"name": "b", "kind": "corba"}}}},
        )
        for change in changes:
            content = json.dumps({**good, **change}).encode()
            self.assertRaises(frozen.Unreadable, frozen.from_bytes, content)
        for content in (b"", b"[]", b"\xff", b"[" * 100000):
            self.assertRaises(frozen.Unreadable, frozen.from_bytes, content)

    @given(st.data())
    def test_no_damage_makes_it_crash(self, data: st.DataObject) -> None:
        content = bytearray(frozen.to_bytes(contract()))
        for _ in range(3):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        try:
            self.assertIsInstance(frozen.from_bytes(bytes(content)), Package)
        except frozen.Unreadable as error:
            self.assertNotEqual("", str(error))


class TestPythons(testtools.TestCase):
    """The same bytes on every Python that is there."""

    SCRIPT = (
        "import sys; from abc_interface_checker.source.frozen import *; "
        "from abc_interface_checker.source.reader import read_package; "
        "from abc_interface_checker.source.sources import Sources; "
        "read = read_package(Sources.from_texts({'contract.py': sys.stdin.read()})); "
        "print(sys.version_info[:2], digest(to_bytes(read.package)), digest(dump(read.package)"
        ".encode('utf-8', 'replace')), len(read.could_not_check))"
    )

    def test_the_same_bytes(self) -> None:
        found = {}
        for python in (sys.executable, *others()):
            done = subprocess.run(
                [python, "-W", "error", "-c", self.SCRIPT],
                cwd=Path(abc_interface_checker.__file__).parent.parent,
                input=CONTRACT.encode(),
                capture_output=True,
                check=True,
            )
            version, _, digests = done.stdout.decode().strip().rpartition(") ")
            found[version + ")"] = digests
        self.addDetail("pythons", testtools.content.text_content(", ".join(found)))
        self.assertEqual(1, len(set(found.values())), str(found))
        self.assertTrue(next(iter(found.values())).endswith(" 0"))


def others() -> Iterator[str]:
    """Other Pythons on PATH that can run this package."""
    for minor in range(11, 15):
        python = shutil.which(f"python3.{minor}")
        if (
            python
            and subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode == 0
        ):
            yield python


class FolderTestCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.useFixture(fixtures.TempDir()).path) / "contracts"
        for variable in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
            self.useFixture(fixtures.EnvironmentVariable(variable))
        above = str(self.folder.parent.parent)
        self.useFixture(fixtures.EnvironmentVariable("GIT_CEILING_DIRECTORIES", above))

    def rules(self, package: Package) -> list[str]:
        return [found.rule for found in frozen.verify(package, self.folder)]


class TestFiles(FolderTestCase):
    def test_files(self) -> None:
        path = frozen.write(contract(), self.folder)
        self.assertEqual(self.folder / "1.0.json", path)
        self.assertEqual(
            ["1.0.json", "1.0.sha256", "1.0.txt"],
            sorted(each.name for each in self.folder.iterdir()),
        )
        digests = (self.folder / "1.0.sha256").read_text(encoding="utf-8")
        self.assertEqual(f"{frozen.digest(path.read_bytes())}  1.0.json", digests.splitlines()[0])
        self.assertEqual([], self.rules(contract()))

    def test_a_release_does_not_change(self) -> None:
        frozen.write(contract(), self.folder)
        frozen.write(contract(), self.folder)
        other = contract(CONTRACT.replace("width", "breadth"))
        self.assertRaises(frozen.AlreadyFrozen, frozen.write, other, self.folder)
        self.assertEqual(["frozen-modified"], self.rules(other))
        self.assertEqual([], self.rules(contract()))

    def test_a_draft_does(self) -> None:
        draft = CONTRACT.replace('"1.0"\n\nclass', '"1.0.dev1"\n\nclass')
        frozen.write(contract(draft), self.folder)
        other = contract(draft.replace("width", "breadth"))
        self.assertEqual(["frozen-modified"], self.rules(other))
        frozen.write(other, self.folder)
        self.assertEqual([], self.rules(other))

    def test_a_version_is_needed(self) -> None:
        for version in ("", "../1.0", "a/b", ".."):
            package = replace(contract(), version=version)
            self.assertRaises(frozen.NoVersion, frozen.write, package, self.folder)
        self.assertFalse(self.folder.exists())

    def test_missing_and_unreadable(self) -> None:
        self.assertEqual(["baseline-missing"], self.rules(contract()))
        self.assertEqual(["baseline-missing"], self.rules(replace(contract(), version="")))
        frozen.write(contract(), self.folder)
        self.assertEqual(["baseline-missing"], self.rules(replace(contract(), version="1.1")))
        (self.folder / "1.0.sha256").unlink()
        self.assertEqual(["baseline-missing"], self.rules(contract()))
        (self.folder / "1.0.sha256").write_text("x", encoding="utf-8")
        self.assertEqual(["baseline-unreadable"] * 2, self.rules(contract()))

    def test_touched_files(self) -> None:
        frozen.write(contract(), self.folder)
        newer = replace(contract(), version="1.1")
        frozen.write(newer, self.folder)
        (self.folder / "1.0.txt").write_text("else", encoding="utf-8")
        self.assertEqual(["frozen-modified"], self.rules(newer))
        (self.folder / "1.0.txt").unlink()
        self.assertEqual(["frozen-modified"], self.rules(newer))
        (self.folder / "1.0.json").write_text("{}", encoding="utf-8")
        self.assertEqual(["frozen-modified"] * 2, self.rules(newer))


class TestHistory(FolderTestCase):
    """In a git checkout, digests that were changed too do not help."""

    def setUp(self) -> None:
        super().setUp()
        self.folder.mkdir()
        git(self.folder, "init", "--quiet")

    def commit(self) -> None:
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--message", "a change")

    def replaced(self, text: str) -> Package:
        """Another contract, frozen at the same version with all its files."""
        for path in self.folder.glob("1.*"):
            path.unlink()
        frozen.write(contract(text), self.folder)
        return contract(text)

    def test_a_release(self) -> None:
        frozen.write(contract(), self.folder)
        self.commit()
        self.assertEqual([], self.rules(contract()))
        other = self.replaced(CONTRACT.replace("width", "breadth"))
        self.assertEqual(["frozen-modified"] * 3, self.rules(other))
        self.commit()
        self.assertEqual(["frozen-modified"] * 3, self.rules(other))

    def test_a_draft(self) -> None:
        draft = CONTRACT.replace('"1.0"\n\nclass', '"1.0.dev1"\n\nclass')
        frozen.write(contract(draft), self.folder)
        self.commit()
        other = self.replaced(draft.replace("width", "breadth"))
        self.assertEqual([], self.rules(other))

    def test_before_it_is_committed(self) -> None:
        self.assertEqual([], self.rules(self.replaced(CONTRACT)))
