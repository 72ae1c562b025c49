"""The interface by which nova core drives a compute node."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.host import HostDescription, HostInventory
    from nova_virt_interface.values.instances import (
        DestroyRequest,
        InstanceInfo,
        PowerOffRequest,
        PowerOnRequest,
        SpawnRequest,
    )
    from nova_virt_interface.values.power import RebootRequest
    from nova_virt_interface.values.vm import VmStatistics

__all__ = ["IVirtDriver"]


class IVirtDriver(Interface):
    """One compute node and its instances.

    The rules of `IHypervisor` about identity, concurrency, repeats and failures hold here too, for
    instances.
    """

    taggedValue("since", "1.0")

    def describe() -> HostDescription:
        """Say what the node is; see `IHypervisor.describe`."""

    def get_available_resource() -> HostInventory:
        """Measure what the node has; see `IHypervisor.inventory`."""

    def list_instances() -> tuple[InstanceInfo, ...]:
        """Say the state of all instances; see `IHypervisor.list_vms`."""

    def get_info(instance_uuid: UUID) -> InstanceInfo:
        """Say the state of one instance.

        Raises: NotFound (vm).
        """

    def get_statistics() -> tuple[VmStatistics, ...]:
        """Say what all instances use; ``vm_uuid`` is the instance's uuid. See
        `IHypervisor.statistics`.
        """

    def spawn(instance_uuid: UUID, request: SpawnRequest) -> None:
        """Make an instance from an image and start it.

        [SPAWN-1] On return the instance runs, with the flavor's disks, the ports' MAC addresses
        and, if asked for, a config drive that holds its metadata.
        [SPAWN-2] After an error nothing of the instance is left; an image that was cached meanwhile
        may stay.
        [SPAWN-3] Repeated with an equal request it succeeds and the instance runs; with a different
        one it is a `Conflict`, and the instance is untouched.
        [SPAWN-4] A flavor that is smaller than the image needs is an `InvalidRequest`.

        Raises: as `IHypervisor.create_vm`, `IHypervisor.start_vm` and `IImageCache.cache_image`.
        """

    def destroy(instance_uuid: UUID, request: DestroyRequest) -> None:
        """Remove an instance with all its disks; see `IHypervisor.delete_vm`."""

    def power_on(instance_uuid: UUID, request: PowerOnRequest) -> None:
        """Make an instance run; see `IHypervisor.start_vm`.

        Raises: NotFound (vm); InsufficientResources.
        """

    def power_off(instance_uuid: UUID, request: PowerOffRequest) -> None:
        """Turn an instance off; see `IHypervisor.stop_vm`.

        Raises: NotFound (vm).
        """

    def reboot(instance_uuid: UUID, request: RebootRequest) -> None:
        """Restart an instance's guest; see `IHypervisor.reboot_vm`.

        Raises: NotFound (vm); InsufficientResources.
        """

    def close() -> None:
        """End the connection; see `IHypervisor.close`."""
