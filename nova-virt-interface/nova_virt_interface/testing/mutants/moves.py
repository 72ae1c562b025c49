"""Bugs of a driver of the upper level in rescues, resizes, evacuations and migrations."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from nova_virt_interface.errors import Conflict
from nova_virt_interface.reference.virt_driver import ReferenceVirtDriver
from nova_virt_interface.testing.mutants._running import caught_by
from nova_virt_interface.values.disks import DetachDiskRequest, DiskSpec
from nova_virt_interface.values.instance_requests import (
    EvacuateRequest,
    PrepareIncomingInstanceRequest,
    RescueRequest,
    ResizeInstanceRequest,
    UnrescueRequest,
)
from nova_virt_interface.values.instances import PowerOffRequest
from nova_virt_interface.values.migration import (
    AbortMigrationRequest,
    CancelIncomingRequest,
    MigrationTicket,
)
from nova_virt_interface.values.resize import RevertResizeRequest

__all__: list[str] = []


@caught_by("RescueSuite.test_an_instance_that_does_not_boot_is_rescued")
class RescueDiskIsNotBooted(ReferenceVirtDriver):
    """The rescue's disk comes after the instance's own."""

    def _attach(self, instance_uuid: UUID, disk: DiskSpec) -> None:
        last = replace(disk, boot_index=None if disk.boot_index is None else 9)
        super()._attach(instance_uuid, last)


@caught_by("RescueSuite.test_an_instance_that_does_not_boot_is_rescued")
class RescueKeepsTheOldMetadata(ReferenceVirtDriver):
    """The guest reads in a rescue what it read before."""

    def rescue(self, instance_uuid: UUID, request: RescueRequest) -> None:
        super().rescue(instance_uuid, replace(request, metadata=request.instance.metadata))


@caught_by("RescueSuite.test_a_rescue_and_its_end_are_repeated_and_leave_nothing")
class UnrescueLeavesTheDrive(ReferenceVirtDriver):
    """The rescue's config drive stays."""

    def _detach(self, instance_uuid: UUID, key: str) -> None:
        if key != "rescue-config-drive":
            super()._detach(instance_uuid, key)


@caught_by("RescueSuite.test_a_rescue_and_its_end_are_repeated_and_leave_nothing")
class UnrescueLeavesItOff(ReferenceVirtDriver):
    """An instance is not started after its rescue."""

    def unrescue(self, instance_uuid: UUID, request: UnrescueRequest) -> None:
        super().unrescue(instance_uuid, request)
        self.power_off(instance_uuid, PowerOffRequest(graceful_timeout_seconds=0.0))


@caught_by("RescueSuite.test_another_rescue_is_a_conflict")
class SecondRescueReplacesTheFirst(ReferenceVirtDriver):
    """Another rescue silently takes the place of the one that is there."""

    def rescue(self, instance_uuid: UUID, request: RescueRequest) -> None:
        try:
            super().rescue(instance_uuid, request)
        except Conflict:
            self._vms.detach_disk(instance_uuid, DetachDiskRequest(key="rescue"))
            super().rescue(instance_uuid, request)


@caught_by("InstanceResizeSuite.test_an_instance_gets_another_flavor_and_the_old_one_back")
class ResizeForgetsTheFlavorsDisks(ReferenceVirtDriver):
    """The new flavor's swap disk is not made."""

    def resize(self, instance_uuid: UUID, request: ResizeInstanceRequest) -> None:
        flavor = replace(request.instance.flavor, swap_bytes=0)
        instance = replace(request.instance, flavor=flavor)
        super().resize(instance_uuid, ResizeInstanceRequest(instance=instance))


@caught_by("InstanceResizeSuite.test_an_instance_gets_another_flavor_and_the_old_one_back")
class RevertDoesNothing(ReferenceVirtDriver):
    """The instance keeps its new flavor."""

    def revert_resize(self, instance_uuid: UUID, request: RevertResizeRequest) -> None:
        self.get_info(instance_uuid)


@caught_by("InstanceRecoverySuite.test_an_instance_is_taken_over_and_runs")
class EvacuatedInstanceIsLeftOff(ReferenceVirtDriver):
    """An instance is taken over, but not started."""

    def evacuate(self, instance_uuid: UUID, request: EvacuateRequest) -> None:
        super().evacuate(instance_uuid, request)
        self.power_off(instance_uuid, PowerOffRequest(graceful_timeout_seconds=0.0))


@caught_by("InstanceMigrationSuite.test_a_running_instance_moves")
class DestinationMakesAnotherInstance(ReferenceVirtDriver):
    """The destination is made ready for an instance of another name."""

    def prepare_incoming(
        self, instance_uuid: UUID, request: PrepareIncomingInstanceRequest
    ) -> MigrationTicket:
        instance = replace(request.instance, name="another")
        return super().prepare_incoming(instance_uuid, replace(request, instance=instance))


@caught_by("InstanceMigrationSuite.test_an_instance_that_does_not_move_after_all")
class InstanceIsStillExpected(ReferenceVirtDriver):
    """A destination goes on to expect an instance that does not come."""

    def cancel_incoming(self, instance_uuid: UUID, request: CancelIncomingRequest) -> None:
        return


@caught_by("InstanceMigrationSuite.test_a_migration_is_aborted_while_it_is_waited_for")
class AbortWaitsForTheEnd(ReferenceVirtDriver):
    """A migration that should be given up is not."""

    def abort_migration(self, instance_uuid: UUID, request: AbortMigrationRequest) -> None:
        return
