"""Optional: volumes of instances that exist."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.instance_requests import (
        AttachVolumeRequest,
        DetachVolumeRequest,
        ExtendVolumeRequest,
        SwapVolumeRequest,
    )
    from nova_virt_interface.values.volumes import (
        CreateVolumeSnapshotRequest,
        DeleteVolumeSnapshotRequest,
    )

__all__ = ["IAssistedVolumeSnapshots", "IVolumeAttachment", "IVolumeExtension", "IVolumeSwap"]


class IVolumeAttachment(Interface):
    """A node that attaches volumes to instances that run or are stopped."""

    taggedValue("since", "1.0")

    def attach_volume(instance_uuid: UUID, request: AttachVolumeRequest) -> None:
        """Attach a volume; see `IDiskHotplug.attach_disk`.

        Raises: NotFound (vm); Conflict (disk); Unsupported; InvalidState; InsufficientResources;
        PeerUnreachable (volume).
        """

    def detach_volume(instance_uuid: UUID, request: DetachVolumeRequest) -> None:
        """Detach a volume; see `IDiskHotplug.detach_disk`.

        Raises: NotFound (vm); Busy; InvalidState.
        """


class IVolumeExtension(Interface):
    """A node that takes over the new size of a volume while it is attached."""

    taggedValue("since", "1.0")

    def extend_volume(instance_uuid: UUID, request: ExtendVolumeRequest) -> None:
        """Take a volume's new size over; see `IDiskResize.resize_disk`.

        Raises: NotFound (vm, disk); InvalidRequest; InvalidState.
        """


class IVolumeSwap(Interface):
    """A node that moves a running instance from one volume to another."""

    taggedValue("since", "1.0")

    def swap_volume(instance_uuid: UUID, request: SwapVolumeRequest) -> None:
        """Copy an attached volume to another one and go on with that; see
        `IVolumeReplacement.replace_volume`.

        [SWAP-1] The disk stays the guest's same device: later requests name it by the id by which
        it was attached, and a whole description has that as `InstanceVolume.attached_as`.

        Raises: NotFound (vm, disk); InvalidState; InvalidRequest; Unsupported; PeerUnreachable
        (volume).
        """


class IAssistedVolumeSnapshots(Interface):
    """A node that makes snapshots of file volumes for their service."""

    taggedValue("since", "1.0")

    def create_volume_snapshot(instance_uuid: UUID, request: CreateVolumeSnapshotRequest) -> None:
        """See `IVolumeSnapshots.create_volume_snapshot`."""

    def delete_volume_snapshot(instance_uuid: UUID, request: DeleteVolumeSnapshotRequest) -> None:
        """See `IVolumeSnapshots.delete_volume_snapshot`."""
