"""Volumes and snapshots of the reference driver's instances."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from nova_virt_interface.errors import NotFound, Resource, Unsupported
from nova_virt_interface.reference.virt_description import volume_disk
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    DetachDiskRequest,
    ResizeDiskRequest,
)
from nova_virt_interface.values.export import ExportDiskRequest, ExportedDisk
from nova_virt_interface.values.instance_requests import (
    AttachVolumeRequest,
    DetachVolumeRequest,
    ExtendVolumeRequest,
    SnapshotRequest,
    SwapVolumeRequest,
)
from nova_virt_interface.values.shares import (
    MountedShare,
    MountShareRequest,
    UnmountShareRequest,
)
from nova_virt_interface.values.volumes import (
    CreateVolumeSnapshotRequest,
    DeleteVolumeSnapshotRequest,
    ReplaceVolumeRequest,
    VolumeConnector,
)

if TYPE_CHECKING:
    from nova_virt_interface.reference.hypervisor import ReferenceHypervisor

__all__ = ["VirtVolumesPart"]


class VirtVolumesPart:
    """`IVolumeAttachment`, `IVolumeExtension`, `IVolumeSwap`, `IAssistedVolumeSnapshots`,
    `IInstanceSnapshot`, `IShareMounts` and `IVolumeConnector` of the reference driver.
    """

    _vms: ReferenceHypervisor

    def attach_volume(self, instance_uuid: UUID, request: AttachVolumeRequest) -> None:
        """See `IVolumeAttachment`."""
        disk = AttachDiskRequest(disk=volume_disk(request.volume), secrets=request.secrets)
        self._vms.attach_disk(instance_uuid, disk)

    def detach_volume(self, instance_uuid: UUID, request: DetachVolumeRequest) -> None:
        """See `IVolumeAttachment`."""
        disk = DetachDiskRequest(
            key=str(request.volume_id), guest_timeout_seconds=request.guest_timeout_seconds
        )
        self._vms.detach_disk(instance_uuid, disk)

    def extend_volume(self, instance_uuid: UUID, request: ExtendVolumeRequest) -> None:
        """See `IVolumeExtension`."""
        disk = ResizeDiskRequest(key=str(request.volume_id), size_bytes=request.size_bytes)
        self._vms.resize_disk(instance_uuid, disk)

    def swap_volume(self, instance_uuid: UUID, request: SwapVolumeRequest) -> None:
        """See `IVolumeSwap`."""
        disk = ReplaceVolumeRequest(
            key=str(request.volume_id),
            volume=request.replacement,
            size_bytes=request.size_bytes,
            secrets=request.secrets,
        )
        self._vms.replace_volume(instance_uuid, disk)

    def create_volume_snapshot(
        self, instance_uuid: UUID, request: CreateVolumeSnapshotRequest
    ) -> None:
        """See `IAssistedVolumeSnapshots`."""
        self._vms.create_volume_snapshot(instance_uuid, request)

    def delete_volume_snapshot(
        self, instance_uuid: UUID, request: DeleteVolumeSnapshotRequest
    ) -> None:
        """See `IAssistedVolumeSnapshots`."""
        self._vms.delete_volume_snapshot(instance_uuid, request)

    def snapshot(self, instance_uuid: UUID, request: SnapshotRequest) -> ExportedDisk:
        """See `IInstanceSnapshot`."""
        export = ExportDiskRequest(
            disk_key="root",
            sink_key=request.sink_key,
            format=request.format,
            consistency=request.consistency,
        )
        try:
            return self._vms.export_disk(instance_uuid, export)
        except NotFound as error:
            if error.resource is not Resource.DISK:
                raise
            raise Unsupported(
                f"instance {instance_uuid} boots from a volume",
                remedy="let the volume's service make the snapshot",
                field="instance_uuid",
            ) from error

    def volume_connector(self) -> VolumeConnector:
        """See `IVolumeConnector`."""
        return self._vms.volume_connector()

    def mount_share(self, request: MountShareRequest) -> MountedShare:
        """See `IShareMounts`."""
        return self._vms.mount_share(request)

    def unmount_share(self, request: UnmountShareRequest) -> None:
        """See `IShareMounts`."""
        self._vms.unmount_share(request)

    def list_mounted_shares(self) -> tuple[MountedShare, ...]:
        """See `IShareMounts`."""
        return self._vms.list_mounted_shares()
