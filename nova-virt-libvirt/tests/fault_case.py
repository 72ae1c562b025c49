"""What tests share that break the wire at every call of an operation.

The normal run breaks some of the calls, the long one (``NOVA_VIRT_TEST_LONG=1``) each.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from typing import Any

from libvirt_case import QemuTestCase
from nova_virt_interface.errors import HostUnreachable, VirtError
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.testing.suite._two_hosts import TwoHostsMixin
from nova_virt_interface.testing.tracker import Tracker
from nova_virt_interface.values.power import PowerState, StartRequest
from nova_virt_interface.values.vm import DeleteVmRequest
from testtools.content import text_content

from nova_virt_libvirt.testing.wire_faults import FaultyWire

_STEP = 1 if os.environ.get("NOVA_VIRT_TEST_LONG") else 8


class FaultTestCase(TwoHostsMixin, QemuTestCase):
    """The operation reports a contract error, a repeat works, and deletion finds all."""

    def setUp(self) -> None:
        super().setUp()
        self.vm_uuid = self.new_uuid()
        self.driver = self.faulty(self.harness.settings())

    def faulty(self, settings: Any) -> Any:
        """A connection through a wire that can be cut; all such wires are cut together."""
        self.daemon = self.harness.daemon(settings)
        root = self.daemon.root
        # Of each connection the last one is broken.
        self.wire = FaultyWire(root, root / "run" / "libvirt" / "libvirt-sock")
        self.addCleanup(self.wire.close)
        broken = dataclasses.replace(settings, uri=self.wire.uri)
        self.faulty_services = SuiteServices()
        connection = self.harness.factory().connect(broken, self.faulty_services)
        self.addCleanup(connection.close)
        tracked = Tracker(connection)
        self.addCleanup(tracked.free)
        return tracked

    def sweep(
        self,
        operation: Callable[[], object],
        *,
        prepare: Callable[[], object] = lambda: None,
        check: Callable[[], object] = lambda: None,
    ) -> None:
        """Break the operation at one call after the other."""
        # All that is made but for the first time, such as the connection to a second host.
        prepare()
        operation()
        check()
        self.forget()
        before = self.things()
        for after in (False, True):
            position = 0
            while self.is_cut_at(position, operation, prepare, check, after=after):
                self.assertEqual(before, self.things(), f"call {position}, {after=}: leftovers")
                position += _STEP
            self.assertGreater(position, 0, "nothing was cut")

    def is_cut_at(
        self,
        position: int,
        operation: Callable[[], object],
        prepare: Callable[[], object],
        check: Callable[[], object],
        *,
        after: bool,
    ) -> bool:
        prepare()
        self.wire.cut(position, after=after)
        try:
            operation()
        except VirtError as error:
            self.addDetail(f"call {position}, {after=}", text_content(repr(error)))
        was_cut = self.wire.heal()
        for act in (operation, check, self.forget):
            self.succeeds(act, f"call {position}, {after=}")
        return was_cut

    def succeeds(self, act: Callable[[], object], about: str) -> None:
        """Do what must succeed, on a host whose libvirtd is started again when it crashes.

        libvirtd 9.0 may do so when it loses a client: its main thread and the one that serves the
        client's last call both free the client's event callbacks.
        """
        try:
            act()
        except HostUnreachable:
            if not self.daemon.revive():
                raise
            self.addDetail(f"libvirtd crashed: {about}", text_content(""))
            act()

    def forget(self) -> None:
        """Remove the VM."""
        self.hypervisor.delete_vm(self.vm_uuid, DeleteVmRequest())

    def things(self) -> frozenset[str]:
        """What is left, but for connections: those of libvirt's end a moment later."""
        found = self.harness.leftovers()
        return frozenset(name for name in found if not name.startswith("connection"))

    def with_vm(self) -> None:
        self.hypervisor.create_vm(self.vm_uuid, self.spec())

    def with_running_vm(self) -> None:
        self.with_vm()
        self.hypervisor.start_vm(self.vm_uuid, StartRequest())

    def is_in(self, state: PowerState) -> Callable[[], None]:
        return lambda: self.assert_state(self.vm_uuid, state)
