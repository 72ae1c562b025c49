"""The configuration is strict, and says what would be right."""

from __future__ import annotations

from pathlib import Path

import fixtures
import testtools

from abc_interface_checker.configuration import Configuration, Misconfigured, find, parse

ALL = """
[project]
name = "acme"
version = "3.1"

[tool.abc-interface-checker]
packages = ["acme.interfaces"]
include = ["acme.interfaces.*"]
exclude = ["acme.interfaces.private"]
mandatory = ["acme.interfaces.IExporter"]
owners = ["acme.interfaces.ICallback"]
both = ["acme.interfaces.IFilter"]
interfaces = ["acme.interfaces.OldStyle"]
version = "acme.interfaces:VERSION"
freezable = true
frozen = "released"
provider-minor = true

[tool.abc-interface-checker.severities]
param-default-changed = "warning"

[[tool.abc-interface-checker.suppressions]]
rule = "param-renamed"
element = "acme.interfaces.IExporter.export(*)"
versions = ["1.0", "1.1"]
reason = "Everybody passes it by position."
"""


def table(text: str) -> str:
    return f"[tool.abc-interface-checker]\n{text}"


class TestParse(testtools.TestCase):
    """What may be said, and what may not."""

    def test_all_keys(self) -> None:
        found = parse(ALL, folder=Path("here"))
        self.assertEqual(("acme.interfaces",), found.packages)
        self.assertEqual("acme.interfaces:VERSION", found.version)
        self.assertEqual((True, True), (found.freezable, found.provider_minor))
        self.assertEqual({"param-default-changed": "warning"}, found.severities)
        self.assertEqual(("1.0", "1.1"), found.suppressions[0].versions)
        self.assertEqual(Path("here/released"), found.frozen_folder)

    def test_no_table_is_the_defaults(self) -> None:
        self.assertEqual(Configuration(), parse('[project]\nname = "a"'))

    def test_only_some_keys(self) -> None:
        text = table('version = "1.0"\nfrom-another-release = 3')
        found = parse(text, only=("packages", "version"))
        self.assertEqual(Configuration(version="1.0"), found)

    def assert_refused(self, text: str, *parts: str) -> None:
        error = self.assertRaises(Misconfigured, parse, text)
        for part in ("pyproject.toml", *parts):
            self.assertIn(part, str(error))

    def test_unknown_key(self) -> None:
        self.assert_refused(
            table("pakages = []"), "'pakages' (did you mean 'packages'?)", "exclude, freezable"
        )

    def test_wrong_kinds(self) -> None:
        self.assert_refused(table('packages = "acme"'), "'packages' must be an array of strings")
        self.assert_refused(table("packages = [1]"), "'packages' must be an array of strings")
        self.assert_refused(table("version = 1.0"), "'version' must be a string")
        self.assert_refused(table("provider-minor = 1"), "must be true or false")
        self.assert_refused(table("severities = []"), "'severities' must be a table")
        self.assert_refused("tool.abc-interface-checker = 1", "must be a table")

    def test_severities_where_the_catalogue_allows_it(self) -> None:
        self.assert_refused(
            table('severities.param-renamed = "warning"'), "cannot be set", "param-default-changed"
        )
        self.assert_refused(
            table('severities.param-default-changed = "off"'), "valid: warning, error"
        )

    def test_suppressions_need_a_reason(self) -> None:
        entry = 'rule = "param-renamed"\nelement = "acme.*"\n'
        head = "[[tool.abc-interface-checker.suppressions]]\n"
        self.assert_refused(head + entry, "suppressions[0] has no 'reason'")
        self.assert_refused(f'{head}{entry}reason = " "', "suppressions[0].reason is empty")
        self.assert_refused(f'{head}{entry}reason = "a"\nversions = ["1"]', "old and the new")
        self.assert_refused(f'{head}{entry}reason = "a"\nwhy = "b"', "'why'", "versions")
        self.assert_refused(table("suppressions = {}"), "array of tables")

    def test_no_toml(self) -> None:
        self.assert_refused("[tool", "pyproject.toml: ")


class TestFind(testtools.TestCase):
    """The nearest file counts."""

    def test_upward(self) -> None:
        top = Path(self.useFixture(fixtures.TempDir()).path).resolve()
        (top / "pyproject.toml").write_text(ALL, encoding="utf-8")
        below = top / "src" / "acme"
        below.mkdir(parents=True)
        self.assertEqual(top, find(below).folder)

    def test_unreadable(self) -> None:
        top = Path(self.useFixture(fixtures.TempDir()).path)
        (top / "pyproject.toml").write_bytes(b"\xff")
        self.assertRaises(Misconfigured, find, top)
