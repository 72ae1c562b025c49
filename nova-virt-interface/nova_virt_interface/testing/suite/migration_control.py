"""Live migrations on their way: looked at, stopped, waited for, brought to their end; and what
happens when a host dies.
"""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.call import Call
from nova_virt_interface.errors import (
    Cancelled,
    DeadlineExceeded,
    HostUnreachable,
    InvalidState,
    PeerUnreachable,
    Resource,
)
from nova_virt_interface.hypervisor.migration import IForceMigration, IMigrationControl
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.suite._two_hosts import LIVE, Node, TwoHostsMixin, Waiting
from nova_virt_interface.values.migration import (
    AbortMigrationRequest,
    FinishIncomingRequest,
    FinishOutgoingRequest,
    ForceCompleteRequest,
    ForcedBy,
    MigrationPhase,
)
from nova_virt_interface.values.power import PowerState, StopRequest

__all__ = ["MigrationControlSuite", "MigrationOutageSuite"]


class MigrationControlSuite(TwoHostsMixin):
    """migration_status, abort_migration, force_complete_migration; cancel, deadline, repeat."""

    @rules("MIG-15", "MIG-17", "MIG-16", "MIG-3")
    def test_a_migration_is_looked_at_and_aborted(self) -> None:
        self.requires(IMigrationControl)
        self.requires_mode(LIVE)
        source, target = self.first(), self.second()
        vm_uuid = self.full_vm(source)
        before = self.harness.leftovers()
        ticket = self.ticket(source, target, vm_uuid)
        with self.on_its_way(source, vm_uuid, ticket) as waiting:
            control = self.node(source.settings).driver
            status = control.migration_status(vm_uuid)
            self.assertIs(MigrationPhase.COPYING, status.phase)
            for total, remaining in (
                (status.memory_total_bytes, status.memory_remaining_bytes),
                (status.disk_total_bytes, status.disk_remaining_bytes),
            ):
                self.assertGreaterEqual(total or 0, remaining or 0)
            control.abort_migration(vm_uuid, AbortMigrationRequest())
            self.assert_at(vm_uuid, source, PowerState.RUNNING, target)
            self.assertIsInstance(waiting.result(self.harness.patience_seconds), Cancelled)
            control.abort_migration(vm_uuid, AbortMigrationRequest())
            self.assertIs(MigrationPhase.NONE, control.migration_status(vm_uuid).phase)
            control.close()
        self.cancel(target, vm_uuid)
        self.assertEqual(before, self.harness.leftovers())
        self.migrate(source, vm_uuid, self.ticket(source, target, vm_uuid))
        self.finish(source, target, vm_uuid)
        source.driver.abort_migration(vm_uuid, AbortMigrationRequest())

    @rules("MIG-16", "MIG-17")
    def test_a_vm_that_does_not_migrate(self) -> None:
        control = self.requires(IMigrationControl)
        for vm_uuid in (self.new_uuid(), self.made(), self.running()):
            self.assertIs(MigrationPhase.NONE, control.migration_status(vm_uuid).phase)
            control.abort_migration(vm_uuid, AbortMigrationRequest())

    @rules("MIG-17")
    def test_a_migration_that_has_switched_over_is_not_aborted(self) -> None:
        control = self.requires(IMigrationControl)
        self.requires_mode(LIVE)
        source, target = self.first(), self.second()
        vm_uuid = self.full_vm(source)
        self.migrate(source, vm_uuid, self.ticket(source, target, vm_uuid))
        self.assertIs(MigrationPhase.SWITCHED, control.migration_status(vm_uuid).phase)
        with self.refused(InvalidState):
            control.abort_migration(vm_uuid, AbortMigrationRequest())
        self.finish(source, target, vm_uuid)
        self.assert_at(vm_uuid, target, PowerState.RUNNING, source)

    @rules("MIG-9", "MIG-7", "CALL-3")
    def test_a_cancelled_migration_is_given_up(self) -> None:
        self.requires_mode(LIVE)
        source, target = self.first(), self.second()
        vm_uuid = self.full_vm(source)
        ticket = self.ticket(source, target, vm_uuid)
        with self.on_its_way(source, vm_uuid, ticket) as waiting:
            waiting.call.cancel()
            error = waiting.result(self.harness.patience_seconds)
        self.assertIsInstance(error, Cancelled)
        self.assertFalse(error.may_have_been_done)  # type: ignore[union-attr]
        self.assertEqual(sorted(waiting.progress), waiting.progress)
        self.assert_at(vm_uuid, source, PowerState.RUNNING, target)
        self.cancel(target, vm_uuid)

    @rules("MIG-9", "MIG-7")
    def test_a_migration_whose_deadline_passes_is_given_up(self) -> None:
        self.requires_mode(LIVE)
        source, target = self.first(), self.second()
        vm_uuid = self.full_vm(source)
        ticket = self.ticket(source, target, vm_uuid)
        slow = self.harness.slow_bytes_per_second
        with Call("req-late", timeout_seconds=1.0), self.refused(DeadlineExceeded):
            self.migrate(source, vm_uuid, ticket, bytes_per_second=slow)
        self.assert_at(vm_uuid, source, PowerState.RUNNING, target)
        self.cancel(target, vm_uuid)

    @rules("MIG-8", "MIG-15", "CALL-6")
    def test_whoever_asks_again_waits_for_the_migration_that_is_on_its_way(self) -> None:
        self.requires(IForceMigration)
        self.requires_mode(LIVE)
        source, target = self.first(), self.second()
        vm_uuid = self.full_vm(source)
        ticket = self.ticket(source, target, vm_uuid)
        with self.on_its_way(source, vm_uuid, ticket) as waiting:
            again = self.node(source.settings)
            with self.on_its_way(again, vm_uuid, ticket) as second:
                self.assertTrue(second.is_alive(), second.error)
                pause = ForceCompleteRequest(by=ForcedBy.PAUSE)
                source.driver.force_complete_migration(vm_uuid, pause)
                for waiter in (waiting, second):
                    self.assertIsNone(waiter.result(self.harness.patience_seconds))
        self.finish(source, target, vm_uuid)
        self.assert_at(vm_uuid, target, PowerState.RUNNING, source)

    @rules("MIG-18")
    def test_a_migration_is_brought_to_its_end_by_a_pause(self) -> None:
        self.assertIsNone(self._forced(ForcedBy.PAUSE).error)

    @rules("MIG-18")
    def test_a_migration_is_brought_to_its_end_by_post_copy(self) -> None:
        self.assertIsNone(self._forced(ForcedBy.POST_COPY, may_post_copy=True).error)

    def _forced(self, by: ForcedBy, **how: bool) -> Waiting:
        force = self.requires(IForceMigration)
        self.requires_mode(LIVE)
        source, target = self.first(), self.second()
        vm_uuid = self.full_vm(source)
        ticket = self.ticket(source, target, vm_uuid)
        with self.on_its_way(source, vm_uuid, ticket, **how) as waiting:
            force.force_complete_migration(vm_uuid, ForceCompleteRequest(by=by))
            waiting.result(self.harness.patience_seconds)
        self.finish(source, target, vm_uuid)
        self.assert_at(vm_uuid, target, PowerState.RUNNING, source)
        target.driver.stop_vm(vm_uuid, StopRequest())
        self.assert_full(target, vm_uuid)
        return waiting

    @rules("MIG-18")
    def test_what_was_not_permitted_is_not_forced(self) -> None:
        force = self.requires(IForceMigration)
        self.requires_mode(LIVE)
        source, target = self.first(), self.second()
        vm_uuid = self.full_vm(source)
        for by in (ForcedBy.PAUSE, ForcedBy.POST_COPY):
            for one in (vm_uuid, self.new_uuid()):
                with self.refused(InvalidState):
                    force.force_complete_migration(one, ForceCompleteRequest(by=by))
        ticket = self.ticket(source, target, vm_uuid)
        with self.on_its_way(source, vm_uuid, ticket) as waiting:
            with self.refused(InvalidState):
                force.force_complete_migration(vm_uuid, ForceCompleteRequest(by=ForcedBy.POST_COPY))
            self.assertTrue(waiting.is_alive(), waiting.error)
        self.assert_at(vm_uuid, source, PowerState.RUNNING, target)
        self.cancel(target, vm_uuid)


