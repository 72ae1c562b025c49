"""Answers to ``event.from`` that no simulator gives on demand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import testtools
from nova_virt_interface.errors import BackendError

from nova_virt_xenapi.cache import Cache, Row
from nova_virt_xenapi.session import Watcher

# fmt: off
_CLASSES = (
    "vm", "vm_metrics", "vbd", "vif", "vdi", "sr", "pbd", "pif", "network", "host", "host_metrics",
    "pool", "console", "task", "sm",
)
# fmt: on


class _Session:
    """Answers as it was told to."""

    def __init__(self) -> None:
        self.logins = 1
        self.answers: list[dict[str, Any]] = []
        self.asked: list[tuple[str, float]] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def watch(self, watcher: Watcher) -> None:
        """See `Session`."""

    def require_open(self) -> None:
        """See `Session`."""

    def log_in(self) -> int:
        """See `Session`."""
        return self.logins

    def call(self, method: str, classes: object, token: str, patience: float, **more: Any) -> Any:
        """See `Session`."""
        self.asked.append((token, patience))
        self.meanwhile()
        return self.answers.pop(0)


def _answer(token: str, *events: tuple[str, str, Row | None], **counts: int) -> dict[str, Any]:
    return {
        "token": token,
        "events": [
            {
                "class": name,
                "ref": ref,
                "operation": "mod" if row is not None else "del",
                "snapshot": row,
            }
            for name, ref, row in events
        ],
        "valid_ref_counts": {name: str(counts.get(name, 0)) for name in _CLASSES},
    }


class TestAnswers(testtools.TestCase):
    """What is asked next."""

    def setUp(self) -> None:
        super().setUp()
        self.session = _Session()
        self.cache = Cache(self.session)  # type: ignore[arg-type]
        self.hear(_answer("1", ("vm", "a", {"n": 1}), vm=1))

    def hear(self, answer: dict[str, Any]) -> tuple[str, float]:
        self.session.answers.append(answer)
        self.cache.listen(30.0)
        return self.session.asked[-1]

    def test_everything_is_asked_for_once(self) -> None:
        self.assertEqual(("1", 30.0), self.hear(_answer("2", vm=1)))
        self.assertEqual({"a": {"n": 1}}, self.cache.rows("VM"))

    def test_a_record_that_went_while_the_answer_was_written_is_no_loss(self) -> None:
        self.hear(_answer("2", vm=1, task=1))
        self.assertEqual(("2", 0.0), self.hear(_answer("3", ("task", "t", None), vm=1)))
        self.assertEqual(("3", 30.0), self.hear(_answer("4", vm=1)))

    def test_two_wrong_numbers_are_a_loss(self) -> None:
        self.hear(_answer("2", vm=2))
        self.hear(_answer("3", vm=2))
        answer = _answer("4", ("vm", "a", {"n": 2}), ("vm", "b", {"n": 3}), vm=2)
        self.assertEqual(("", 30.0), self.hear(answer))
        self.assertEqual({"a": {"n": 2}, "b": {"n": 3}}, self.cache.rows("VM"))

    def test_a_wrong_number_of_everything_is_taken_as_it_is(self) -> None:
        self.session.logins = 2
        self.assertEqual(("", 30.0), self.hear(_answer("9", vm=5)))
        self.assertEqual({}, self.cache.rows("VM"))
        self.assertEqual(("9", 30.0), self.hear(_answer("10", vm=5)))
        self.assertEqual(("10", 30.0), self.hear(_answer("11", vm=5)))

    def test_after_another_login_all_is_asked_for(self) -> None:
        self.session.logins = 2
        self.assertEqual(("", 30.0), self.hear(_answer("1", ("vm", "c", {"n": 4}), vm=1)))
        self.assertEqual({"c": {"n": 4}}, self.cache.rows("VM"))

    def test_what_was_written_while_nothing_was_known_needs_a_later_question(self) -> None:
        self.session.answers.append({"nonsense": True})
        self.assertRaises(BackendError, self.cache.listen, 30.0)
        self.cache.wrote("VM.destroy", ("a",), "")
        self.hear(_answer("5", vm=0))
        self.assertEqual({}, self.cache.rows("VM"))

    def test_an_answer_to_a_question_from_before_a_write_is_not_enough(self) -> None:
        self.session.answers.append({"nonsense": True})
        self.assertRaises(BackendError, self.cache.listen, 30.0)
        self.session.meanwhile = lambda: self.cache.wrote("VM.create", ({},), "b")
        self.hear(_answer("6", ("vm", "a", {"n": 1}), vm=1))
        self.session.meanwhile = lambda: None
        both = (("vm", "a", {"n": 1}), ("vm", "b", {"n": 2}))
        self.assertEqual(("6", 0.0), self.hear(_answer("7", *both, vm=2)))
        self.assertEqual({"a", "b"}, set(self.cache.rows("VM")))

    def test_nobody_reads_while_nothing_is_known(self) -> None:
        broken: list[Any] = [{}, "text", [], {"token": "2"}, _answer("2") | {"events": [{}]}]
        for answer in broken:
            self.session.answers.append(answer)
            self.assertRaises(BackendError, self.cache.listen, 30.0)
            self.assertTrue(self.cache.is_lost)
        lost = Cache(self.session)  # type: ignore[arg-type]
        self.session.answers.append({})
        self.assertRaises(BackendError, lost.listen, 30.0)
        self.assertFalse(lost.wait_for(lambda: True, 0.0))
