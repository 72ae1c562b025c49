"""What the host says about itself and, in bulk, about its VMs."""

from __future__ import annotations

from dataclasses import replace

from nova_virt_interface.errors import HostUnreachable, Unsupported
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.testing.suite._mixins import HypervisorMixin, blank_disk, nic
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.nics import NicModel
from nova_virt_interface.values.power import PowerState, StartRequest
from nova_virt_interface.values.vm import DeleteVmRequest

__all__ = ["HostSuite"]


class HostSuite(HypervisorMixin):
    """connect, describe, inventory, list_vms, statistics, close."""

    @rules("CAP-1")
    def test_the_description_is_fixed_and_costs_nothing(self) -> None:
        first = self.hypervisor.describe()
        before = self.harness.round_trips()
        self.assertEqual(first, self.hypervisor.describe())
        self.assertEqual(before, self.harness.round_trips())
        for text in (
            first.hypervisor_type,
            first.hypervisor_version,
            first.hostname,
            first.cpu_architecture,
        ):
            self.assertTrue(text)
        self.assertTrue(first.disk_formats)

    @rules("CAP-2", "ERR-4")
    def test_what_the_host_does_not_take_is_refused_before_anything_is_touched(self) -> None:
        offered = self.hypervisor.describe()
        disk, card = blank_disk(self.harness), nic(self.harness)
        formats = set(DiskFormat) - set(offered.disk_formats)
        models = set(NicModel) - set(offered.nic_models)
        wrong_specs = [self.spec(disks=(replace(disk, format=format),)) for format in formats]
        wrong_specs += [self.spec(nics=(replace(card, model=model),)) for model in models]
        before = self.harness.leftovers()
        for spec in wrong_specs:
            with self.refused(Unsupported) as caught:
                self.hypervisor.create_vm(self.new_uuid(), spec)
            self.assertFalse(caught.error.may_have_been_done)
            self.assertTrue(caught.error.field)
        self.assertEqual(before, self.harness.leftovers())

    @rules("INV-1", "INV-2")
    def test_inventory_adds_up(self) -> None:
        found = self.hypervisor.inventory()
        self.assertGreater(found.vcpus, 0)
        self.assertTrue(0 < found.memory_free_bytes <= found.memory_bytes, found)
        self.assertTrue(0 < found.storage_free_bytes <= found.storage_bytes, found)

    @rules("LIST-1")
    def test_all_vms_are_listed_with_their_states(self) -> None:
        states = {self.made(): PowerState.STOPPED, self.running(): PowerState.RUNNING}
        listed = {vm.vm_uuid: vm.power_state for vm in self.hypervisor.list_vms()}
        self.assertEqual(states, {uuid: listed.get(uuid) for uuid in states})

    @rules("LIST-2", "STAT-1", "INV-2")
    def test_bulk_questions_cost_the_same_for_any_number_of_vms(self) -> None:
        def cost() -> list[int]:
            costs = []
            for question in (
                self.hypervisor.list_vms,
                self.hypervisor.statistics,
                self.hypervisor.inventory,
            ):
                question()
                before = self.harness.round_trips()
                question()
                costs.append(self.harness.round_trips() - before)
            return costs

        few = cost()
        for _ in range(5):
            self.made()
        self.assertEqual(few, cost())

    @rules("STAT-2")
    def test_statistics_name_every_vm(self) -> None:
        off, on = self.made(), self.running()
        found = {entry.vm_uuid: entry for entry in self.hypervisor.statistics()}
        self.assertLessEqual({off, on}, found.keys())
        self.assertEqual(PowerState.STOPPED, found[off].power_state)
        self.assertEqual(PowerState.RUNNING, found[on].power_state)
        self.assertEqual(1, found[on].vcpus or 1)

    @rules("CONN-4")
    def test_a_host_that_is_not_there_is_unreachable(self) -> None:
        connect = self.harness.factory().connect
        settings = self.harness.unreachable_settings()
        with self.refused(HostUnreachable) as caught:
            connect(settings, self.services)
        self.assertFalse(caught.error.may_have_been_done)
        self.assertTrue(caught.error.remedy)

    @rules("CONN-5")
    def test_an_outage_is_unreachable_and_heals_by_itself(self) -> None:
        vm_uuid = self.running()
        with self.harness.outage():
            for question in (self.hypervisor.list_vms, lambda: self.hypervisor.get_vm(vm_uuid)):
                with self.refused(HostUnreachable):
                    question()
            with self.refused(HostUnreachable):
                self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.wait_until(self._answers, "the driver to connect again")
        self.assert_state(vm_uuid, PowerState.RUNNING)
        self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())

    def _answers(self) -> bool:
        try:
            self.hypervisor.list_vms()
        except HostUnreachable:
            return False
        return True

    @rules("CONN-6", "REP-1")
    def test_a_closed_connection_is_unreachable(self) -> None:
        connection = self.connect(SuiteServices())
        for _ in range(2):
            connection.close()
        with self.refused(HostUnreachable):
            connection.list_vms()
        with self.refused(HostUnreachable):
            connection.create_vm(self.new_uuid(), self.spec())

    @rules("CONN-2")
    def test_two_connections_are_independent(self) -> None:
        other = self.connect(SuiteServices())
        vm_uuid = self.made()
        self.assertEqual(vm_uuid, other.get_vm(vm_uuid).vm_uuid)
        other.close()
        self.assert_state(vm_uuid, PowerState.STOPPED)
