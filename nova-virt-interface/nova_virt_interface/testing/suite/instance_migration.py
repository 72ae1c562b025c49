"""Instances that go to another node."""

from __future__ import annotations

import threading
from uuid import UUID

from nova_virt_interface.errors import InvalidState
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.harness import CannotProvoke
from nova_virt_interface.testing.suite._two_hosts import COLD, LIVE, Node, Waiting
from nova_virt_interface.testing.suite._two_nodes import TwoNodesMixin
from nova_virt_interface.values.instance_requests import (
    CheckIncomingInstanceRequest,
    FinishIncomingInstanceRequest,
    PrepareIncomingInstanceRequest,
)
from nova_virt_interface.values.instances import PowerOffRequest, PowerOnRequest, SpawnRequest
from nova_virt_interface.values.migration import (
    AbortMigrationRequest,
    CancelIncomingRequest,
    CheckOutgoingRequest,
    FinishOutgoingRequest,
    ForceCompleteRequest,
    ForcedBy,
    MigrateVmRequest,
    MigrationMode,
    MigrationPhase,
    MigrationTicket,
)
from nova_virt_interface.virt_driver.images import IImageCaching
from nova_virt_interface.virt_driver.migration import (
    IInstanceForceMigration,
    IInstanceMigrationControl,
    IInstanceMigrationSource,
    IInstanceMigrationTarget,
)

__all__ = ["InstanceMigrationSuite"]


class InstanceMigrationSuite(TwoNodesMixin):
    """Both ends of a migration, through core."""

    def _require(self, mode: MigrationMode) -> None:
        self.requires(IInstanceMigrationSource, IInstanceMigrationTarget, IImageCaching)
        if mode not in self.virt_driver.describe().migration_modes:
            raise CannotProvoke(f"this hypervisor offers no {mode.value} migration")

    def _ticket(
        self,
        source: Node,
        target: Node,
        instance_uuid: UUID,
        request: SpawnRequest,
        mode: MigrationMode,
    ) -> MigrationTicket:
        self.offer_image(target, request)
        vm = source.driver.describe_outgoing(instance_uuid)
        check = CheckIncomingInstanceRequest(vm=vm, instance=request, mode=mode)
        offer = target.driver.check_incoming(instance_uuid, check)
        plan = source.driver.check_outgoing(
            instance_uuid, CheckOutgoingRequest(offer=offer, mode=mode)
        )
        prepare = PrepareIncomingInstanceRequest(plan=plan, instance=request)
        for _ in range(2):
            ticket: MigrationTicket = target.driver.prepare_incoming(instance_uuid, prepare)
        return ticket

    @rules("MIG-2", "MIG-3", "MIG-6", "MIG-13")
    def test_a_running_instance_moves(self) -> None:
        self._require(LIVE)
        source, target = self.first_node(), self.second_node()
        instance_uuid, request = self.spawned_on(source)
        ticket = self._ticket(source, target, instance_uuid, request, LIVE)
        for _ in range(2):
            source.driver.migrate(instance_uuid, MigrateVmRequest(ticket=ticket))
        with self.refused(InvalidState):
            target.driver.cancel_incoming(instance_uuid, CancelIncomingRequest())
        finish = FinishIncomingInstanceRequest(instance=request)
        for _ in range(2):
            target.driver.finish_incoming(instance_uuid, finish)
            source.driver.finish_outgoing(instance_uuid, FinishOutgoingRequest())
        self.assert_runs(instance_uuid, target, source)
        target.driver.spawn(instance_uuid, request)

    @rules("MIG-3", "MIG-14")
    def test_an_instance_that_does_not_move_after_all(self) -> None:
        self._require(LIVE)
        source, target = self.first_node(), self.second_node()
        instance_uuid, request = self.spawned_on(source)
        self.offer_image(target, request)
        target.driver.cache_image(request.image)
        before = self.harness.leftovers()
        self._ticket(source, target, instance_uuid, request, LIVE)
        for _ in range(2):
            target.driver.cancel_incoming(instance_uuid, CancelIncomingRequest())
            self.assertEqual(before, self.harness.leftovers())
        self.assert_runs(instance_uuid, source, target)

    @rules("MIG-6", "MIG-10")
    def test_a_stopped_instance_is_copied(self) -> None:
        self._require(COLD)
        source, target = self.first_node(), self.second_node()
        instance_uuid, request = self.spawned_on(source)
        source.driver.power_off(instance_uuid, PowerOffRequest(graceful_timeout_seconds=0.0))
        ticket = self._ticket(source, target, instance_uuid, request, COLD)
        source.driver.migrate(instance_uuid, MigrateVmRequest(ticket=ticket))
        finish = FinishIncomingInstanceRequest(instance=request)
        target.driver.finish_incoming(instance_uuid, finish)
        target.driver.power_on(instance_uuid, PowerOnRequest())
        source.driver.finish_outgoing(instance_uuid, FinishOutgoingRequest())
        self.assert_runs(instance_uuid, target, source)

    def _on_its_way(
        self, source: Node, target: Node, instance_uuid: UUID, request: SpawnRequest
    ) -> Waiting:
        slow = MigrateVmRequest(
            ticket=self._ticket(source, target, instance_uuid, request, LIVE),
            bytes_per_second=self.harness.slow_bytes_per_second,
        )
        began = threading.Event()
        waiting = Waiting(lambda: source.driver.migrate(instance_uuid, slow), began)
        waiting.start()
        self.addCleanup(waiting.join)
        self.addCleanup(waiting.call.cancel)
        self.wait_until(began.is_set, "the migration to begin")
        return waiting

    @rules("MIG-15", "MIG-16", "MIG-17")
    def test_a_migration_is_aborted_while_it_is_waited_for(self) -> None:
        control = self.requires(IInstanceMigrationControl)
        self._require(LIVE)
        source, target = self.first_node(), self.second_node()
        instance_uuid, request = self.spawned_on(source)
        self.assertIs(MigrationPhase.NONE, control.migration_status(instance_uuid).phase)
        waiting = self._on_its_way(source, target, instance_uuid, request)
        self.assertIs(MigrationPhase.COPYING, control.migration_status(instance_uuid).phase)
        control.abort_migration(instance_uuid, AbortMigrationRequest())
        self.assertIsNotNone(waiting.result(self.harness.patience_seconds))
        self.assert_runs(instance_uuid, source, target)
        target.driver.cancel_incoming(instance_uuid, CancelIncomingRequest())

    @rules("MIG-15", "MIG-18")
    def test_a_migration_is_forced_while_it_is_waited_for(self) -> None:
        force = self.requires(IInstanceForceMigration)
        self._require(LIVE)
        source, target = self.first_node(), self.second_node()
        instance_uuid, request = self.spawned_on(source)
        waiting = self._on_its_way(source, target, instance_uuid, request)
        pause = ForceCompleteRequest(by=ForcedBy.PAUSE)
        force.force_complete_migration(instance_uuid, pause)
        self.assertIsNone(waiting.result(self.harness.patience_seconds))
        finish = FinishIncomingInstanceRequest(instance=request)
        target.driver.finish_incoming(instance_uuid, finish)
        source.driver.finish_outgoing(instance_uuid, FinishOutgoingRequest())
        self.assert_runs(instance_uuid, target, source)