class MigrationOutageSuite(TwoHostsMixin):
    """Either side, or what manages both, dies at a step of a live migration; the table is in
    docs/answers.md.
    """

    def _assert_untouched(self, vm_uuid: UUID, source: Node) -> None:
        if not self.harness.has_one_manager:
            self.assert_at(vm_uuid, source, PowerState.RUNNING)

    def _goes_on(self, source: Node, target: Node, vm_uuid: UUID) -> None:
        # What manages both hosts was away, not they: the migration went on without it.
        ticket = self.ticket(source, target, vm_uuid)
        with self.on_its_way(source, vm_uuid, ticket) as waiting, self.harness.outage():
            error = waiting.result(self.harness.patience_seconds)
            self.assertIsInstance(error, HostUnreachable)
        self.reached(source)
        self.migrate(source, vm_uuid, ticket)
        self.finish(source, target, vm_uuid)
        self.assert_at(vm_uuid, target, PowerState.RUNNING, source)

    @rules("MIG-7", "MIG-2", "MIG-3")
    def test_the_destination_is_away_before_the_migration(self) -> None:
        self.requires_mode(LIVE)
        source, target = self.second(), self.first()
        vm_uuid = self.full_vm(source)
        before = self.harness.leftovers()
        plan = self.plan(source, target, vm_uuid)
        with self.harness.outage():
            with self.refused(HostUnreachable):
                self.prepared(target, vm_uuid, plan, self.spec())
            self._assert_untouched(vm_uuid, source)
        self.reached(target)
        self.assert_at(vm_uuid, source, PowerState.RUNNING)
        self.cancel(target, vm_uuid)
        self.assertEqual(before, self.harness.leftovers())
        ticket = self.prepared(target, vm_uuid, plan, self.spec())
        lost, about = (
            (HostUnreachable, None)
            if self.harness.has_one_manager
            else (PeerUnreachable, Resource.DESTINATION)
        )
        with self.harness.outage():
            with self.refused(lost, about) as caught:
                self.migrate(source, vm_uuid, ticket)
            self.assertFalse(caught.error.may_have_been_done)
            self._assert_untouched(vm_uuid, source)
        self.reached(target)
        self.assert_at(vm_uuid, source, PowerState.RUNNING)
        self.migrate(source, vm_uuid, ticket)
        self.finish(source, target, vm_uuid)
        self.assert_at(vm_uuid, target, PowerState.RUNNING, source)

    @rules("MIG-7", "MIG-2", "MIG-3")
    def test_the_destination_dies_on_the_way(self) -> None:
        self.requires_mode(LIVE)
        source, target = self.second(), self.first()
        vm_uuid = self.full_vm(source)
        if self.harness.has_one_manager:
            self._goes_on(source, target, vm_uuid)
            return
        before = self.harness.leftovers()
        ticket = self.ticket(source, target, vm_uuid)
        with self.on_its_way(source, vm_uuid, ticket) as waiting, self.harness.outage():
            error = waiting.result(self.harness.patience_seconds)
            self.assertIsInstance(error, PeerUnreachable)
            self.assert_at(vm_uuid, source, PowerState.RUNNING)
        self.reached(target)
        self.assert_at(vm_uuid, source, PowerState.RUNNING, target)
        self.cancel(target, vm_uuid)
        self.assertEqual(before, self.harness.leftovers())

    @rules("MIG-7", "MIG-2", "MIG-3")
    def test_the_source_dies_on_the_way(self) -> None:
        self.requires_mode(LIVE)
        source, target = self.first(), self.second()
        vm_uuid = self.full_vm(source)
        if self.harness.has_one_manager:
            self._goes_on(source, target, vm_uuid)
            return
        before = self.harness.leftovers()
        ticket = self.ticket(source, target, vm_uuid)
        with self.on_its_way(source, vm_uuid, ticket) as waiting, self.harness.outage():
            error = waiting.result(self.harness.patience_seconds)
            self.assertIsInstance(error, HostUnreachable)
        self.reached(source)
        self.assert_at(vm_uuid, source, PowerState.RUNNING, target)
        self.cancel(target, vm_uuid)
        self.assertEqual(before, self.harness.leftovers())

    @rules("MIG-3", "MIG-2")
    def test_the_source_dies_after_the_switch_over(self) -> None:
        self.requires_mode(LIVE)
        source, target = self.first(), self.second()
        vm_uuid = self.full_vm(source)
        self.migrate(source, vm_uuid, self.ticket(source, target, vm_uuid))
        with self.harness.outage():
            if not self.harness.has_one_manager:
                target.driver.finish_incoming(vm_uuid, FinishIncomingRequest(spec=self.spec()))
            with self.refused(HostUnreachable):
                source.driver.finish_outgoing(vm_uuid, FinishOutgoingRequest())
        self.reached(source)
        self.assert_at(vm_uuid, target, PowerState.RUNNING, source)
        self.finish(source, target, vm_uuid)
        self.assert_at(vm_uuid, target, PowerState.RUNNING, source)

    @rules("MIG-3", "MIG-2")
    def test_the_destination_dies_after_the_switch_over(self) -> None:
        self.requires_mode(LIVE)
        source, target = self.second(), self.first()
        vm_uuid = self.full_vm(source)
        self.migrate(source, vm_uuid, self.ticket(source, target, vm_uuid))
        with self.harness.outage(), self.refused(HostUnreachable):
            target.driver.finish_incoming(vm_uuid, FinishIncomingRequest(spec=self.spec()))
        self.reached(target)
        self.finish(source, target, vm_uuid)
        self.assert_at(vm_uuid, target, PowerState.RUNNING, source)
