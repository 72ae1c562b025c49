"""Bugs of a driver of the upper level."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from nova_virt_interface.errors import Conflict, InvalidRequest, NotFound
from nova_virt_interface.reference.host import Image as HostImage
from nova_virt_interface.reference.virt_driver import ReferenceVirtDriver
from nova_virt_interface.testing.mutants._running import caught_by
from nova_virt_interface.testing.suite._mixins import image_of
from nova_virt_interface.values.images import CachedImage
from nova_virt_interface.values.instances import (
    AttachInterfaceRequest,
    DestroyRequest,
    Image,
    PowerOffRequest,
    SpawnRequest,
)

__all__: list[str] = []


@caught_by("InstanceSuite.test_this_instance_boots_with_this_metadata_and_these_nics")
class SpawnForgetsTheConfigDrive(ReferenceVirtDriver):
    """An instance gets no config drive."""

    def spawn(self, instance_uuid: UUID, request: SpawnRequest) -> None:
        super().spawn(instance_uuid, replace(request, config_drive=False))


@caught_by("InstanceSuite.test_this_instance_boots_with_this_metadata_and_these_nics")
class SpawnForgetsTheSwapDisk(ReferenceVirtDriver):
    """An instance gets the first two disks of its flavor only."""

    def spawn(self, instance_uuid: UUID, request: SpawnRequest) -> None:
        flavor = replace(request.flavor, swap_bytes=0)
        super().spawn(instance_uuid, replace(request, flavor=flavor))


@caught_by("InstanceSuite.test_spawn_again_is_the_same_instance")
class SpawnLeavesItOff(ReferenceVirtDriver):
    """A new instance is made, but not started."""

    def spawn(self, instance_uuid: UUID, request: SpawnRequest) -> None:
        super().spawn(instance_uuid, request)
        self.power_off(instance_uuid, PowerOffRequest(graceful_timeout_seconds=0.0))


@caught_by("InstanceSuite.test_spawn_again_is_the_same_instance")
class SpawnReadsTheImageAgain(ReferenceVirtDriver):
    """The image is fetched for every instance."""

    def cache_image(self, image: Image) -> CachedImage:
        self._vms._services.images.open(image.cache_key).close()
        return super().cache_image(image)


@caught_by("InstanceSuite.test_spawn_with_another_request_is_a_conflict")
class SpawnTakesAnotherRequest(ReferenceVirtDriver):
    """An instance of another flavor is silently taken for the one that was asked for."""

    def spawn(self, instance_uuid: UUID, request: SpawnRequest) -> None:
        try:
            super().spawn(instance_uuid, request)
        except Conflict:
            return


@caught_by("InstanceSuite.test_a_flavor_smaller_than_the_image_is_refused")
class SpawnIgnoresWhatTheImageNeeds(ReferenceVirtDriver):
    """The least disk and memory of an image are not looked at."""

    def spawn(self, instance_uuid: UUID, request: SpawnRequest) -> None:
        image = replace(image_of(request), min_disk_bytes=0, min_memory_bytes=0)
        super().spawn(instance_uuid, replace(request, image=image))


@caught_by("InstanceSuite.test_a_missing_image_leaves_nothing")
class FailedSpawnLeavesADisk(ReferenceVirtDriver):
    """The root disk is made before the image is asked for, and stays."""

    def spawn(self, instance_uuid: UUID, request: SpawnRequest) -> None:
        try:
            super().spawn(instance_uuid, request)
        except NotFound:
            disk = HostImage(format="raw", content=b"")
            self._vms._host.put_image(f"disk-of-{instance_uuid}", disk)
            raise


@caught_by("InstanceSuite.test_destroy_removes_all_and_may_be_repeated")
class DestroyOnlyTurnsOff(ReferenceVirtDriver):
    """A destroyed instance is turned off, and stays."""

    def destroy(self, instance_uuid: UUID, request: DestroyRequest) -> None:
        self.power_off(instance_uuid, PowerOffRequest(graceful_timeout_seconds=0.0))


@caught_by("InstanceSuite.test_unknown_instances_are_not_found")
class PowerOffOfMissingInstanceIsIgnored(ReferenceVirtDriver):
    """Stopping an instance that does not exist succeeds."""

    def power_off(self, instance_uuid: UUID, request: PowerOffRequest) -> None:
        try:
            super().power_off(instance_uuid, request)
        except NotFound:
            return


@caught_by("InstanceSuite.test_a_port_is_plugged_into_a_running_instance")
class PortIsNotPluggedIn(ReferenceVirtDriver):
    """A port is noted for the next start only."""

    def attach_interface(self, instance_uuid: UUID, request: AttachInterfaceRequest) -> None:
        self.get_info(instance_uuid)


@caught_by("InstanceSuite.test_secrets_are_in_no_repr_and_no_error")
class SecretIsInAnError(ReferenceVirtDriver):
    """An error tells the password of the instance that could not be made."""

    def spawn(self, instance_uuid: UUID, request: SpawnRequest) -> None:
        try:
            super().spawn(instance_uuid, request)
        except InvalidRequest as error:
            password = request.metadata.admin_password
            told = password.reveal().decode() if password else ""
            raise InvalidRequest(f"cannot make {request.name} with {told}") from error
