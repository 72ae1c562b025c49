from __future__ import annotations

import enum
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import fixtures
import testtools
from nova_virt_interface.call import Call
from nova_virt_interface.errors import (
    BackendError,
    Cancelled,
    DeadlineExceeded,
    NotFound,
    Resource,
    Unsupported,
)
from nova_virt_interface.marks import added, enumeration, value
from nova_virt_interface.secret import Secret
from nova_virt_interface.values.images import CacheImageRequest, DeleteImageRequest, DiskFormat
from nova_virt_interface.version import ContractVersion
from zope.interface import Attribute, Interface, implementer, providedBy

from nova_core_stub.guard import guarded

V1_0 = ContractVersion(1, 0)


@enumeration(since="1.0", open=True, newer={"NEW": "1.1"})
class Kind(enum.Enum):
    OLD = "old"
    NEW = "new"


@value(since="1.0")
class Inner:
    kind: Kind = Kind.OLD


@value(since="1.0")
class Request:
    inner: tuple[Inner, ...] = ()
    secret: Secret | None = None
    tpm: bool = added(default=False, since="1.1")
    hint: str = added(default="", since="1.1", advisory=True)


class IThing(Interface):
    colour: str = Attribute("An attribute.")

    def look(vm_uuid: UUID) -> str: ...

    def change(vm_uuid: UUID, request: Request) -> str: ...

    def cache_image(request: CacheImageRequest) -> str: ...

    def delete_cached_image(request: DeleteImageRequest) -> str: ...


@implementer(IThing)
class Thing:
    """Each method calls ``act``, which a test sets."""

    colour = "red"

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.act: Callable[[], Any] = lambda: None

    def _called(self, name: str) -> str:
        self.calls.append(name)
        self.act()
        return name

    def look(self, vm_uuid: UUID) -> str:
        return self._called("look")

    def change(self, vm_uuid: UUID, request: Request) -> str:
        return self._called("change")

    def cache_image(self, request: CacheImageRequest) -> str:
        return self._called("cache_image")

    def delete_cached_image(self, request: DeleteImageRequest) -> str:
        return self._called("delete_cached_image")

    def hidden(self) -> str:
        return self._called("hidden")


class GuardTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.thing = Thing()
        self.guard = guarded(self.thing, V1_0, name="driver thing")
        self.vm = uuid4()

    def raising(self, error: BaseException) -> None:
        def act() -> None:
            raise error

        self.thing.act = act

    def test_it_provides_what_the_object_provides(self) -> None:
        self.assertEqual([IThing], list(providedBy(self.guard)))
        self.assertEqual("red", self.guard.colour)
        self.assertEqual("look", self.guard.look(vm_uuid=self.vm))
        self.assertRaises(AttributeError, getattr, self.guard, "hidden")

    def test_what_the_driver_does_not_know_never_reaches_it(self) -> None:
        newer = {
            "request.tpm": Request(tpm=True),
            "request.inner[0].kind=NEW": Request(inner=(Inner(kind=Kind.NEW),)),
        }
        for place, request in newer.items():
            for arguments in ({"args": (self.vm, request)}, {"named": request}):
                error = self.assertRaises(Unsupported, self.change, **arguments)
                self.assertEqual(place, error.field)
                self.assertIn("contract 1.1", str(error))
        self.assertEqual([], self.thing.calls)

    def change(self, args: tuple[Any, ...] = (), named: Request | None = None) -> str:
        if named is not None:
            return str(self.guard.change(vm_uuid=self.vm, request=named))
        return str(self.guard.change(*args))

    def test_what_the_driver_may_ignore_reaches_it(self) -> None:
        self.guard.change(self.vm, Request(hint="x", inner=(Inner(),)))
        newer = guarded(self.thing, ContractVersion(1, 1), name="newer")
        newer.change(self.vm, Request(tpm=True))
        self.assertEqual(["change", "change"], self.thing.calls)

    def test_an_error_of_the_contract_passes(self) -> None:
        error = NotFound("gone", resource=Resource.VM, name="x")
        self.raising(error)
        self.assertIs(error, self.assertRaises(NotFound, self.guard.look, self.vm))

    def test_any_other_error_becomes_one_of_the_contract(self) -> None:
        cause = ValueError("boom password='hunter2'")
        self.raising(cause)
        error = self.assertRaises(BackendError, self.guard.change, self.vm, Request())
        self.assertIs(cause, error.__cause__)
        self.assertTrue(error.may_have_been_done)
        self.assertIn("driver thing broke the contract: change", str(error))
        self.assertIn("ValueError: boom", str(error))
        self.assertNotIn("hunter2", str(error))
        error = self.assertRaises(BackendError, self.guard.look, self.vm)
        self.assertFalse(error.may_have_been_done)

    def test_an_interrupt_passes(self) -> None:
        self.raising(KeyboardInterrupt())
        self.assertRaises(KeyboardInterrupt, self.guard.change, self.vm, Request())

    def test_before_sees_the_arguments_by_name(self) -> None:
        seen: list[Any] = []
        guard = guarded(self.thing, V1_0, name="x", before=seen.append)
        guard.change(self.vm, request=Request())
        self.assertEqual([{"vm_uuid": self.vm, "request": Request()}], seen)

    def test_calls_are_logged_with_request_id_and_without_secrets(self) -> None:
        form = "%(request_id)s %(message)s"
        log = self.useFixture(fixtures.FakeLogger(level=logging.DEBUG, format=form))
        with Call("req-7"):
            self.guard.change(self.vm, Request(secret=Secret("hunter2")))
            self.raising(OSError())
            self.assertRaises(BackendError, self.guard.look, self.vm)
        self.assertIn(
            f"req-7 driver thing.change(vm_uuid={self.vm!r}, request=Request(", log.output
        )
        self.assertIn("req-7 driver thing.change done in ", log.output)
        self.assertIn("req-7 driver thing.look raised OSError", log.output)
        self.assertNotIn("hunter2", log.output)


