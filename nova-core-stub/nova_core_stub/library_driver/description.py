"""An instance as a VM: the whole description, from flavor, image, ports, volumes and metadata."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.values.disks import DiskSpec, Media
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.instances import InstanceVolume, SpawnRequest
from nova_virt_interface.values.vm import VmSpec

from nova_core_stub.library_driver import config_drive, images
from nova_core_stub.library_driver.disks import local_disks, volume_disk
from nova_core_stub.library_driver.nics import nic_spec

__all__ = ["vm_spec"]


def vm_spec(hypervisor: Any, instance_uuid: UUID, request: SpawnRequest) -> VmSpec:
    """Describe the VM, and check all that can be checked without touching anything.

    Raises: InvalidRequest; Unsupported.
    """
    host = hypervisor.describe()
    if request.image is not None:
        images.check(hypervisor, host, request.image, request.flavor)
    medium = None
    if request.config_drive:
        config_drive.check(host)
        medium = config_drive.build(instance_uuid, request)
    spec = VmSpec(
        name=request.name,
        vcpus=request.flavor.vcpus,
        memory_bytes=request.flavor.memory_bytes,
        disks=_disks(request, medium, host),
        nics=tuple(nic_spec(port) for port in request.ports),
        settings=request.settings,
        secrets=request.secrets,
    )
    offers.check_vm(spec, host)
    return spec


def _disks(
    request: SpawnRequest, medium: Media | None, host: HostDescription
) -> tuple[DiskSpec, ...]:
    volumes: tuple[InstanceVolume, ...] = request.volumes
    return (*local_disks(request, medium), *(volume_disk(volume, host) for volume in volumes))
