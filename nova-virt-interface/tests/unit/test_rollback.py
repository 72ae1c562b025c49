"""Undoing, and taking turns."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import testtools

from nova_virt_interface.call import Call, current_call
from nova_virt_interface.errors import (
    BackendError,
    Busy,
    Cancelled,
    DeadlineExceeded,
    HostUnreachable,
)
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.testing.case import rules
from nova_virt_interface.turns import Turns


class TestUndoneBy(testtools.TestCase):
    def test_what_succeeds_is_not_undone(self) -> None:
        undone: list[int] = []
        with undone_by(lambda: undone.append(1)):
            pass
        self.assertEqual([], undone)

    @rules("ERR-2")
    def test_what_was_undone_was_not_done(self) -> None:
        undone: list[int] = []

        def fail() -> None:
            with undone_by(lambda: undone.append(1)):
                raise BackendError("broken", may_have_been_done=True)

        self.assertFalse(self.assertRaises(BackendError, fail).may_have_been_done)
        self.assertEqual([1], undone)

    @rules("ERR-2")
    def test_what_could_not_be_undone_may_have_been_done(self) -> None:
        def undo() -> None:
            raise HostUnreachable("away")

        def fail() -> None:
            with undone_by(undo):
                raise Busy("first")

        self.assertTrue(self.assertRaises(Busy, fail).may_have_been_done)

    @rules("ERR-2", "FAIL-2")
    def test_a_lost_answer_leaves_it_uncertain(self) -> None:
        def fail() -> None:
            with undone_by(lambda: None):
                raise HostUnreachable("away", may_have_been_done=True)

        self.assertTrue(self.assertRaises(HostUnreachable, fail).may_have_been_done)

    @rules("CALL-3")
    def test_a_cancelled_call_is_undone_in_a_call_of_its_own(self) -> None:
        seen: list[tuple[str, bool]] = []

        def undo() -> None:
            call = current_call()
            seen.append((call.request_id, call.cancelled))

        def fail() -> None:
            with Call("req-1") as call, undone_by(undo):
                call.cancel()
                call.check()

        self.assertRaises(Cancelled, fail)
        self.assertEqual([("req-1", False)], seen)

    def test_any_exception_is_undone_and_leaves_as_it_was(self) -> None:
        undone: list[int] = []

        def fail() -> None:
            with undone_by(lambda: undone.append(1)):
                raise KeyboardInterrupt

        self.assertRaises(KeyboardInterrupt, fail)
        self.assertEqual([1], undone)


class TestTurns(testtools.TestCase):
    @rules("CONC-2")
    def test_one_thing_is_changed_by_one_at_a_time(self) -> None:
        turns, inside, most = Turns(), [0], [0]

        def change(_: int) -> None:
            with turns.turn("x"):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                threading.Event().wait(0.001)
                inside[0] -= 1

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(change, range(50)))
        self.assertEqual([1], most)

    def test_different_things_are_changed_together(self) -> None:
        turns, both = Turns(), threading.Barrier(2, timeout=30)

        def change(name: str) -> None:
            with turns.turn(name):
                both.wait()

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(change, ("x", "y")))

    def test_whoever_waits_ends_with_its_deadline(self) -> None:
        turns = Turns()

        def change() -> None:
            with Call("req-2", timeout_seconds=0.01), turns.turn("x"):
                self.fail("it was not its turn")

        with turns.turn("x"):
            self.assertRaises(DeadlineExceeded, change)

    def test_nothing_is_kept_of_what_nobody_changes(self) -> None:
        turns = Turns()
        with turns.turn("x"):
            self.assertEqual(1, len(turns._locks))
        self.assertEqual(0, len(turns._locks))
