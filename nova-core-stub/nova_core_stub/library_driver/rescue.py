"""Instances that do not boot any more: booted from another image, with their own disks beside it.

How far a rescue has come is seen by which disks the VM has, so that whoever asks again after a
crash goes on from there:

========================  =================================================
The VM has                and so
========================  =================================================
its own config drive      it is not in rescue
no config drive           a rescue, or its end, has begun
the rescue's drive        the same
the rescue's disk         it is in rescue; only the start may be to come
========================  =================================================

The rescue's disk is the last to come and the first to go, and nothing changes while the VM runs.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, Final
from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.errors import Conflict, Resource
from nova_virt_interface.hypervisor.disks import IDiskHotplug
from nova_virt_interface.hypervisor.images import IImageCache
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    DetachDiskRequest,
    DiskSpec,
    FromImage,
)
from nova_virt_interface.values.instance_requests import RescueRequest, UnrescueRequest
from nova_virt_interface.values.instances import SpawnRequest
from nova_virt_interface.values.power import PowerState, StartRequest, StopRequest
from nova_virt_interface.virt_driver.rescue import IRescue

from nova_core_stub.library_driver import config_drive, images
from nova_core_stub.library_driver.disks import CONFIG_DRIVE

__all__ = ["RescueMixin", "offered"]

_DISK: Final = "rescue"
_DRIVE: Final = "rescue-config-drive"


def offered(hypervisor: object) -> tuple[Any, ...]:
    """`IRescue`, where the hypervisor can do all that it takes."""
    needed = (IDiskHotplug, IImageCache)
    return (IRescue,) if all(one.providedBy(hypervisor) for one in needed) else ()


class RescueMixin:
    """`IRescue`, over `IDiskHotplug` and `IImageCache`."""

    _hypervisor: Any

    def rescue(self, instance_uuid: UUID, request: RescueRequest) -> None:
        """See `IRescue`."""
        state = self._hypervisor.get_vm(instance_uuid)
        disks = self._rescue_disks(instance_uuid, request)
        start = StartRequest(secrets=request.instance.secrets)
        if _DISK in state.disk_keys:
            self._require_equal(instance_uuid, disks[-1])
            self._hypervisor.start_vm(instance_uuid, start)
            return
        with undone_by(functools.partial(self._end_rescue, instance_uuid, request.instance)):
            self._hypervisor.stop_vm(instance_uuid, StopRequest())
            if request.instance.config_drive:
                self._detach(instance_uuid, CONFIG_DRIVE)
            for disk in disks:
                self._attach(instance_uuid, disk)
            self._hypervisor.start_vm(instance_uuid, start)

    def unrescue(self, instance_uuid: UUID, request: UnrescueRequest) -> None:
        """See `IRescue`."""
        instance = request.instance
        state = self._hypervisor.get_vm(instance_uuid)
        keys = set(state.disk_keys)
        if keys & {_DISK, _DRIVE} or (instance.config_drive and CONFIG_DRIVE not in keys):
            self._end_rescue(instance_uuid, instance)
        elif state.power_state is PowerState.RUNNING:
            return
        self._hypervisor.start_vm(instance_uuid, StartRequest(secrets=instance.secrets))

    def _rescue_disks(self, instance_uuid: UUID, request: RescueRequest) -> list[DiskSpec]:
        host = self._hypervisor.describe()
        offers.check_offered(request.image.format, host.image_formats, "image.format")
        drives = []
        if request.instance.config_drive:
            config_drive.check(host)
            told = dataclasses.replace(request.instance, metadata=request.metadata)
            medium = config_drive.build(instance_uuid, told)
            drives.append(DiskSpec(key=_DRIVE, source=medium))
        cached = images.cache(self._hypervisor, request.image)
        disk = DiskSpec(
            key=_DISK,
            source=FromImage(image_key=request.image.cache_key),
            size_bytes=max(cached.virtual_size_bytes, request.image.min_disk_bytes),
            boot_index=0,
        )
        return [*drives, disk]

    def _require_equal(self, instance_uuid: UUID, disk: DiskSpec) -> None:
        try:
            self._attach(instance_uuid, disk)
        except Conflict as error:
            raise Conflict(
                f"instance {instance_uuid} is in a rescue from another image",
                remedy="unrescue it first",
                resource=Resource.VM,
                name=str(instance_uuid),
            ) from error

    def _end_rescue(self, instance_uuid: UUID, instance: SpawnRequest) -> None:
        self._hypervisor.stop_vm(instance_uuid, StopRequest())
        for key in (_DISK, _DRIVE):
            self._detach(instance_uuid, key)
        if instance.config_drive:
            medium = config_drive.build(instance_uuid, instance)
            self._attach(instance_uuid, DiskSpec(key=CONFIG_DRIVE, source=medium))

    def _attach(self, instance_uuid: UUID, disk: DiskSpec) -> None:
        self._hypervisor.attach_disk(instance_uuid, AttachDiskRequest(disk=disk))

    def _detach(self, instance_uuid: UUID, key: str) -> None:
        self._hypervisor.detach_disk(instance_uuid, DetachDiskRequest(key=key))
