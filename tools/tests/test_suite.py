"""The counts are what really happened: streams made by hand, and real runs of stestr."""

import io
import json
from collections.abc import Mapping
from pathlib import Path

import fixtures
import subunit
import testtools

from toolbox import results, suite
from toolbox.results import Result, Status

_TESTS = """
import os
import testtools
import nova_virt_xenapi

class TestSample(testtools.TestCase):
    def test_environment(self):
        self.assertEqual("1", os.environ["ZOPE_INTERFACE_STRICT_IRO"])

    def test_the_installed_package_is_seen(self):
        self.assertIn("site-packages", nova_virt_xenapi.__file__)
"""


def stream(*statuses: str) -> io.BytesIO:
    """A subunit stream in which each status ends one test; `begun` and `listed` end none."""
    out = io.BytesIO()
    writer = subunit.StreamResultToBytes(out)
    for number, status in enumerate(statuses):
        name = f"test.{number}"
        if status == "listed":
            writer.status(test_id=name, test_status="exists")
            continue
        writer.status(test_id=name, test_status="inprogress")
        if status != "begun":
            words = {"file_name": "traceback", "file_bytes": b"words", "mime_type": "text/plain"}
            writer.status(test_id=name, test_status=status, **words)
    out.seek(0)
    return out


class TestReadStream(testtools.TestCase):
    """Each status of a stream counts as one of three."""

    def read(self, *statuses: str) -> list[Result]:
        """Read a stream of these statuses."""
        return suite.read_stream("sample", stream(*statuses))[0]

    def test_each_status(self) -> None:
        expected = {
            "success": Status.PASSED,
            "fail": Status.FAILED,
            "uxsuccess": Status.FAILED,
            "begun": Status.FAILED,
            "skip": Status.SKIPPED,
            "xfail": Status.SKIPPED,
        }
        found = {status: [r.status for r in self.read(status)] for status in expected}
        self.assertEqual({status: [value] for status, value in expected.items()}, found)

    def test_a_listed_test_is_no_result(self) -> None:
        self.assertEqual([], self.read("listed"))

    def test_an_empty_stream_has_no_result(self) -> None:
        self.assertEqual([], self.read())

    def test_counts_line(self) -> None:
        found = self.read("success", "success", "success", "fail", "begun", "skip")
        self.assertEqual("3 passed, 2 failed, 1 skipped", results.counts_line(found))
        self.assertEqual("0 passed, 0 failed, 0 skipped", results.counts_line([]))

    def test_details_of_a_failure_are_kept_and_told(self) -> None:
        found = self.read("fail")
        self.assertIn("words", found[0].details)
        out = io.StringIO()
        results.write_step("sample", "tests", found, 1.0, out)
        self.assertIn("failed: sample tests: test.0\n    words\n", out.getvalue())

    def test_skips_are_told_by_their_reasons(self) -> None:
        found = self.read("skip", "skip", "success")
        out = io.StringIO()
        results.write_step("sample", "tests", found, 1.0, out)
        self.assertIn("skipped: sample tests: 2 tests: words\n", out.getvalue())
        self.assertNotIn("test.0", out.getvalue())

    def test_failures_alone(self) -> None:
        out = io.StringIO()
        results.write_failures(self.read("skip", "fail", "success"), out)
        self.assertEqual("failed: sample tests: test.1\n    words\n", out.getvalue())

    def test_json_has_the_counts_and_every_result(self) -> None:
        out = io.StringIO()
        results.write_json(self.read("success", "skip"), out)
        document = json.loads(out.getvalue())
        self.assertEqual(
            {"passed": 1, "failed": 0, "skipped": 1},
            {status: document[status] for status in Status},
        )
        self.assertEqual(["test.0", "test.1"], [result["test"] for result in document["results"]])


class TestRun(testtools.TestCase):
    """Real repositories, run by stestr with real workers."""

    def run_repository(self, files: Mapping[str, str]) -> list[Result]:
        """Run stestr over a repository that consists of these files."""
        top = Path(self.useFixture(fixtures.TempDir()).path)
        folder = top / "sample"
        (folder / "tests").mkdir(parents=True)
        (folder / ".stestr.conf").write_text(
            "[DEFAULT]\ntest_path=./tests\ntop_dir=./tests\n", encoding="utf-8"
        )
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        return suite.run("sample", folder, {"SAMPLE": "set"}, top / "cache")

    def run_body(self, body: str) -> list[Result]:
        """Run one test with this body, beside one that passes."""
        text = "import os, testtools, unittest\nclass T(testtools.TestCase):\n"
        both = f"{text}    def test_it(self):\n        {body}\n    def test_other(self): pass\n"
        return self.run_repository({"tests/test_sample.py": both})

    def test_a_source_folder_does_not_shadow_the_wheel(self) -> None:
        found = self.run_repository(
            {"tests/test_sample.py": _TESTS, "nova_virt_xenapi.py": "raise SystemError"}
        )
        self.assertEqual("2 passed, 0 failed, 0 skipped", results.counts_line(found), str(found))

    def test_the_given_environment_arrives(self) -> None:
        found = self.run_body("self.assertEqual('set', os.environ['SAMPLE'])")
        self.assertEqual("2 passed, 0 failed, 0 skipped", results.counts_line(found), str(found))

    def test_failure_and_error_are_failed(self) -> None:
        for body in ("self.fail('words')", "raise ValueError('words')"):
            found = self.run_body(body)
            self.assertEqual(
                "1 passed, 1 failed, 0 skipped", results.counts_line(found), str(found)
            )
            self.assertIn("words", "".join(result.details for result in found))

    def test_a_skip_is_skipped_with_its_reason(self) -> None:
        found = self.run_body("self.skipTest('no host')")
        self.assertEqual("1 passed, 0 failed, 1 skipped", results.counts_line(found), str(found))
        self.assertIn("no host", [result.details for result in found])

    def test_a_worker_that_ends_is_no_pass(self) -> None:
        for body in ("os._exit(0)", "os._exit(3)", "os.kill(os.getpid(), 9)"):
            found = self.run_body(body)
            self.assertIn(Status.FAILED, [result.status for result in found], body)

    def test_a_module_that_cannot_be_imported_is_a_failure(self) -> None:
        found = self.run_repository({"tests/test_sample.py": "import does_not_exist"})
        self.assertEqual("0 passed, 1 failed, 0 skipped", results.counts_line(found))
        self.assertIn("does_not_exist", found[0].details)

    def test_no_test_at_all_is_a_failure(self) -> None:
        found = self.run_repository({"tests/test_sample.py": ""})
        self.assertEqual("0 passed, 1 failed, 0 skipped", results.counts_line(found))
        self.assertIn("no test ran", found[0].details)

    def test_nothing_but_skips_is_a_failure(self) -> None:
        text = "import testtools\nclass T(testtools.TestCase):\n    def test_it(self):\n"
        found = self.run_repository({"tests/test_sample.py": f"{text}        self.skipTest('x')"})
        self.assertEqual("0 passed, 1 failed, 1 skipped", results.counts_line(found))