class TurnsTest(testtools.TestCase):
    """Changes of one VM, or of one image, never overlap (rule CONC-2); all else may."""

    def setUp(self) -> None:
        super().setUp()
        self.thing = Thing()
        self.guard = guarded(self.thing, V1_0, name="driver thing")
        self.vm = uuid4()

    def hold(self, *call: Any) -> None:
        """Make a call that lasts until the test ends."""
        entered, leave = threading.Event(), threading.Event()

        def act() -> None:
            entered.set()
            leave.wait()

        self.thing.act = act
        method, *arguments = call
        thread = threading.Thread(target=getattr(self.guard, method), args=arguments)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(leave.set)
        entered.wait()
        self.thing.act = lambda: None
        self.thing.calls.clear()

    def test_a_change_waits_until_its_deadline(self) -> None:
        self.hold("change", self.vm, Request())
        with Call("r", timeout_seconds=0.2):
            self.assertRaises(DeadlineExceeded, self.guard.change, self.vm, Request())
        self.assertEqual([], self.thing.calls)

    def test_a_change_waits_until_it_is_cancelled(self) -> None:
        self.hold("change", self.vm, Request())
        call = Call("r")
        timer = threading.Timer(0.2, call.cancel)
        timer.start()
        self.addCleanup(timer.join)
        with call:
            self.assertRaises(Cancelled, self.guard.change, self.vm, Request())
        self.assertEqual([], self.thing.calls)

    def test_another_vm_and_a_read_do_not_wait(self) -> None:
        self.hold("change", self.vm, Request())
        self.guard.change(uuid4(), Request())
        self.guard.look(self.vm)
        self.assertEqual(["change", "look"], self.thing.calls)

    def test_an_image_is_named_inside_the_request_or_beside_it(self) -> None:
        request = CacheImageRequest(key="k", format=DiskFormat.RAW, size_bytes=1)
        self.hold("cache_image", request)
        with Call("r", timeout_seconds=0.1):
            delete = self.guard.delete_cached_image
            self.assertRaises(DeadlineExceeded, delete, DeleteImageRequest(key="k"))
            self.assertRaises(DeadlineExceeded, self.guard.cache_image, request)
        self.guard.delete_cached_image(DeleteImageRequest(key="other"))
        self.assertEqual(["delete_cached_image"], self.thing.calls)

    def test_many_threads_take_turns(self) -> None:
        inside = threading.Semaphore()

        def act() -> None:
            self.assertTrue(inside.acquire(blocking=False), "two changes overlap")
            threading.Event().wait(0.001)
            inside.release()

        self.thing.act = act
        self.in_threads(8, self.guard.change, 80)

    def test_without_the_guard_changes_overlap(self) -> None:
        self.thing.act = threading.Barrier(2).wait
        self.in_threads(2, self.thing.change, 2)

    def in_threads(self, threads: int, change: Callable[[UUID, Request], Any], times: int) -> None:
        with ThreadPoolExecutor(max_workers=threads) as pool:
            for done in [pool.submit(change, self.vm, Request()) for _ in range(times)]:
                done.result()

    def test_no_lock_is_left(self) -> None:
        def fail() -> None:
            raise OSError

        self.guard.change(self.vm, Request())
        self.thing.act = fail
        self.assertRaises(BackendError, self.guard.change, self.vm, Request())
        self.assertEqual(0, len(self.guard._turns._locks))
