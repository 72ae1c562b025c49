"""Records that are kept by events: right after every call, and whatever happens to the events."""

from __future__ import annotations

import time
from uuid import uuid4

from nova_virt_interface.errors import HostUnreachable, NotFound
from nova_virt_interface.values.disks import AttachDiskRequest, Blank, DetachDiskRequest, DiskSpec
from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.nics import AttachNicRequest
from nova_virt_interface.values.power import PauseRequest, PowerState, StartRequest, StopRequest
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec

from .pools import MIB, OperationTestCase, SimulatorTestCase

_EXTRA = DiskSpec(key="extra", source=Blank(), size_bytes=2 * MIB)
_LATE_SECONDS = 0.7


class TestOwnChanges(OperationTestCase):
    """Whoever reads after a call sees what it did, also when events are late."""

    def setUp(self) -> None:
        super().setUp()
        self.driver.cache_image(self.image_request())
        self.late()

    def late(self) -> None:
        """Let every question for events be answered late."""
        self.simulator.ask(
            "fault", method="event.from", action="delay", seconds=_LATE_SECONDS, count=1000
        )
        # The question that waits is not late yet: it ends with the next change.
        self.simulator.ask("call", method="task.create", parameters=["a change", ""])
        self.addCleanup(self.tidy)

    def tidy(self) -> None:
        for ref, row in self.simulator.ask("records", class_name="task").items():
            if row["name_label"] == "a change":
                self.simulator.ask("call", method="task.destroy", parameters=[ref])

    def test_of_a_vm(self) -> None:
        driver, vm_uuid = self.driver, self.vm_uuid
        driver.create_vm(vm_uuid, self.spec())
        found = driver.get_vm(vm_uuid)
        self.assertEqual(PowerState.STOPPED, found.power_state)
        self.assertEqual({"blank", "root", "config-drive"}, set(found.disk_keys or ()))
        self.assertEqual(("nic-1",), found.nic_keys)
        self.start()
        self.assertEqual([PowerState.RUNNING], [vm.power_state for vm in driver.list_vms()])
        driver.delete_vm(vm_uuid, DeleteVmRequest())
        self.assertEqual((), driver.list_vms())
        self.assertRaises(NotFound, driver.get_vm, vm_uuid)

    def test_of_devices(self) -> None:
        driver, vm_uuid = self.driver, self.vm_uuid
        driver.create_vm(vm_uuid, self.spec(disks=()))
        self.start()
        driver.attach_disk(vm_uuid, AttachDiskRequest(disk=_EXTRA))
        driver.attach_nic(vm_uuid, AttachNicRequest(nic=self.nic("nic-2", 2)))
        found = {device.key: device.address for device in driver.device_metadata(vm_uuid)}
        self.assertEqual({"nic-1", "nic-2", "extra"}, found.keys())
        driver.detach_disk(vm_uuid, DetachDiskRequest(key="extra"))
        self.assertEqual((), driver.get_vm(vm_uuid).disk_keys)

    def test_that_a_lost_reply_hides(self) -> None:
        driver, vm_uuid = self.driver, self.vm_uuid
        driver.create_vm(vm_uuid, self.spec(disks=(), nics=()))
        self.simulator.ask("fault", method="VM.destroy", action="drop_after")
        error = self.assertRaises(HostUnreachable, driver.delete_vm, vm_uuid, DeleteVmRequest())
        self.assertTrue(error.may_have_been_done)
        self.assertEqual((), driver.list_vms())

    def test_what_others_did_a_moment_ago_is_not_in_the_way(self) -> None:
        driver, vm_uuid = self.driver, self.vm_uuid
        driver.create_vm(vm_uuid, self.spec())
        vm, _ = self.record()
        for method, change, after in (
            ("VM.start", self.start, "Running"),
            ("VM.pause", self.start, "Running"),
            ("VM.hard_shutdown", self.start, "Running"),
            ("VM.hard_shutdown", lambda: driver.stop_vm(vm_uuid, StopRequest()), "Halted"),
            ("VM.start", lambda: driver.pause_vm(vm_uuid, PauseRequest()), "Paused"),
            ("VM.unpause", lambda: driver.pause_vm(vm_uuid, PauseRequest()), "Paused"),
        ):
            arguments = [vm, False, False] if method == "VM.start" else [vm]
            self.simulator.ask("call", method=method, parameters=arguments)
            change()
            self.assertEqual(after, self.record()[1]["power_state"], method)


