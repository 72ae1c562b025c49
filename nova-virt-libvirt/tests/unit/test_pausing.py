"""A long job is aborted when the call is over, and what was done before that is done."""

from __future__ import annotations

import threading
from typing import Any

import libvirt
import testtools
from nova_virt_interface.call import Call, Progress
from nova_virt_interface.errors import Cancelled, DeadlineExceeded

from nova_virt_libvirt.pausing import interruptible

PATIENCE_SECONDS = 30.0


class Domain:
    """A domain whose job goes on until it is aborted, or let go."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.aborts = 0
        self.is_abortable = True

    def work(self) -> None:
        if not self.ended.wait(PATIENCE_SECONDS):
            raise AssertionError("nobody ended the job")
        if self.aborts and self.is_abortable:
            raise libvirt.libvirtError("operation aborted")

    def abortJob(self) -> None:  # noqa: N802 - libvirt's name
        self.aborts += 1
        self.ended.set()

    def jobStats(self) -> dict[str, Any]:  # noqa: N802 - libvirt's name
        return {"data_processed": 3, "data_total": 4}


class TestInterruptible(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.domain = Domain()

    def test_a_cancelled_job_is_aborted(self) -> None:
        call = Call("req-1", on_progress=lambda progress: call.cancel())
        with call:
            self.assertRaises(Cancelled, interruptible, self.domain, self.domain.work)
        self.assertEqual(1, self.domain.aborts)

    def test_a_job_that_is_out_of_time_is_aborted(self) -> None:
        with Call("req-1", timeout_seconds=0.01):
            self.assertRaises(DeadlineExceeded, interruptible, self.domain, self.domain.work)
        self.assertEqual(1, self.domain.aborts)

    def test_a_job_that_times_out_by_itself_is_not_waited_for_again(self) -> None:
        def late() -> None:
            raise TimeoutError("the host was too slow")

        with Call("req-1", timeout_seconds=PATIENCE_SECONDS):
            self.assertRaises(TimeoutError, interruptible, self.domain, late)
        self.assertEqual(0, self.domain.aborts)

    def test_a_job_that_was_done_before_it_could_be_aborted_is_done(self) -> None:
        self.domain.is_abortable = False
        call = Call("req-1", on_progress=lambda progress: call.cancel())
        with call:
            interruptible(self.domain, self.domain.work)
        self.assertEqual(1, self.domain.aborts)

    def test_progress_is_told_and_an_error_comes_through(self) -> None:
        told: list[Progress] = []

        def on_progress(progress: Progress) -> None:
            told.append(progress)
            self.domain.ended.set()

        def fail() -> None:
            self.domain.work()
            raise libvirt.libvirtError("no space")

        with Call("req-1", on_progress=on_progress):
            self.assertRaises(libvirt.libvirtError, interruptible, self.domain, fail)
        self.assertEqual(Progress(done=3, total=4), told[0])
        self.assertEqual(0, self.domain.aborts)
