"""Reports of a run: what they hold, and what must not get into them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import testtools
from fixtures import TempDir
from hypothesis import given
from hypothesis import strategies as st

from nova_virt_interface.errors import VirtError
from nova_virt_interface.handshake import Declaration, negotiate
from nova_virt_interface.secret import Secret
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.harness import Backend, BackendKind
from nova_virt_interface.testing.report import as_json, as_text, write_reports
from nova_virt_interface.testing.results import DriverRun, Record, Status

DECLARATION = Declaration(
    driver="tiny", package="nova-virt-tiny", package_version="3.1", contract="1.0"
)
BACKEND = Backend(name="vmm", version="9.1", kind=BackendKind.REAL)
RUN_KEYS = {
    *("driver", "package", "package_version", "contract", "verdict", "backend"),
    *("static", "behaviour", "suite_version", "results"),
    *("provided", "not_provided"),
}
STATUSES = {"pass", "fail", "skip", "error"}
RECORDS = st.builds(
    Record,
    test=st.from_regex(r"[A-Z][a-z]+\.test_[a-z]+", fullmatch=True),
    status=st.sampled_from(Status),
    rules=st.lists(st.from_regex(r"[A-Z]+-\d", fullmatch=True), max_size=2).map(tuple),
    reason=st.text(),
    evidence=st.text(),
    seconds=st.floats(min_value=0, max_value=1000),
)


def run_of(
    records: list[Record], static: tuple[Record, ...] = (), backend: Backend | None = BACKEND
) -> DriverRun:
    """A run that found these."""
    return DriverRun(
        declaration=DECLARATION,
        verdict=negotiate(DECLARATION, "1.0"),
        backend=backend,
        suite_version="0.1.0",
        static=list(static),
        behaviour=records,
    )


class TestReports(testtools.TestCase):
    def written(self, *runs: DriverRun) -> tuple[Any, ElementTree.Element]:
        folder = Path(self.useFixture(TempDir()).path) / "new" / "folder"
        write_reports(runs, folder)
        content = json.loads((folder / "conformance.json").read_text(encoding="utf-8"))
        tree = ElementTree.parse(folder / "conformance.xml")  # noqa: S314 - our own file
        return content, tree.getroot()

    def test_the_json_report_has_what_is_promised(self) -> None:
        record = Record(
            test="A.test_1", status=Status.FAIL, rules=("PWR-3",), reason="why", seconds=1.25
        )
        [run] = json.loads(as_json([run_of([record])]))["runs"]
        self.assertEqual(RUN_KEYS, set(run))
        self.assertEqual({"name": "vmm", "version": "9.1", "kind": "real"}, run["backend"])
        self.assertIn("accepted", run["verdict"])
        for part in ("static", "behaviour"):
            self.assertEqual(STATUSES, set(run[part]))
        self.assertEqual(1, run["behaviour"]["fail"])
        [result] = run["results"]
        found = [result[key] for key in ("test", "rules", "status", "reason", "seconds")]
        self.assertEqual(["A.test_1", ["PWR-3"], "fail", "why", 1.25], found)

    def test_a_simulated_backend_and_none_are_marked(self) -> None:
        simulated = Backend(name="vmm", version="1", kind=BackendKind.SIMULATED)
        runs = [run_of([], backend=simulated), run_of([], backend=None)]
        one, other = json.loads(as_json(runs))["runs"]
        self.assertEqual("simulated", one["backend"]["kind"])
        self.assertIsNone(other["backend"])
        self.assertIn("simulated", as_text(runs[:1]))

    @given(st.lists(RECORDS, max_size=5), st.lists(RECORDS, max_size=3))
    def test_all_reports_agree_and_can_be_read(
        self, records: list[Record], static: list[Record]
    ) -> None:
        run = run_of(records, tuple(static))
        content, root = self.written(run)
        [entry] = content["runs"]
        [suite] = root.findall("testsuite")
        cases = suite.findall("testcase")
        self.assertEqual(len(entry["results"]), len(cases))
        self.assertEqual(str(len(cases)), suite.get("tests"))
        for status, attribute, tag in (
            ("fail", "failures", "failure"),
            ("error", "errors", "error"),
            ("skip", "skipped", "skipped"),
        ):
            total = entry["static"][status] + entry["behaviour"][status]
            self.assertEqual(str(total), suite.get(attribute))
            self.assertEqual(total, len(suite.findall(f"testcase/{tag}")))
            wanted = sum(record.status.value == status for record in (*records, *static))
            self.assertEqual(wanted, total)

    @given(st.text(alphabet=st.characters(categories=["Cc", "Cs", "Cn", "Lo"])))
    def test_control_characters_do_not_break_a_report(self, text: str) -> None:
        record = Record(test="A.test_1", status=Status.FAIL, reason=text, evidence=f"x{text}")
        content, root = self.written(run_of([record]))
        self.assertEqual(text, content["runs"][0]["results"][0]["reason"])
        self.assertIsNotNone(root.find("testsuite/testcase/failure"))
        self.assertIsNotNone(root.find("testsuite/testcase/system-out"))

    @rules("SEC-1")
    def test_a_secret_in_an_error_does_not_get_into_a_report(self) -> None:
        secret = Secret("correct-horse-battery")
        error = VirtError(f"cannot log in with {secret}", detail=repr({"password": secret}))
        record = Record(
            test="A.test_1", status=Status.FAIL, reason=str(error), evidence=f"saw {secret!r}"
        )
        run = run_of([record])
        content, root = self.written(run)
        texts = (as_text([run]), json.dumps(content), ElementTree.tostring(root, "unicode"))
        for text in texts:
            self.assertNotIn("correct-horse-battery", text)
            self.assertIn("***", text)

    def test_the_text_names_what_went_wrong_by_its_last_line(self) -> None:
        records = [
            Record(test="A.test_1", status=Status.FAIL, reason="Traceback:\n  x\nError: no disk\n"),
            Record(test="A.test_2", status=Status.ERROR, reason="could not check: no daemon"),
            Record(test="A.test_3", status=Status.SKIP, reason="not provided: IImageCache"),
        ]
        text = as_text([run_of(records)])
        self.assertIn("fail: A.test_1: Error: no disk", text)
        self.assertIn("error: A.test_2: could not check: no daemon", text)
        self.assertIn("0 pass, 1 fail, 1 skip, 1 error", text)
        self.assertNotIn("A.test_3", text)


class TestSucceeded(testtools.TestCase):
    def test_all_must_have_been_checked_without_a_failure(self) -> None:
        passed = Record(test="A.test_1", status=Status.PASS)
        self.assertTrue(run_of([passed]).succeeded)
        self.assertFalse(run_of([]).succeeded)
        for status in (Status.FAIL, Status.ERROR):
            bad = Record(test="A.test_2", status=status)
            self.assertFalse(run_of([passed, bad]).succeeded)
            self.assertFalse(run_of([passed], (bad,)).succeeded)

    def test_a_refused_driver_has_not_succeeded(self) -> None:
        run = run_of([Record(test="A.test_1", status=Status.PASS)])
        run.verdict = negotiate(DECLARATION, "2.0")
        self.assertFalse(run.succeeded)
