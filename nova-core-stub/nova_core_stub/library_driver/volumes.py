"""Volumes of instances that exist, images of instances, and shares."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nova_virt_interface.errors import NotFound, Resource, Unsupported
from nova_virt_interface.hypervisor.disks import IDiskHotplug, IDiskResize
from nova_virt_interface.hypervisor.volumes import IVolumeConnector
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
from nova_virt_interface.values.shares import MountedShare, MountShareRequest, UnmountShareRequest
from nova_virt_interface.values.volumes import (
    CreateVolumeSnapshotRequest,
    DeleteVolumeSnapshotRequest,
    ReplaceVolumeRequest,
    VolumeConnector,
)
from nova_virt_interface.virt_driver.volumes import IVolumeAttachment, IVolumeExtension

from nova_core_stub.library_driver.disks import ROOT, volume_disk

__all__ = ["VolumesMixin", "offered"]

_OF_DISKS: dict[Any, Any] = {IDiskHotplug: IVolumeAttachment, IDiskResize: IVolumeExtension}
"""What a hypervisor does with disks → what an instance gains by it if they can be volumes."""


def offered(hypervisor: object) -> tuple[Any, ...]:
    """What instances gain on a hypervisor that has volumes."""
    if not IVolumeConnector.providedBy(hypervisor):
        return ()
    return tuple(upper for lower, upper in _OF_DISKS.items() if lower.providedBy(hypervisor))


class VolumesMixin:
    """The part of `LibraryDriver` that has to do with volumes, and with images of instances."""

    _hypervisor: Any

    def attach_volume(self, instance_uuid: UUID, request: AttachVolumeRequest) -> None:
        """See `IVolumeAttachment`."""
        disk = volume_disk(request.volume, self._hypervisor.describe())
        attach = AttachDiskRequest(disk=disk, secrets=request.secrets)
        self._hypervisor.attach_disk(instance_uuid, attach)

    def detach_volume(self, instance_uuid: UUID, request: DetachVolumeRequest) -> None:
        """See `IVolumeAttachment`."""
        detach = DetachDiskRequest(
            key=str(request.volume_id), guest_timeout_seconds=request.guest_timeout_seconds
        )
        self._hypervisor.detach_disk(instance_uuid, detach)

    def extend_volume(self, instance_uuid: UUID, request: ExtendVolumeRequest) -> None:
        """See `IVolumeExtension`."""
        resize = ResizeDiskRequest(key=str(request.volume_id), size_bytes=request.size_bytes)
        self._hypervisor.resize_disk(instance_uuid, resize)

    def swap_volume(self, instance_uuid: UUID, request: SwapVolumeRequest) -> None:
        """See `IVolumeSwap`."""
        replace = ReplaceVolumeRequest(
            key=str(request.volume_id),
            volume=request.replacement,
            size_bytes=request.size_bytes,
            secrets=request.secrets,
        )
        self._hypervisor.replace_volume(instance_uuid, replace)

    def create_volume_snapshot(
        self, instance_uuid: UUID, request: CreateVolumeSnapshotRequest
    ) -> None:
        """See `IAssistedVolumeSnapshots`."""
        self._hypervisor.create_volume_snapshot(instance_uuid, request)

    def delete_volume_snapshot(
        self, instance_uuid: UUID, request: DeleteVolumeSnapshotRequest
    ) -> None:
        """See `IAssistedVolumeSnapshots`."""
        self._hypervisor.delete_volume_snapshot(instance_uuid, request)

    def snapshot(self, instance_uuid: UUID, request: SnapshotRequest) -> ExportedDisk:
        """See `IInstanceSnapshot`."""
        export = ExportDiskRequest(
            disk_key=ROOT,
            sink_key=request.sink_key,
            format=request.format,
            consistency=request.consistency,
        )
        try:
            return self._hypervisor.export_disk(instance_uuid, export)  # type: ignore[no-any-return]
        except NotFound as error:
            if error.resource is not Resource.DISK:
                raise
            raise Unsupported(
                f"instance {instance_uuid} boots from a volume, so that its host has no root disk",
                remedy="let the volume's service make the snapshot",
                field="instance_uuid",
            ) from error

    def volume_connector(self) -> VolumeConnector:
        """See `IVolumeConnector`."""
        return self._hypervisor.volume_connector()  # type: ignore[no-any-return]

    def mount_share(self, request: MountShareRequest) -> MountedShare:
        """See `IShareMounts`."""
        return self._hypervisor.mount_share(request)  # type: ignore[no-any-return]

    def unmount_share(self, request: UnmountShareRequest) -> None:
        """See `IShareMounts`."""
        self._hypervisor.unmount_share(request)

    def list_mounted_shares(self) -> tuple[MountedShare, ...]:
        """See `IShareMounts`."""
        return self._hypervisor.list_mounted_shares()  # type: ignore[no-any-return]
