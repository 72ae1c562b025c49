"""Answers that are none, and a master that disappears in the middle of an operation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import testtools
from hypothesis import given, settings
from hypothesis import strategies as some
from nova_virt_interface.errors import BackendError, HostUnreachable, VirtError
from nova_virt_interface.values.power import PowerState, StartRequest, StopRequest
from nova_virt_interface.values.vm import DeleteVmRequest

from nova_virt_xenapi.errors import CAUGHT
from nova_virt_xenapi.transport import Transport

from .fault_matrix import FaultTestCase
from .pools import OperationTestCase

_ANSWER = b"""<?xml version="1.0"?><methodResponse><params><param><value><struct><member>
<name>Status</name><value>Success</value></member><member><name>Value</name><value><array><data>
<value><i4>7</i4></value><value><boolean>1</boolean></value><value><double>0.5</double></value>
<value><dateTime.iso8601>20260101T00:00:00Z</dateTime.iso8601></value></data></array></value></member>
</struct></value></param></params></methodResponse>"""


class TestMalformed(testtools.TestCase):
    """Whatever comes in place of an answer is a known error, or an answer."""

    def read(self, content: bytes) -> None:
        response = SimpleNamespace(status_code=200, reason="OK", content=content)
        http: Any = SimpleNamespace(post=lambda *arguments, **more: response)
        with suppress(*CAUGHT):
            Transport(http, (1.0, 1.0)).request("host", "/RPC2", b"")

    @given(some.binary(max_size=200))
    def test_bytes(self, content: bytes) -> None:
        self.read(content)

    @settings(max_examples=300)
    @given(
        some.integers(0, len(_ANSWER)),
        some.integers(0, 60),
        some.one_of(some.binary(max_size=4), some.sampled_from([b"<value>", b"</value>", b"x"])),
    )
    def test_a_part_is_missing_or_another(self, start: int, length: int, instead: bytes) -> None:
        self.read(_ANSWER[:start] + instead + _ANSWER[start + length :])


class TestRedirects(FaultTestCase):
    """A host that sends whoever asks in a circle."""

    def test_of_every_call(self) -> None:
        for prepare, operation in (
            (lambda: None, lambda: self.driver.cache_image(self.image_request())),
            (self.with_vm, lambda: self.driver.start_vm(self.vm_uuid, StartRequest())),
            (self.with_running_vm, self.driver.statistics),
            (
                self.with_running_vm,
                lambda: self.driver.delete_vm(self.vm_uuid, DeleteVmRequest()),
            ),
        ):
            position = 0
            while self._redirected(prepare, operation, position):
                position += 1
            self.assertGreater(position, 0)

    def _redirected(
        self, prepare: Callable[[], object], operation: Callable[[], object], position: int
    ) -> bool:
        prepare()
        self.simulator.ask("fault", method="*", action="redirect", skip=position)
        failed = False
        try:
            operation()
        except (BackendError, HostUnreachable):
            failed = True
        waits = self.simulator.ask("faults")
        self.simulator.ask("clear_faults")
        operation()
        self.free(self.vm_uuid)
        self.assertEqual(self.before, self.objects())
        return failed or not waits


class TestMaster(OperationTestCase):
    """The pool's master goes while a guest is asked to shut down."""

    def setUp(self) -> None:
        super().setUp()
        self.make()
        self.start()
        self.result: list[VirtError | None] = []
        request = StopRequest(graceful_timeout_seconds=60.0)

        def stop() -> None:
            try:
                self.driver.stop_vm(self.vm_uuid, request)
                self.result.append(None)
            except VirtError as error:
                self.result.append(error)

        self.thread = threading.Thread(target=stop)
        self.thread.start()
        while "clean_shutdown" not in self.operations().values():
            time.sleep(0.02)

    def operations(self) -> dict[str, str]:
        operations: Any = self.record()[1]["current_operations"]
        return dict(operations)

    def ended(self) -> VirtError | None:
        self.thread.join(30.0)
        return self.result[0]

    def test_for_a_moment(self) -> None:
        self.simulator.ask("away")
        self.simulator.ask("back")
        self.simulator.ask("guests", listening=[self.record()[0]])
        self.assertIsNone(self.ended())
        self.assertEqual(PowerState.STOPPED, self.state())

    def test_for_longer(self) -> None:
        self.simulator.ask("away")
        try:
            error = self.ended()
        finally:
            self.simulator.ask("back")
        self.assertIsInstance(error, HostUnreachable)
        assert error is not None
        self.assertTrue(error.may_have_been_done)
        self.driver.stop_vm(self.vm_uuid, StopRequest())
        self.assertEqual(PowerState.STOPPED, self.state())

    def test_and_another_one_knows_nothing_of_the_task(self) -> None:
        [task] = self.operations()
        self.simulator.ask("vanish", class_name="task", ref=task)
        self.simulator.ask("forget_sessions")
        error = self.ended()
        self.assertIsInstance(error, HostUnreachable)
        assert error is not None
        self.assertTrue(error.may_have_been_done)
        self.driver.stop_vm(self.vm_uuid, StopRequest())
        self.assertEqual(PowerState.STOPPED, self.state())
