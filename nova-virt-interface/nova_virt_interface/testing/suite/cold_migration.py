"""Stopped VMs that are copied to another host."""

from __future__ import annotations

from nova_virt_interface.errors import InvalidState
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.suite._two_hosts import COLD, TwoHostsMixin
from nova_virt_interface.values.migration import FinishIncomingRequest, FinishOutgoingRequest
from nova_virt_interface.values.power import PowerState, StartRequest, StopRequest

__all__ = ["ColdMigrationSuite"]


class ColdMigrationSuite(TwoHostsMixin):
    """A cold migration, and the way back."""

    @rules("MIG-6", "MIG-10", "MIG-11", "MIG-13", "MIG-4")
    def test_a_stopped_vm_is_copied(self) -> None:
        self.requires_mode(COLD)
        source, target = self.first(), self.second()
        before = self.harness.leftovers()
        vm_uuid = self.full_vm(source, COLD)
        at_source = self.harness.leftovers() - before
        ticket = self.ticket(source, target, vm_uuid, COLD)
        finish = FinishIncomingRequest(spec=self.spec())
        with self.refused(InvalidState):
            target.driver.finish_incoming(vm_uuid, finish)
        for _ in range(2):
            self.migrate(source, vm_uuid, ticket)
            self.assert_at(vm_uuid, source, PowerState.STOPPED, target)
        for _ in range(2):
            target.driver.finish_incoming(vm_uuid, finish)
            self.assert_at(vm_uuid, target, PowerState.STOPPED)
            self.assert_at(vm_uuid, source, PowerState.STOPPED)
        self.assert_full(target, vm_uuid)
        self.assert_full(source, vm_uuid)
        target.driver.start_vm(vm_uuid, StartRequest())
        for _ in range(2):
            source.driver.finish_outgoing(vm_uuid, FinishOutgoingRequest())
            self.assert_at(vm_uuid, target, PowerState.RUNNING, source)
        self.assertEqual(frozenset(), self.harness.leftovers() & at_source)
        target.driver.create_vm(vm_uuid, self.spec())

    @rules("MIG-14", "MIG-2")
    def test_an_operator_goes_back_to_the_vm_at_the_source(self) -> None:
        self.requires_mode(COLD)
        source, target = self.first(), self.second()
        vm_uuid = self.full_vm(source, COLD)
        before = self.harness.leftovers()
        self.migrate(source, vm_uuid, self.ticket(source, target, vm_uuid, COLD))
        self.cancel(target, vm_uuid)
        self.migrate(source, vm_uuid, self.ticket(source, target, vm_uuid, COLD))
        target.driver.finish_incoming(vm_uuid, FinishIncomingRequest(spec=self.spec()))
        target.driver.start_vm(vm_uuid, StartRequest())
        with self.refused(InvalidState):
            self.cancel(target, vm_uuid)
        target.driver.stop_vm(vm_uuid, StopRequest())
        for _ in range(2):
            self.cancel(target, vm_uuid)
            self.assert_at(vm_uuid, source, PowerState.STOPPED, target)
        self.assertEqual(before, self.harness.leftovers())
        self.assert_full(source, vm_uuid)
        source.driver.start_vm(vm_uuid, StartRequest())
        source.driver.stop_vm(vm_uuid, StopRequest())
        with self.refused(InvalidState):
            source.driver.finish_outgoing(vm_uuid, FinishOutgoingRequest())
        self.assert_full(source, vm_uuid)

    @rules("MIG-5", "MIG-10")
    def test_a_vm_in_the_wrong_state_and_one_that_was_not_copied(self) -> None:
        self.requires_mode(COLD)
        source, target = self.first(), self.second()
        vm_uuid = self.full_vm(source, COLD)
        with self.refused(InvalidState):
            source.driver.finish_outgoing(vm_uuid, FinishOutgoingRequest())
        ticket = self.ticket(source, target, vm_uuid, COLD)
        source.driver.start_vm(vm_uuid, StartRequest())
        with self.refused(InvalidState):
            self.migrate(source, vm_uuid, ticket)
        self.cancel(target, vm_uuid)
        with self.refused(InvalidState):
            self.plan(source, target, vm_uuid, COLD)
        self.assert_at(vm_uuid, source, PowerState.RUNNING, target)

    @rules("MIG-10", "MIG-14")
    def test_what_both_hosts_use_stays(self) -> None:
        self.requires_mode(COLD)
        source, target = self.sharing()
        vm_uuid = self.full_vm(source, COLD)
        before = self.harness.leftovers()
        finish = FinishIncomingRequest(spec=self.spec())
        ticket = self.ticket(source, target, vm_uuid, COLD)
        self.assertEqual((), ticket.plan.copied_disks)
        self.migrate(source, vm_uuid, ticket)
        target.driver.finish_incoming(vm_uuid, finish)
        self.cancel(target, vm_uuid)
        self.assertEqual(before, self.harness.leftovers())
        self.assert_full(source, vm_uuid)
        self.migrate(source, vm_uuid, self.ticket(source, target, vm_uuid, COLD))
        target.driver.finish_incoming(vm_uuid, finish)
        source.driver.finish_outgoing(vm_uuid, FinishOutgoingRequest())
        self.assert_at(vm_uuid, target, PowerState.STOPPED, source)
        self.assert_full(target, vm_uuid)
        target.driver.start_vm(vm_uuid, StartRequest())
