"""The call in force: deadline, cancellation, progress and request id."""

from __future__ import annotations

import contextvars
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import testtools

from nova_virt_interface.call import Call, Progress, RequestIdFilter, current_call
from nova_virt_interface.errors import Cancelled, DeadlineExceeded
from nova_virt_interface.testing.case import rules


class TestCurrentCall(testtools.TestCase):
    @rules("CALL-1")
    def test_outside_of_any_call_there_is_one_without_limits(self) -> None:
        call = current_call()
        self.assertEqual("-", call.request_id)
        self.assertIsNone(call.remaining_seconds())
        call.check()

    @rules("CALL-1")
    def test_calls_nest_and_the_outer_one_comes_back(self) -> None:
        with Call("req-outer") as outer:
            with Call("req-inner") as inner:
                self.assertIs(inner, current_call())
            self.assertIs(outer, current_call())
            with outer:
                self.assertIs(outer, current_call())
            self.assertIs(outer, current_call())
        self.assertEqual("-", current_call().request_id)

    @rules("CALL-1")
    def test_a_call_ends_with_its_block_also_when_that_raises(self) -> None:
        def failing() -> None:
            with Call("req-1"):
                raise LookupError

        self.assertRaises(LookupError, failing)
        self.assertEqual("-", current_call().request_id)

    @rules("CALL-2")
    def test_another_thread_sees_the_call_in_a_copy_of_the_context_only(self) -> None:
        with Call("req-1") as call, ThreadPoolExecutor(1) as pool:
            self.assertIsNot(call, pool.submit(current_call).result())
            context = contextvars.copy_context()
            self.assertIs(call, pool.submit(context.run, current_call).result())

    @rules("CALL-2", "CALL-3")
    def test_a_cancel_reaches_work_in_another_thread(self) -> None:
        with Call("req-1") as call, ThreadPoolExecutor(1) as pool:
            context = contextvars.copy_context()
            waiting = pool.submit(context.run, lambda: current_call().wait(60))
            call.cancel()
            self.assertRaises(Cancelled, waiting.result)


class TestCancel(testtools.TestCase):
    @rules("CALL-3")
    def test_a_cancelled_call_does_not_go_on(self) -> None:
        call = Call("req-1")
        call.check()
        call.cancel()
        self.assertTrue(call.cancelled)
        self.assertFalse(self.assertRaises(Cancelled, call.check).may_have_been_done)
        self.assertRaises(Cancelled, call.wait, 60)

    @rules("CALL-3")
    def test_what_may_have_been_done_is_said(self) -> None:
        call = Call("req-1", timeout_seconds=0)
        for expected in (DeadlineExceeded, Cancelled):
            error = self.assertRaises(expected, call.check, may_have_been_done=True)
            self.assertTrue(error.may_have_been_done)
            call.cancel()

    @rules("CALL-3")
    def test_a_cancel_from_another_thread_ends_the_wait(self) -> None:
        call = Call("req-1")
        canceller = threading.Thread(target=call.cancel)
        self.addCleanup(canceller.join)
        canceller.start()
        self.assertRaises(Cancelled, call.wait, 60)

    @rules("CALL-5")
    def test_cancelling_twice_or_too_late_changes_nothing(self) -> None:
        with Call("req-1") as call:
            call.cancel()
            call.cancel()
        with Call("req-2") as done:
            done.check()
        done.cancel()
        with Call("req-3"):
            current_call().check()
        current_call().check()


class TestDeadline(testtools.TestCase):
    @rules("CALL-3", "CALL-4")
    def test_a_passed_deadline_ends_the_call(self) -> None:
        call = Call("req-1", timeout_seconds=0)
        self.assertEqual(0.0, call.remaining_seconds())
        error = self.assertRaises(DeadlineExceeded, call.check)
        self.assertTrue(error.transient)
        self.assertIn("more time", error.remedy)

    @rules("CALL-4")
    def test_a_call_without_a_deadline_may_take_any_time(self) -> None:
        call = Call("req-1")
        self.assertIsNone(call.deadline)
        self.assertIsNone(call.remaining_seconds())
        call.wait(0.01)

    @rules("CALL-4")
    def test_a_deadline_ahead_lets_the_call_go_on(self) -> None:
        call = Call("req-1", timeout_seconds=3600)
        call.check()
        remaining = call.remaining_seconds()
        assert remaining is not None
        self.assertTrue(0 < remaining <= 3600)

    @rules("CALL-3", "CALL-4")
    def test_a_wait_ends_with_the_deadline(self) -> None:
        self.assertRaises(DeadlineExceeded, Call("req-1", timeout_seconds=0.05).wait, 3600)


class TestProgress(testtools.TestCase):
    def test_progress_is_told_to_whoever_asked(self) -> None:
        told: list[Progress] = []
        Call("req-1", on_progress=told.append).progress(3, 10)
        Call("req-1").progress(3, 10)
        self.assertEqual([Progress(done=3, total=10, unit="bytes")], told)


class TestRequestIdFilter(testtools.TestCase):
    def test_every_record_has_the_request_id_of_its_call(self) -> None:
        written = StringIO()
        handler = logging.StreamHandler(written)
        handler.addFilter(RequestIdFilter())
        handler.setFormatter(logging.Formatter("%(request_id)s %(message)s"))
        logger = logging.getLogger(self.id())
        logger.addHandler(handler)
        self.addCleanup(logger.removeHandler, handler)
        logger.warning("outside")
        with Call("req-1"):
            logger.warning("inside")
        self.assertEqual("- outside\nreq-1 inside\n", written.getvalue())