class TestTrouble(SimulatorTestCase):
    """Events that are lost, and connections that break."""

    def setUp(self) -> None:
        super().setUp()
        self.driver = self.connect()
        self.vm_uuid = uuid4()
        self.driver.create_vm(self.vm_uuid, VmSpec(name="x", vcpus=1, memory_bytes=64 * MIB))
        self.addCleanup(self.delete)
        [self.vm] = [
            ref
            for ref, row in self.simulator.ask("records", class_name="VM").items()
            if row["name_label"] == "x"
        ]

    def delete(self) -> None:
        self.driver.delete_vm(self.vm_uuid, DeleteVmRequest())

    def touch(self) -> None:
        """Let something happen, so that a question is answered."""
        (pool,) = self.simulator.ask("records", class_name="pool")
        self.simulator.ask(
            "write", class_name="pool", ref=pool, field="name_label", value=str(uuid4())
        )

    def test_a_vm_whose_end_was_not_told_is_missed(self) -> None:
        self.simulator.ask("vanish", class_name="VM", ref=self.vm)
        self.touch()
        self.assertTrue(self.services.events.wait_for(EventKind.EVENTS_LOST, None, 10.0))
        self.assertEqual((), self.driver.list_vms())

    def test_lost_events_and_a_token_that_is_not_known_are_no_outage(self) -> None:
        for code in ("EVENTS_LOST", "EVENT_FROM_TOKEN_PARSE_FAILURE"):
            self.fault("event.from", "fail", error=[code, "a token"])
            before = self.lost()
            self.touch()
            self.wait_for(lambda known=before: self.lost() > known)
            self.assertEqual([self.vm_uuid], [vm.vm_uuid for vm in self.driver.list_vms()])
        self.assertNotIn(EventKind.HOST_UNREACHABLE, self.services.events.kinds())

    def test_another_login_begins_anew(self) -> None:
        self.simulator.ask("forget_sessions")
        self.assertTrue(self.services.events.wait_for(EventKind.EVENTS_LOST, None, 10.0))
        self.assertEqual([self.vm_uuid], [vm.vm_uuid for vm in self.driver.list_vms()])

    def test_events_that_make_no_sense_are_an_outage_that_heals(self) -> None:
        for action in ("garbage", "truncate", "drop_before", "drop_after", "redirect"):
            self.fault("event.from", action)
            self.touch()
            self.wait_for(lambda: not self.simulator.ask("faults"))
            self.assertEqual([self.vm_uuid], [vm.vm_uuid for vm in self.driver.list_vms()])
            self.driver.start_vm(self.vm_uuid, StartRequest())
            self.driver.stop_vm(self.vm_uuid, StopRequest())

    def test_nothing_is_told_of_a_pool_that_is_away(self) -> None:
        self.simulator.ask("away")
        try:
            self.assertTrue(self.services.events.wait_for(EventKind.HOST_UNREACHABLE, None, 10.0))
            for question in (
                self.driver.list_vms,
                lambda: self.driver.get_vm(self.vm_uuid),
                lambda: self.driver.get_vm(uuid4()),
                self.delete,
            ):
                self.assertRaises(HostUnreachable, question)
        finally:
            self.simulator.ask("back")
        # The first who asks finds the pool.
        self.assertEqual(PowerState.STOPPED, self.driver.get_vm(self.vm_uuid).power_state)

    def test_what_was_done_during_an_outage_is_seen_after_it(self) -> None:
        self.fault("event.from", "drop_before", count=5)
        self.touch()
        self.assertTrue(self.services.events.wait_for(EventKind.HOST_UNREACHABLE, None, 10.0))
        for _ in range(10):
            try:
                self.driver.start_vm(self.vm_uuid, StartRequest())
                break
            except HostUnreachable:
                pass
        self.assertEqual(PowerState.RUNNING, self.driver.get_vm(self.vm_uuid).power_state)

    def lost(self) -> int:
        """How often it was told that events are lost."""
        return self.services.events.kinds().count(EventKind.EVENTS_LOST)

    def wait_for(self, true: object) -> None:
        deadline = time.monotonic() + 10.0
        while not true():  # type: ignore[operator]
            if time.monotonic() > deadline:
                self.fail("waited in vain")
            time.sleep(0.02)
