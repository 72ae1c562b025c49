"""Lint and types catch what they are there for."""

from pathlib import Path

import fixtures
import testtools

from toolbox import static_checks
from toolbox.results import Status

_GOOD = """\"\"\"A module.\"\"\"

__all__ = ["double"]


def double(x: int) -> int:
    \"\"\"Twice x.\"\"\"
    return 2 * x
"""


class TestStaticChecks(testtools.TestCase):
    """One file, good or with one fault."""

    def check(self, text: str) -> dict[str, tuple[Status, str]]:
        """Lint and type-check a package that has this one module."""
        top = Path(self.useFixture(fixtures.TempDir()).path)
        package = top / "repository" / "sample"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(text, encoding="utf-8")
        lint = static_checks.lint("sample", package.parent, "sample", top / "cache")
        types = static_checks.types("sample", package.parent, "sample", top / "cache")
        return {found.step: (found.status, found.details) for found in (lint, types)}

    def test_good(self) -> None:
        expected = {"lint": (Status.PASSED, ""), "types": (Status.PASSED, "")}
        self.assertEqual(expected, self.check(_GOOD))

    def test_lint(self) -> None:
        found = self.check(_GOOD.replace("__all__", "import os\n\n__all__"))
        self.assertEqual(Status.FAILED, found["lint"][0])
        self.assertIn("F401", found["lint"][1])

    def test_formatting(self) -> None:
        found = self.check(_GOOD.replace("2 * x", "2*x"))
        self.assertEqual(Status.FAILED, found["lint"][0])
        self.assertIn("would be reformatted", found["lint"][1])

    def test_types(self) -> None:
        found = self.check(_GOOD.replace("-> int", "-> str"))
        self.assertEqual(Status.PASSED, found["lint"][0])
        self.assertEqual(Status.FAILED, found["types"][0])
        self.assertIn("return-value", found["types"][1])
