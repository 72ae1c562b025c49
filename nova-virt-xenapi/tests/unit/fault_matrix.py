"""Breaks every wire call of an operation, once before and once after its effect."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import ClassVar

from nova_virt_interface.errors import VirtError
from nova_virt_interface.values.power import PowerState, StartRequest
from testtools.content import text_content

from nova_virt_xenapi.testing.process import Simulator

from .pools import PoolTestCase

__all__ = ["FaultTestCase"]

_SHORT = ("drop_before", "drop_after")


class FaultTestCase(PoolTestCase):
    """The operation reports a contract error, a repeat works, and deletion finds all."""

    stride: ClassVar[int] = 1
    """Of operations whose preparation takes long only every so many calls fail, unless a long run
    is asked for.
    """
    faulty: Simulator
    """The pool whose wire is broken."""

    def setUp(self) -> None:
        super().setUp()
        self.faulty = self.simulator
        # Hundreds of calls wait for their events.
        self.simulator.ask("event_delay", seconds=0.002)
        self.addCleanup(self.simulator.ask, "event_delay", seconds=0.05)

    def sweep(
        self,
        operation: Callable[[], object],
        *,
        prepare: Callable[[], object] = lambda: None,
        check: Callable[[], object] = lambda: None,
    ) -> None:
        # Half an answer is as good as none: it takes a third of the time, and a long run has it.
        is_long = bool(os.environ.get("NOVA_VIRT_TEST_LONG"))
        actions = ("drop_before", "drop_after", "truncate") if is_long else _SHORT
        stride = 1 if is_long else self.stride
        for number, action in enumerate(actions):
            first = position = number % stride
            while self._fails_at(position, action, operation, prepare, check):
                position += stride
            self.assertGreater(position, first, "no fault was met")

    def _fails_at(
        self,
        position: int,
        action: str,
        operation: Callable[[], object],
        prepare: Callable[[], object],
        check: Callable[[], object],
    ) -> bool:
        prepare()
        self.faulty.ask("fault", method="*", action=action, skip=position)
        failed = False
        try:
            operation()
        except VirtError as error:
            failed = True
            self.addDetail(f"{action} {position}", text_content(str(error)))
        still_waiting = self.faulty.ask("faults")
        self.faulty.ask("clear_faults")
        operation()
        check()
        self.free(self.vm_uuid)
        self.assertEqual(self.before, self.objects(), f"{action} {position} left something")
        return failed or not still_waiting

    def with_vm(self) -> None:
        self.driver.cache_image(self.image_request())
        self.driver.create_vm(self.vm_uuid, self.spec())

    def with_running_vm(self) -> None:
        self.with_vm()
        self.driver.start_vm(self.vm_uuid, StartRequest())

    def assert_running(self) -> None:
        self.assertEqual(PowerState.RUNNING, self.driver.get_vm(self.vm_uuid).power_state)

    def assert_stopped(self) -> None:
        self.assertEqual(PowerState.STOPPED, self.driver.get_vm(self.vm_uuid).power_state)
