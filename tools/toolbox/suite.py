"""The tests of one repository, run by stestr, and what its result stream says about each."""

import io
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO

import subunit
import testtools
from testtools.testresult.real import TestDict

from toolbox.layout import CACHE, VENV, child_environment
from toolbox.results import Result, Status

__all__ = ["read_stream", "run"]

_STEP = "tests"
# Much of a test is waiting, for servers and for emulated guests; each worker has its own of them.
_WORKERS = min(2 * (os.cpu_count() or 1), 8)
# A test counts for what it proved. An expected failure proved nothing, so it is not "passed"; a
# test of which only the start was seen died with its worker.
_STATUS = {
    "success": Status.PASSED,
    "skip": Status.SKIPPED,
    "xfail": Status.SKIPPED,
    "fail": Status.FAILED,
    "uxsuccess": Status.FAILED,
    "inprogress": Status.FAILED,
    "unknown": Status.FAILED,
}
_MEANING = {
    "inprogress": "the worker ended during this test",
    "uxsuccess": "expected to fail, but passed",
    "xfail": "expected to fail, and did",
}


def run(name: str, folder: Path, environment: dict[str, str], cache: Path = CACHE) -> list[Result]:
    """Run the repository's tests.

    `environment` is added to that of the workers. Where no test ran, there is a failed result.
    """
    started = time.monotonic()
    history = cache / "stestr" / name
    history.mkdir(parents=True, exist_ok=True)
    stestr = [str(VENV / "bin" / "stestr"), "--repo-url", str(history)]
    # Safe path, or the folder that stestr runs in would come before the installed wheel.
    environment = child_environment(
        PYTHONSAFEPATH="1",
        ZOPE_INTERFACE_STRICT_IRO="1",
        HYPOTHESIS_STORAGE_DIRECTORY=str(cache / "hypothesis"),
        **environment,
    )
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as words,
        subprocess.Popen(
            [*stestr, "run", "--subunit", "--concurrency", str(_WORKERS)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=words,
        ) as process,
    ):
        results, between = read_stream(name, process.stdout or io.BytesIO())
        status = process.wait()
        words.seek(0)
        trouble = _trouble(results, status, between + words.read())
    if trouble:
        seconds = time.monotonic() - started
        results.append(Result(name, _STEP, "stestr", Status.FAILED, seconds, trouble))
    return results


def read_stream(name: str, stream: IO[bytes]) -> tuple[list[Result], str]:
    """Turn a subunit stream into results, one per test that began, and what belongs to no test."""
    results: list[Result] = []
    words = _Words()

    def take(test: TestDict) -> None:
        # "exists" is a listed test, no outcome.
        if test["status"] == "exists":
            return
        begin, end = test["timestamps"]
        seconds = (end - begin).total_seconds() if begin and end else 0.0
        status = _STATUS[test["status"]]
        results.append(Result(name, _STEP, test["id"], status, seconds, _details(test)))

    collector = testtools.CopyStreamResult([testtools.StreamToDict(take), words])
    collector.startTestRun()
    subunit.ByteStreamToStreamResult(stream, non_subunit_name="stdout").run(collector)
    collector.stopTestRun()
    return results, words.seen.decode(errors="replace")


class _Words(testtools.StreamResult):
    """Keeps what comes between the tests: there stestr tells which module cannot be imported."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = b""

    def status(
        self, test_id: str | None = None, *_: object, file_bytes: bytes | None = None, **__: object
    ) -> None:
        """Take one event of the stream."""
        if test_id is None and file_bytes:
            self.seen += file_bytes


def _details(test: TestDict) -> str:
    if test["status"] == "success":
        return ""
    texts = [_MEANING.get(test["status"], "")]
    for name, content in sorted(test["details"].items()):
        if content.content_type.type == "text":
            text = content.as_text().rstrip()
            texts.append(text if name in {"reason", "traceback"} else f"{name}:\n{text}")
    return "\n".join(text for text in texts if text)


def _trouble(results: list[Result], exit_status: int, words: str) -> str:
    """What is wrong with the run as a whole, or an empty string."""
    if all(result.status is Status.SKIPPED for result in results):
        return f"no test ran (stestr ended with exit status {exit_status})\n{words}"
    if exit_status:
        return f"stestr ended with exit status {exit_status}\n{words}"
    return ""
