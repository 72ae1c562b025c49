"""The contract's errors."""

from __future__ import annotations

import pickle
from typing import Any

import testtools

from nova_virt_interface import errors
from nova_virt_interface.errors import Resource, VirtError
from nova_virt_interface.testing.case import rules

ABOUT: dict[str, dict[str, Any]] = {
    "InvalidRequest": {"field": "disks[0].key"},
    "Unsupported": {"field": "firmware"},
    "NotFound": {"resource": Resource.VM, "name": "vm-1"},
    "Conflict": {"resource": Resource.IMAGE, "name": "image-1"},
    "InvalidState": {"state": "paused"},
    "PeerUnreachable": {"resource": Resource.VOLUME, "name": "volume-1"},
    "InsufficientResources": {"resource": Resource.STORAGE, "needed": 10, "available": 5},
}
"""Fields of those classes that have more than the root has."""
EVERY: dict[str, Any] = {
    "remedy": "free some space",
    "detail": "ENOSPC (28)",
    "may_have_been_done": True,
}
TRANSIENT = {"Busy", "HostUnreachable", "PeerUnreachable", "DeadlineExceeded"}


def classes() -> list[type[VirtError]]:
    """All error classes of the contract."""
    found = [getattr(errors, name) for name in errors.__all__]
    return [cls for cls in found if issubclass(cls, VirtError)]


class TestErrors(testtools.TestCase):
    def test_all_that_are_defined_are_exported(self) -> None:
        defined = {
            name
            for name, cls in vars(errors).items()
            if isinstance(cls, type) and issubclass(cls, VirtError)
        }
        self.assertEqual(defined, {cls.__name__ for cls in classes()})

    @rules("ERR-1")
    def test_all_are_virt_errors_one_level_deep(self) -> None:
        for cls in classes():
            if cls is not VirtError:
                self.assertEqual(VirtError, cls.__bases__[0])
        self.assertTrue(issubclass(errors.InvalidRequest, ValueError))

    @rules("ERR-3")
    def test_which_may_succeed_when_repeated(self) -> None:
        self.assertEqual(TRANSIENT, {cls.__name__ for cls in classes() if cls.transient})

    @rules("ERR-2")
    def test_nothing_may_have_been_done_unless_it_is_said(self) -> None:
        for cls in classes():
            self.assertFalse(cls("it failed", **ABOUT.get(cls.__name__, {})).may_have_been_done)

    def test_a_pickle_keeps_every_field(self) -> None:
        for cls in classes():
            about = ABOUT.get(cls.__name__, {})
            error = cls("the disk is full", **about, **EVERY)
            again = pickle.loads(pickle.dumps(error))  # noqa: S301 - its own pickle
            self.assertIs(cls, type(again))
            self.assertEqual(str(error), str(again))
            for field, content in {"message": "the disk is full", **about, **EVERY}.items():
                self.assertEqual(content, getattr(again, field), f"{cls.__name__}.{field}")
            self.assertEqual(error.args, again.args)

    @rules("ERR-2")
    def test_its_text_says_what_happened_what_to_do_and_what_is_uncertain(self) -> None:
        for cls in classes():
            text = str(cls("the disk is full", **ABOUT.get(cls.__name__, {}), **EVERY))
            for part in (
                "the disk is full",
                "free some space",
                "ENOSPC (28)",
                "may have been done",
            ):
                self.assertIn(part, text)
            plain = str(cls("the disk is full", **ABOUT.get(cls.__name__, {})))
            self.assertEqual("the disk is full", plain)

    def test_machines_find_what_it_is_about(self) -> None:
        for name in ("NotFound", "Conflict"):
            self.assertRaises(TypeError, getattr(errors, name), "what of?")
        self.assertRaises(TypeError, errors.InvalidState, "which?")
        self.assertRaises(TypeError, errors.InsufficientResources, "of what?")
