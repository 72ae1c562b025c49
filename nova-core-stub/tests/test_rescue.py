"""A rescue, and its end, when core dies at any step: whoever asks again goes on from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import testtools
from instances import IMAGE, MIB, Intercepted, ReferenceHost, spawn_request
from nova_virt_interface.errors import InsufficientResources, Resource
from nova_virt_interface.testing.guest import GuestReport
from nova_virt_interface.values.disks import AttachDiskRequest, Blank, DiskSpec
from nova_virt_interface.values.instance_requests import RescueRequest, UnrescueRequest
from nova_virt_interface.values.instances import GuestMetadata, PowerOffRequest

from nova_core_stub.library_driver.driver import LibraryDriver

REQUEST = spawn_request()
RESCUE = RescueRequest(image=IMAGE, metadata=GuestMetadata(hostname="rescue-1"), instance=REQUEST)
UNRESCUE = UnrescueRequest(instance=REQUEST)
CHANGES = ("stop_vm", "detach_disk", "attach_disk", "start_vm")


class CoreDied(BaseException):
    """Nothing of core runs after it: neither what handles errors, nor what undoes."""


class RescueTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        reference = self.useFixture(ReferenceHost())
        self.host = reference.host
        self.hypervisor = reference.hypervisor
        self.driver = LibraryDriver(self.hypervisor)
        self.uuid = uuid4()
        self.driver.spawn(self.uuid, REQUEST)

    def dying(self, step: int, *, after: bool) -> LibraryDriver:
        """A core that dies before, or after, its change number ``step``, counted from 0."""
        made: list[str] = []

        def around(name: str, call: Callable[[], Any]) -> Any:
            if name not in CHANGES:
                return call()
            if len(made) > step:
                raise CoreDied
            made.append(name)
            if len(made) > step:
                if after:
                    call()
                raise CoreDied
            return call()

        return LibraryDriver(Intercepted(self.hypervisor, around))

    def died(self, call: Callable[..., None], request: Any) -> bool:
        """Whether core died in the call."""
        try:
            call(self.uuid, request)
        except CoreDied:
            return True
        return False

    def every_death(self, method: str, request: Any) -> Iterator[None]:
        """Let core die at each step in turn, until it has no more; then once more as a whole."""
        undo = {"rescue": ("unrescue", UNRESCUE), "unrescue": ("rescue", RESCUE)}[method]
        for after in (False, True):
            for step in range(100):
                getattr(self.driver, undo[0])(self.uuid, undo[1])
                dying = self.dying(step, after=after)
                died = self.died(getattr(dying, method), request)
                yield
                if not died:
                    self.assertGreater(step, 3)
                    break

    def hostname(self) -> list[str]:
        """What the guest took from its config drive."""
        return GuestReport(self.driver.get_console_output(self.uuid, 65536)).all("hostname")

    def assert_in_rescue(self) -> None:
        vm = self.host.vm(self.uuid)
        own = {"root", "ephemeral", "swap"}
        self.assertEqual({*own, "rescue", "rescue-config-drive"}, set(vm.disks))
        self.assertEqual(("running", 0), (vm.state, vm.disks["rescue"].boot_index))
        self.assertEqual(["rescue-1"], self.hostname())

    def assert_as_before(self) -> None:
        vm = self.host.vm(self.uuid)
        self.assertEqual({"root", "ephemeral", "swap", "config-drive"}, set(vm.disks))
        self.assertEqual("running", vm.state)
        self.assertEqual(["web-1"], self.hostname())
        self.assertEqual(1, len(vm.nics))

    def test_a_rescue_goes_on_after_a_crash_of_core_at_any_step(self) -> None:
        for _ in self.every_death("rescue", RESCUE):
            self.driver.rescue(self.uuid, RESCUE)
            self.assert_in_rescue()

    def test_a_rescue_that_core_died_in_is_taken_back(self) -> None:
        for _ in self.every_death("rescue", RESCUE):
            self.driver.unrescue(self.uuid, UNRESCUE)
            self.assert_as_before()

    def test_the_end_of_a_rescue_goes_on_after_a_crash_of_core_at_any_step(self) -> None:
        for _ in self.every_death("unrescue", UNRESCUE):
            self.driver.unrescue(self.uuid, UNRESCUE)
            self.assert_as_before()

    def test_an_end_that_core_died_in_becomes_a_rescue_again(self) -> None:
        for _ in self.every_death("unrescue", UNRESCUE):
            self.driver.rescue(self.uuid, RESCUE)
            self.assert_in_rescue()

    def test_a_rescue_that_cannot_start_leaves_the_instance_as_it_was(self) -> None:
        error = InsufficientResources("full", resource=Resource.MEMORY)

        def around(name: str, call: Callable[[], Any]) -> Any:
            if name == "start_vm":
                raise error
            return call()

        driver = LibraryDriver(Intercepted(self.hypervisor, around))
        raised = self.assertRaises(InsufficientResources, driver.rescue, self.uuid, RESCUE)
        self.assertFalse(raised.may_have_been_done)
        self.assertEqual("stopped", self.host.vm(self.uuid).state)
        self.driver.unrescue(self.uuid, UNRESCUE)
        self.assert_as_before()

    def test_disks_that_came_since_stay(self) -> None:
        extra = DiskSpec(key="extra", source=Blank(), size_bytes=MIB)
        self.hypervisor.attach_disk(self.uuid, AttachDiskRequest(disk=extra))
        self.driver.rescue(self.uuid, RESCUE)
        self.assertIn("extra", self.host.vm(self.uuid).disks)
        self.driver.unrescue(self.uuid, UNRESCUE)
        self.assertIn("extra", self.host.vm(self.uuid).disks)

    def test_an_instance_without_a_config_drive_gets_none(self) -> None:
        other = uuid4()
        instance = spawn_request(config_drive=False, ports=())
        self.driver.spawn(other, instance)
        rescue = RescueRequest(image=IMAGE, metadata=RESCUE.metadata, instance=instance)
        self.driver.rescue(other, rescue)
        self.assertNotIn("rescue-config-drive", self.host.vm(other).disks)
        self.driver.power_off(other, PowerOffRequest(graceful_timeout_seconds=0))
        self.driver.rescue(other, rescue)
        self.assertEqual("running", self.host.vm(other).state)
        self.driver.unrescue(other, UnrescueRequest(instance=instance))
        self.assertEqual({"root", "ephemeral", "swap"}, set(self.host.vm(other).disks))
