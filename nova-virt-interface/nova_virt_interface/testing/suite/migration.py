"""Running VMs that move to another host."""

from __future__ import annotations

import dataclasses
from typing import Any
from uuid import UUID

from nova_virt_interface.errors import (
    Conflict,
    InsufficientResources,
    InvalidRequest,
    InvalidState,
    NotFound,
    Resource,
    Unsupported,
)
from nova_virt_interface.hypervisor.console import IConsoleLog
from nova_virt_interface.hypervisor.images import IImageCache
from nova_virt_interface.hypervisor.migration import IMigrationSource, IMigrationTarget
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.guest import GuestReport
from nova_virt_interface.testing.suite._mixins import (
    blank_disk,
    image_disk,
    image_request,
    nic_to_nowhere,
)
from nova_virt_interface.testing.suite._two_hosts import COLD, LIVE, Node, TwoHostsMixin
from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.migration import (
    CheckIncomingRequest,
    CheckOutgoingRequest,
    FinishIncomingRequest,
    FinishOutgoingRequest,
    MigrateVmRequest,
    PrepareIncomingRequest,
)
from nova_virt_interface.values.nics import NicBackingKind
from nova_virt_interface.values.power import PowerState, StopRequest
from nova_virt_interface.values.vm import DeleteVmRequest

__all__ = ["MigrationSuite"]


