"""The test cases under the suites: they start the harness, connect, and prove afterwards that
nothing is left.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from uuid import UUID, uuid4

import testtools
from testtools.content import text_content
from zope.interface.interface import InterfaceClass

from nova_virt_interface.call import Call
from nova_virt_interface.errors import Resource, VirtError
from nova_virt_interface.hypervisor.console import IConsoleLog
from nova_virt_interface.hypervisor.lifecycle import IHypervisor
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.testing.harness import BackendUnavailable, Harness, started
from nova_virt_interface.testing.provides import Deviation, Provides
from nova_virt_interface.testing.tracker import Asked, Tracker
from nova_virt_interface.virt_driver.lifecycle import IVirtDriver

__all__ = [
    "ConformanceTestCase",
    "HypervisorTestCase",
    "VirtDriverTestCase",
    "rules",
    "suite_tests",
    "test_key",
]

_Function = TypeVar("_Function", bound=Callable[..., None])


def rules(*rule_ids: str) -> Callable[[_Function], _Function]:
    """Name the rules of the contract that a test checks."""

    def mark(function: _Function) -> _Function:
        function.rule_ids = rule_ids  # type: ignore[attr-defined]
        return function

    return mark


def suite_tests(suite: type) -> dict[str, str]:
    """Name of each test method of a suite → its key, ``SUITE.METHOD``, where SUITE is the class
    that defines it.
    """
    return {name: test_key(suite, name) for name in dir(suite) if name.startswith("test_")}


def test_key(cls: type, name: str) -> str:
    """The suite's own name of a test, the same for every driver."""
    definer = next(base for base in cls.__mro__ if name in vars(base))
    return f"{definer.__name__}.{name}"


test_key.__test__ = False  # type: ignore[attr-defined]


class Caught:
    """Holds the error that a block ended in."""

    error: Any = None


class ConformanceTestCase(testtools.TestCase):
    """A test of one backend. A subclass names its harness and the file that says what the backend
    provides.
    """

    harness_class: ClassVar[type[Harness]]
    provides_file: ClassVar[Path | Traversable]
    level: ClassVar[InterfaceClass]

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        suites = [
            base
            for base in cls.__mro__
            if base.__module__.startswith("nova_virt_interface.testing.suite")
        ]
        names = {name for suite in suites for name in vars(suite) if name.startswith("test_")}
        for name in sorted(names):
            if next(base for base in cls.__mro__ if name in vars(base)) not in suites:
                raise TypeError(
                    f"{cls.__name__} overrides {name}: list a deviation in provides.toml instead"
                )

    def setUp(self) -> None:
        """Start the harness, connect, and note what exists on the backend."""
        super().setUp()
        self.could_not_check = False
        self.addOnException(self._note_exception)
        self.harness = started(self.harness_class)
        self.provides = Provides.read(self.provides_file, self.harness.backend_name)
        self.services = SuiteServices()
        before = self.harness.leftovers()
        self.addCleanup(self._assert_nothing_left, before)
        self.asked = Asked()
        self.tracker = Tracker(self.connect(self.services), self.asked)
        self.addCleanup(self.tracker.free)
        self.call = self.useCall(f"req-{self._testMethodName}")

    def _assert_nothing_left(self, before: frozenset[str]) -> None:
        give_up = time.monotonic() + self.harness.settle_seconds
        while (after := self.harness.leftovers()) != before and time.monotonic() < give_up:
            time.sleep(0.1)
        self.assertEqual(before, after, "the test left something behind")

    def _note_exception(self, exc_info: Any) -> None:
        self.could_not_check = isinstance(exc_info[1], BackendUnavailable)

    def useCall(self, request_id: str, *, timeout_seconds: float | None = None) -> Call:
        """Run the rest of the test, but not its clean-up, inside a call."""
        call = Call(request_id, timeout_seconds=timeout_seconds)
        call.__enter__()
        self.addCleanup(call.__exit__)
        return call

    def connect(self, services: SuiteServices) -> Any:
        """Connect to the backend; the connection is closed after the test."""
        connection = self.harness.factory().connect(self.harness.settings(), services)
        self.addCleanup(connection.close)
        return connection

    def run_test(self, test_method: Callable[[], object]) -> None:
        """Run the test; one with a deviation must fail, and then counts as skipped with the written
        reason.
        """
        deviation = self.provides.deviation(test_key(type(self), self._testMethodName))
        if deviation is None:
            test_method()
        else:
            self._run_deviating(test_method, deviation)

    def _run_deviating(self, test_method: Callable[[], object], deviation: Deviation) -> None:
        try:
            test_method()
        except (self.skipException, BackendUnavailable):
            raise
        except Exception as error:  # noqa: BLE001 - any failure is the deviation
            self.addDetail("deviation", text_content(str(error)))
            self.skipTest(f"deviation: {deviation.reason}")
        self.fail(f"stale deviation, the test passes: {deviation.test}: {deviation.reason}")

    def _get_test_method(self) -> Callable[[], None]:
        method = super()._get_test_method()
        return lambda: self.run_test(method)

    def requires(self, *interfaces: InterfaceClass) -> Any:
        """Return the object under test, or skip the test: it does not provide an interface."""
        for interface in interfaces:
            if not interface.providedBy(self.tracker.connection):
                self.skipTest(f"not provided: {interface.__name__}")
        return self.tracker

    @contextmanager
    def refused(
        self, expected: type[VirtError], resource: Resource | None = None
    ) -> Iterator[Caught]:
        """The block ends in this contract error, about this resource, with a message that people
        can use.
        """
        caught = Caught()
        try:
            yield caught
        except expected as error:
            caught.error = error
            self.assertTrue(str(error).strip(), "the error says nothing")
            if resource is not None:
                self.assertEqual(resource, caught.error.resource)
        else:
            self.fail(f"{expected.__name__} was not raised")

    def wait_until(self, true: Callable[[], bool], what: str) -> None:
        """Ask again and again until it is true; fail when the harness's patience ends."""
        deadline = time.monotonic() + self.harness.patience_seconds
        while not true():
            if time.monotonic() > deadline:
                self.fail(f"waited in vain for {what}")
            time.sleep(0.1)

    def new_uuid(self) -> UUID:
        """A uuid that no VM has."""
        return uuid4()


class HypervisorTestCase(ConformanceTestCase):
    """A test of `IHypervisor` and its optional interfaces."""

    level = IHypervisor

    @property
    def hypervisor(self) -> Any:
        """The driver under test; what the test makes through it is freed afterwards."""
        return self.tracker

    def console(self, vm_uuid: UUID) -> bytes:
        """The console log, kept with the test's result as evidence."""
        log: bytes = self.requires(IConsoleLog).console_log(vm_uuid, 256 * 1024)
        self.addDetail("console", text_content(log.decode("utf-8", errors="replace")))
        return log


class VirtDriverTestCase(ConformanceTestCase):
    """A test of `IVirtDriver` and its optional interfaces."""

    level = IVirtDriver
    adapt: ClassVar[staticmethod[[Any, SuiteServices], Any]]
    """Core's adapter from a connection to `IVirtDriver`; set with `staticmethod`."""

    def connect(self, services: SuiteServices) -> Any:
        """Connect to the backend and adapt the connection; it is closed after the test."""
        return type(self).adapt(super().connect(services), services)

    @property
    def virt_driver(self) -> Any:
        """The driver under test; what the test makes through it is freed afterwards."""
        return self.tracker
