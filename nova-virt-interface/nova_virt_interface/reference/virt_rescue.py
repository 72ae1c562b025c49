"""Instances that do not boot any more, on a host in memory."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.reference.virt_description import config_drive
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    DetachDiskRequest,
    DiskSpec,
    FromImage,
)
from nova_virt_interface.values.images import CachedImage
from nova_virt_interface.values.instance_requests import RescueRequest, UnrescueRequest
from nova_virt_interface.values.instances import Image, SpawnRequest
from nova_virt_interface.values.power import PowerState, StartRequest, StopRequest

__all__ = ["VirtRescuePart"]

_DISK, _DRIVE, _OWN_DRIVE = "rescue", "rescue-config-drive", "config-drive"


class VirtRescuePart:
    """Provides `IRescue`. The rescue disk is the last to come and the first to go."""

    _vms: ReferenceHypervisor

    def cache_image(self, image: Image) -> CachedImage:
        """See `IImageCaching`."""
        raise NotImplementedError

    def rescue(self, instance_uuid: UUID, request: RescueRequest) -> None:
        """See `IRescue`."""
        instance = request.instance
        state = self._vms.get_vm(instance_uuid)
        cached = self.cache_image(request.image)
        size = max(cached.virtual_size_bytes, request.image.min_disk_bytes)
        source = FromImage(image_key=request.image.cache_key)
        disk = DiskSpec(key=_DISK, source=source, size_bytes=size, boot_index=0)
        if _DISK in (state.disk_keys or ()):
            self._attach(instance_uuid, disk)
            self._vms.start_vm(instance_uuid, StartRequest(secrets=instance.secrets))
            return
        self._vms.stop_vm(instance_uuid, StopRequest())
        with undone_by(lambda: self._restore(instance_uuid, instance)):
            if instance.config_drive:
                self._detach(instance_uuid, _OWN_DRIVE)
                drive = config_drive(_DRIVE, instance_uuid, request.metadata)
                self._attach(instance_uuid, drive)
            self._attach(instance_uuid, disk)
            self._vms.start_vm(instance_uuid, StartRequest(secrets=instance.secrets))

    def unrescue(self, instance_uuid: UUID, request: UnrescueRequest) -> None:
        """See `IRescue`."""
        instance = request.instance
        state = self._vms.get_vm(instance_uuid)
        keys = set(state.disk_keys or ())
        if keys & {_DISK, _DRIVE} or (instance.config_drive and _OWN_DRIVE not in keys):
            self._restore(instance_uuid, instance)
        elif state.power_state is PowerState.RUNNING:
            return
        self._vms.start_vm(instance_uuid, StartRequest(secrets=instance.secrets))

    def _restore(self, instance_uuid: UUID, instance: SpawnRequest) -> None:
        self._vms.stop_vm(instance_uuid, StopRequest())
        for key in (_DISK, _DRIVE):
            self._detach(instance_uuid, key)
        if instance.config_drive:
            drive = config_drive(_OWN_DRIVE, instance_uuid, instance.metadata)
            self._attach(instance_uuid, drive)

    def _attach(self, instance_uuid: UUID, disk: DiskSpec) -> None:
        self._vms.attach_disk(instance_uuid, AttachDiskRequest(disk=disk))

    def _detach(self, instance_uuid: UUID, key: str) -> None:
        self._vms.detach_disk(instance_uuid, DetachDiskRequest(key=key))