class MigrationSuite(TwoHostsMixin):
    """The whole way of a live migration; what is refused on it; what is taken back."""

    @rules("MIG-2", "MIG-6", "MIG-10", "MIG-11", "MIG-13", "MIG-4")
    def test_a_running_vm_moves_with_its_disks(self) -> None:
        self.requires_mode(LIVE)
        source, target = self.first(), self.second()
        vm_uuid = self.full_vm(source)
        ticket = self.ticket(source, target, vm_uuid)
        self.assertEqual(("data",), ticket.plan.copied_disks)
        self.assert_at(vm_uuid, source, PowerState.RUNNING, target)
        self.migrate(source, vm_uuid, ticket)
        self.assert_at(vm_uuid, target, PowerState.RUNNING, source)
        with self.refused(NotFound, Resource.VM):
            source.driver.get_vm(vm_uuid)
        self.finish(source, target, vm_uuid)
        self.assert_at(vm_uuid, target, PowerState.RUNNING, source)
        target.driver.create_vm(vm_uuid, self.spec())
        with self.refused(Conflict, Resource.VM):
            target.driver.create_vm(vm_uuid, self.spare())
        target.driver.stop_vm(vm_uuid, StopRequest())
        self.assert_full(target, vm_uuid)

    @rules("MIG-4", "MIG-10")
    def test_nothing_of_a_vm_that_has_gone_is_left_at_the_source(self) -> None:
        self.requires_mode(LIVE)
        source, target = self.first(), self.second()
        before = self.harness.leftovers()
        vm_uuid = self.full_vm(source)
        at_source = self.harness.leftovers()
        self.migrate(source, vm_uuid, self.ticket(source, target, vm_uuid))
        self.finish(source, target, vm_uuid)
        gone = at_source - before
        self.assertEqual(frozenset(), self.harness.leftovers() & gone)

    @rules("MIG-3", "MIG-8", "MIG-11", "MIG-13", "MIG-10", "REP-1", "CALL-6")
    def test_every_step_may_be_repeated_by_a_core_that_was_restarted(self) -> None:
        self.requires_mode(LIVE)
        source, target = self.first(), self.second()
        vm_uuid = self.full_vm(source)
        plan = self.plan(source, target, vm_uuid)
        spec = self.spec()
        for _ in range(2):
            ticket = self.prepared(self.node(target.settings), vm_uuid, plan, spec)
        for _ in range(2):
            self.migrate(self.node(source.settings), vm_uuid, ticket)
            self.assert_at(vm_uuid, target, PowerState.RUNNING, source)
        for _ in range(2):
            self.node(target.settings).driver.finish_incoming(
                vm_uuid, FinishIncomingRequest(spec=spec)
            )
        for _ in range(2):
            self.node(source.settings).driver.finish_outgoing(vm_uuid, FinishOutgoingRequest())
        self.assert_at(vm_uuid, target, PowerState.RUNNING, source)

    @rules("MIG-6", "MIG-2")
    def test_the_guest_goes_on_where_it_was(self) -> None:
        self.requires(IMigrationSource, IMigrationTarget, IImageCache, IConsoleLog)
        self.requires_mode(LIVE)
        source, target = self.first(), self.second()
        vm_uuid = self.booted()
        key = image_request(self.harness, target.services).key
        target.driver.cache_image(image_request(self.harness, target.services))
        disks = (image_disk(self.harness, key),)
        self.migrate(source, vm_uuid, self.ticket(source, target, vm_uuid, disks=disks))
        self.finish(source, target, vm_uuid, disks=disks)
        off = StopRequest(graceful_timeout_seconds=self.harness.patience_seconds)
        target.driver.stop_vm(vm_uuid, off)
        console = target.driver.console_log(vm_uuid, 256 * 1024)
        self.assertIn(b"NVG poweroff", console)
        boots = GuestReport(console.rpartition(b"NVG poweroff")[0]).all("dmi_uuid")
        self.assertEqual([str(vm_uuid)] if self.harness.has_moving_consoles else [], boots)

    @rules("MIG-3", "MIG-14", "MIG-8")
    def test_what_was_prepared_is_taken_back(self) -> None:
        self.requires_mode(LIVE)
        source, target = self.first(), self.second()
        vm_uuid = self.full_vm(source)
        before = self.harness.leftovers()
        ticket = self.ticket(source, target, vm_uuid)
        for _ in range(2):
            self.cancel(target, vm_uuid)
            self.assertEqual(before, self.harness.leftovers())
        with self.refused(Conflict, Resource.VM):
            self.migrate(source, vm_uuid, ticket)
        self.assert_at(vm_uuid, source, PowerState.RUNNING, target)
        self.assertEqual(before, self.harness.leftovers())
        self.migrate(source, vm_uuid, self.ticket(source, target, vm_uuid))
        self.finish(source, target, vm_uuid)

    @rules("MIG-14", "MIG-13")
    def test_a_vm_that_has_come_is_not_cancelled_and_one_that_has_not_is_not_finished(self) -> None:
        self.requires_mode(LIVE)
        source, target = self.first(), self.second()
        vm_uuid = self.full_vm(source)
        finish = FinishIncomingRequest(spec=self.spec())
        for _ in range(2):
            with self.refused(InvalidState):
                target.driver.finish_incoming(vm_uuid, finish)
            ticket = self.ticket(source, target, vm_uuid)
        with self.refused(InvalidState):
            source.driver.finish_outgoing(vm_uuid, FinishOutgoingRequest())
        self.migrate(source, vm_uuid, ticket)
        with self.refused(InvalidState):
            self.cancel(target, vm_uuid)
        self.finish(source, target, vm_uuid)
        with self.refused(InvalidState):
            self.cancel(target, vm_uuid)
        with self.refused(Conflict, Resource.VM):
            target.driver.finish_incoming(vm_uuid, FinishIncomingRequest(spec=self.spare()))
        self.assert_at(vm_uuid, target, PowerState.RUNNING, source)

    @rules("MIG-12", "LIFE-3")
    def test_what_is_prepared_takes_a_place(self) -> None:
        self.requires_mode(LIVE)
        source, target = self.first(), self.second()
        vm_uuid = self.full_vm(source)
        plan = self.plan(source, target, vm_uuid)
        self.prepared(target, vm_uuid, plan, self.spec())
        before = self.harness.leftovers()
        with self.refused(Conflict, Resource.VM):
            target.driver.create_vm(vm_uuid, self.spec())
        with self.refused(Conflict, Resource.VM):
            self.prepared(target, vm_uuid, plan, self.spec(vcpus=2))
        self.assertEqual(before, self.harness.leftovers())

    @rules("MIG-1", "ERR-4")
    def test_data_of_other_drivers_are_refused(self) -> None:
        self.requires_mode(LIVE)
        source, target = self.first(), self.second()
        vm_uuid = self.full_vm(source)
        vm = source.driver.describe_outgoing(vm_uuid)
        spec = self.spec()
        offer = target.driver.check_incoming(
            vm_uuid, CheckIncomingRequest(vm=vm, spec=spec, mode=LIVE)
        )
        plan = source.driver.check_outgoing(vm_uuid, CheckOutgoingRequest(offer=offer, mode=LIVE))
        ticket = self.prepared(target, vm_uuid, plan, spec)
        before = self.harness.leftovers()
        changes: tuple[dict[str, Any], ...] = ({"format": 999}, {"driver": "somebody"})
        for change in changes:

            def other(value: Any, change: dict[str, Any] = change) -> Any:
                data = dataclasses.replace(value.data, **change)
                return dataclasses.replace(value, data=data)

            check = CheckIncomingRequest(vm=other(vm), spec=spec, mode=LIVE)
            with self.refused(Unsupported):
                target.driver.check_incoming(vm_uuid, check)
            outgoing = CheckOutgoingRequest(offer=other(offer), mode=LIVE)
            with self.refused(Unsupported):
                source.driver.check_outgoing(vm_uuid, outgoing)
            prepare = PrepareIncomingRequest(plan=other(plan), spec=spec)
            with self.refused(Unsupported):
                target.driver.prepare_incoming(vm_uuid, prepare)
            with self.refused(Unsupported):
                self.migrate(source, vm_uuid, other(ticket))
        self.assertEqual(before, self.harness.leftovers())
        self.assert_at(vm_uuid, source, PowerState.RUNNING, target)

    @rules("MIG-5", "MIG-7")
    def test_wrong_states_and_unknown_vms_are_refused(self) -> None:
        self.requires_mode(LIVE)
        source, target = self.first(), self.second()
        vm_uuid = self.full_vm(source)
        ticket = self.ticket(source, target, vm_uuid)
        source.driver.stop_vm(vm_uuid, StopRequest())
        check = CheckOutgoingRequest(offer=self._offer(source, target, vm_uuid), mode=LIVE)
        with self.refused(InvalidState):
            source.driver.check_outgoing(vm_uuid, check)
        with self.refused(InvalidState):
            self.migrate(source, vm_uuid, ticket)
        self.assert_at(vm_uuid, source, PowerState.STOPPED, target)
        unknown = self.new_uuid()
        with self.refused(NotFound, Resource.VM):
            source.driver.describe_outgoing(unknown)
        with self.refused(NotFound, Resource.VM):
            source.driver.check_outgoing(unknown, check)
        with self.refused(Conflict, Resource.VM):
            source.driver.migrate_vm(unknown, MigrateVmRequest(ticket=ticket))
        source.driver.finish_outgoing(unknown, FinishOutgoingRequest())
        self.cancel(target, unknown)

    def _offer(self, source: Node, target: Node, vm_uuid: UUID) -> Any:
        self.cancel(target, vm_uuid)
        vm = source.driver.describe_outgoing(vm_uuid)
        check = CheckIncomingRequest(vm=vm, spec=self.spec(), mode=LIVE)
        return target.driver.check_incoming(vm_uuid, check)

    @rules("MIG-5", "CAP-2")
    def test_a_mode_that_is_not_offered_is_refused(self) -> None:
        self.requires(IMigrationSource, IMigrationTarget)
        source, target = self.first(), self.second()
        vm_uuid = self.full_vm(source, COLD)
        for mode in {LIVE, COLD} - set(source.driver.describe().migration_modes):
            check = CheckIncomingRequest(
                vm=source.driver.describe_outgoing(vm_uuid), spec=self.spec(), mode=mode
            )
            with self.refused(Unsupported):
                target.driver.check_incoming(vm_uuid, check)

    @rules("MIG-5", "ID-2")
    def test_a_destination_that_cannot_take_the_vm_says_so_first(self) -> None:
        self.requires_mode(LIVE)
        source, target = self.second(), self.first()
        vm_uuid = self.full_vm(source)
        before = self.harness.leftovers()
        with self.harness.foreign_vm(vm_uuid), self.refused(Conflict, Resource.VM):
            self.plan(source, target, vm_uuid)
        with self.refused(Conflict, Resource.VM):
            self.plan(source, source, vm_uuid)
        with self.refused(InvalidRequest):
            self.plan(source, target, vm_uuid, disks=(blank_disk(self.harness, "other"),))
        if NicBackingKind.NETWORK in target.driver.describe().nic_backings:
            with self.refused(NotFound, Resource.NETWORK):
                self.plan(source, target, vm_uuid, nics=(nic_to_nowhere(self.harness),))
            plan = self.plan(source, target, vm_uuid)
            with self.refused(NotFound, Resource.NETWORK):
                wrong = self.spec(nics=(nic_to_nowhere(self.harness),))
                self.prepared(target, vm_uuid, plan, wrong)
        with self.harness.full_storage(), self.refused(InsufficientResources, Resource.STORAGE):
            self.plan(source, target, vm_uuid)
        self.assertEqual(before, self.harness.leftovers())

    @rules("MIG-8")
    def test_a_ticket_of_another_vm_is_a_conflict(self) -> None:
        self.requires_mode(LIVE)
        source, target = self.first(), self.second()
        one, other = self.full_vm(source), self.full_vm(source)
        ticket = self.ticket(source, target, one)
        with self.refused(Conflict, Resource.VM):
            self.migrate(source, other, ticket)
        self.assert_at(other, source, PowerState.RUNNING, target)
        source.driver.delete_vm(one, DeleteVmRequest())
        with self.refused(NotFound, Resource.VM):
            self.migrate(source, one, ticket)

    @rules("MIG-2", "MIG-10", "MIG-14")
    def test_a_vm_moves_on_one_storage(self) -> None:
        self.requires_mode(LIVE)
        source, target = self.sharing()
        names = {node.driver.inventory().storage_id for node in (source, target)}
        self.assertEqual((1, True), (len(names), None not in names))
        vm_uuid = self.full_vm(source)
        before = self.harness.leftovers()
        ticket = self.ticket(source, target, vm_uuid)
        self.assertEqual((), ticket.plan.copied_disks)
        self.cancel(target, vm_uuid)
        self.assertEqual(before, self.harness.leftovers())
        self.migrate(source, vm_uuid, self.ticket(source, target, vm_uuid))
        self.finish(source, target, vm_uuid)
        self.assert_at(vm_uuid, target, PowerState.RUNNING, source)
        target.driver.stop_vm(vm_uuid, StopRequest())
        self.assert_full(target, vm_uuid)

    @rules("MIG-2", "EVT-1")
    def test_the_source_tells_of_the_switch_over(self) -> None:
        self.requires_mode(LIVE)
        source, target = self.first(), self.second()
        vm_uuid = self.full_vm(source)
        self.migrate(source, vm_uuid, self.ticket(source, target, vm_uuid))
        patience = self.harness.patience_seconds
        told = self.services.events.wait_for(EventKind.MIGRATED, vm_uuid, patience)
        self.assertTrue(told, self.services.events.kinds(vm_uuid))

    @rules("MIG-3")
    def test_a_vm_comes_back(self) -> None:
        self.requires_mode(LIVE)
        source, target = self.first(), self.second()
        vm_uuid = self.full_vm(source)
        for here, there in ((source, target), (target, source)):
            self.migrate(here, vm_uuid, self.ticket(here, there, vm_uuid))
            self.finish(here, there, vm_uuid)
        self.assert_at(vm_uuid, source, PowerState.RUNNING, target)
        source.driver.stop_vm(vm_uuid, StopRequest())
        self.assert_full(source, vm_uuid)
