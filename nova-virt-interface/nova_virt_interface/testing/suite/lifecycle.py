"""Making, finding and deleting VMs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from nova_virt_interface.call import Call
from nova_virt_interface.errors import (
    Cancelled,
    Conflict,
    DeadlineExceeded,
    InvalidRequest,
    NotFound,
    Resource,
)
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.testing.suite._mixins import HypervisorMixin, blank_disk, nic
from nova_virt_interface.values.power import (
    PowerState,
    RebootKind,
    RebootRequest,
    StartRequest,
    StopRequest,
)
from nova_virt_interface.values.vm import DeleteVmRequest

__all__ = ["LifecycleSuite"]

_HOSTILE_NAMES = (
    "</name><name>x",
    "a & b; rm -rf / #",
    "'quoted' \"twice\"",
    "../../etc/passwd",
    "%s %n {0} $HOME `id`",
    "名前 é ü 🐧",
    "x" * 255,
)


class LifecycleSuite(HypervisorMixin):
    """create_vm, get_vm, list_vms, delete_vm."""

    @rules("LIFE-1", "ID-1")
    def test_created_vm_is_stopped_and_listed(self) -> None:
        self.assert_state(self.made(), PowerState.STOPPED)

    @rules("LIFE-2", "REP-1")
    def test_create_again_is_the_same_vm(self) -> None:
        vm_uuid = self.made()
        before = self.harness.leftovers()
        self.hypervisor.create_vm(vm_uuid, self.spec())
        self.assertEqual(before, self.harness.leftovers())

    @rules("LIFE-2", "REP-2")
    def test_create_again_leaves_a_running_vm_running(self) -> None:
        vm_uuid = self.running()
        self.hypervisor.create_vm(vm_uuid, self.spec())
        self.assert_state(vm_uuid, PowerState.RUNNING)

    @rules("LIFE-3")
    def test_create_with_another_spec_is_a_conflict(self) -> None:
        vm_uuid = self.made()
        before = self.harness.leftovers()
        changed = self.spec(memory_bytes=2 * self.harness.memory_bytes)
        with self.refused(Conflict, Resource.VM) as caught:
            self.hypervisor.create_vm(vm_uuid, changed)
        self.assertEqual(str(vm_uuid), caught.error.name)
        self.assertFalse(caught.error.may_have_been_done)
        self.assertEqual(before, self.harness.leftovers())
        self.assert_state(vm_uuid, PowerState.STOPPED)

    @rules("ID-2", "LIFE-3")
    def test_a_foreign_vm_of_the_same_uuid_is_a_conflict(self) -> None:
        vm_uuid = self.new_uuid()
        with self.harness.foreign_vm(vm_uuid):
            with self.refused(Conflict, Resource.VM):
                self.hypervisor.create_vm(vm_uuid, self.spec())
            self.assertTrue(self.harness.foreign_vm_untouched(vm_uuid))

    @rules("ID-2", "LIFE-6")
    def test_foreign_vms_do_not_exist(self) -> None:
        vm_uuid = self.new_uuid()
        ask = self.hypervisor
        with self.harness.foreign_vm(vm_uuid):
            self.assert_gone(vm_uuid)
            self.assertNotIn(vm_uuid, [entry.vm_uuid for entry in ask.statistics()])
            with self.refused(NotFound, Resource.VM):
                ask.get_vm(vm_uuid)
            with self.refused(NotFound, Resource.VM):
                ask.start_vm(vm_uuid, StartRequest())
            with self.refused(NotFound, Resource.VM):
                ask.stop_vm(vm_uuid, StopRequest())
            with self.refused(NotFound, Resource.VM):
                ask.reboot_vm(vm_uuid, RebootRequest(kind=RebootKind.HARD))
            ask.delete_vm(vm_uuid, DeleteVmRequest())
            self.assertTrue(self.harness.foreign_vm_untouched(vm_uuid))

    @rules("ID-2")
    def test_an_operators_copy_of_a_vm_is_a_foreign_one(self) -> None:
        vm_uuid = self.made()
        with self.harness.copy_vm(vm_uuid) as is_untouched:
            again = self.connect(SuiteServices())
            for ask in (again, self.hypervisor):
                for entries in (ask.list_vms(), ask.statistics()):
                    self.assertEqual([vm_uuid], [entry.vm_uuid for entry in entries])
            again.start_vm(vm_uuid, StartRequest())
            again.stop_vm(vm_uuid, StopRequest())
            again.delete_vm(vm_uuid, DeleteVmRequest())
            self.assertEqual((), again.list_vms())
            self.assertTrue(is_untouched())

    @rules("ID-3")
    def test_a_renamed_vm_is_still_the_same(self) -> None:
        vm_uuid = self.made()
        self.harness.rename_vm(vm_uuid, "renamed by hand")
        self.assert_state(vm_uuid, PowerState.STOPPED)
        self.hypervisor.create_vm(vm_uuid, self.spec())
        self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
        self.assert_gone(vm_uuid)

    @rules("ID-1")
    def test_vms_are_there_after_reconnecting(self) -> None:
        vm_uuid = self.running()
        again = self.connect(SuiteServices())
        self.assertEqual(PowerState.RUNNING, again.get_vm(vm_uuid).power_state)

    @rules("LIFE-5")
    def test_delete_removes_all(self) -> None:
        before = self.harness.leftovers()
        vm_uuid = self.running()
        self.assertNotEqual(before, self.harness.leftovers())
        self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
        self.assert_gone(vm_uuid)
        self.assertEqual(before, self.harness.leftovers())

    @rules("LIFE-6", "REP-1")
    def test_delete_again_succeeds(self) -> None:
        vm_uuid = self.made()
        self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
        self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
        self.hypervisor.delete_vm(uuid4(), DeleteVmRequest())

    def test_unknown_vm_is_not_found(self) -> None:
        vm_uuid = self.new_uuid()
        with self.refused(NotFound, Resource.VM) as caught:
            self.hypervisor.get_vm(vm_uuid)
        self.assertEqual(str(vm_uuid), caught.error.name)

    @rules("SPEC-1")
    def test_any_printable_name_is_a_name(self) -> None:
        for name in _HOSTILE_NAMES:
            vm_uuid = self.made(name=name)
            self.assertEqual(name, self.hypervisor.get_vm(vm_uuid).name)
            self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())

    @rules("SPEC-1")
    def test_two_vms_may_have_one_name(self) -> None:
        first, second = self.made(name="twin"), self.made(name="twin")
        self.hypervisor.delete_vm(first, DeleteVmRequest())
        self.assert_gone(first)
        self.assert_state(second, PowerState.STOPPED)

    @rules("SPEC-1")
    def test_a_name_with_a_control_character_is_refused(self) -> None:
        for name in ("two\nlines", "null\0", "bell\a", ""):
            with self.refused(InvalidRequest):
                self.spec(name=name)

    @rules("CONC-1")
    def test_different_vms_at_the_same_time(self) -> None:
        def whole_life(number: int) -> PowerState:
            vm_uuid = self.new_uuid()
            disk = blank_disk(self.harness, f"data-{number}")
            self.hypervisor.create_vm(
                vm_uuid, self.spec(disks=(disk,), nics=(nic(self.harness, number),))
            )
            self.hypervisor.start_vm(vm_uuid, StartRequest())
            state: PowerState = self.hypervisor.get_vm(vm_uuid).power_state
            self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
            return state

        with ThreadPoolExecutor(4) as pool:
            self.assertEqual([PowerState.RUNNING] * 8, list(pool.map(whole_life, range(1, 9))))

    @rules("CALL-3", "ERR-2")
    def test_a_cancelled_create_leaves_nothing(self) -> None:
        before = self.harness.leftovers()
        vm_uuid = self.new_uuid()
        self.call.cancel()
        with self.refused(Cancelled):
            self.hypervisor.create_vm(vm_uuid, self.spec())
        self.assertEqual(before, self.harness.leftovers())

    @rules("CALL-3", "CALL-4")
    def test_a_call_past_its_deadline_leaves_nothing(self) -> None:
        before = self.harness.leftovers()
        vm_uuid = self.new_uuid()
        with Call("req-late", timeout_seconds=0.0), self.refused(DeadlineExceeded):
            self.hypervisor.create_vm(vm_uuid, self.spec())
        self.assertEqual(before, self.harness.leftovers())
