"""An instance as a VM of a host in memory."""

from __future__ import annotations

import json
from uuid import UUID

from nova_virt_interface.errors import InvalidRequest
from nova_virt_interface.values.disks import Blank, DiskSpec, FromImage, Media, MediaFormat
from nova_virt_interface.values.instances import (
    Flavor,
    GuestMetadata,
    Image,
    InstanceVolume,
    Port,
    SpawnRequest,
)
from nova_virt_interface.values.nics import NicSpec
from nova_virt_interface.values.vm import VmSpec

__all__ = ["check_flavor", "config_drive", "nic_spec", "vm_spec"]


def check_flavor(flavor: Flavor, image: Image) -> None:
    """Raise `InvalidRequest` when the image needs more."""
    if flavor.root_bytes < image.min_disk_bytes or flavor.memory_bytes < image.min_memory_bytes:
        raise InvalidRequest(
            f"the flavor is too small for image {image.image_id}",
            remedy="choose a larger flavor",
            field="flavor",
        )


def nic_spec(port: Port) -> NicSpec:
    """The NIC of a port."""
    return NicSpec(
        key=str(port.port_id),
        mac=port.mac,
        backing=port.backing,
        model=port.model,
        mtu_bytes=port.mtu_bytes,
    )


def config_drive(key: str, instance_uuid: UUID, metadata: GuestMetadata) -> DiskSpec:
    """The medium from which the guest reads its metadata: plain JSON."""
    facts = {"uuid": str(instance_uuid), "hostname": metadata.hostname}
    medium = Media(format=MediaFormat.ISO9660, content=json.dumps(facts).encode())
    return DiskSpec(key=key, source=medium)


def vm_spec(instance_uuid: UUID, request: SpawnRequest) -> VmSpec:
    """The VM of an instance. The lowest boot index is left free for a rescue disk."""
    flavor = request.flavor
    disks = []
    if request.image is not None:
        root = FromImage(image_key=request.image.cache_key)
        disks.append(DiskSpec(key="root", source=root, size_bytes=flavor.root_bytes, boot_index=1))
    if flavor.ephemeral_bytes:
        disks.append(DiskSpec(key="ephemeral", source=Blank(), size_bytes=flavor.ephemeral_bytes))
    if flavor.swap_bytes:
        disks.append(DiskSpec(key="swap", source=Blank(), size_bytes=flavor.swap_bytes))
    if request.config_drive:
        disks.append(config_drive("config-drive", instance_uuid, request.metadata))
    return VmSpec(
        name=request.name,
        vcpus=flavor.vcpus,
        memory_bytes=flavor.memory_bytes,
        disks=(*disks, *(_volume_disk(volume) for volume in request.volumes)),
        nics=tuple(nic_spec(port) for port in request.ports),
        settings=request.settings,
        secrets=request.secrets,
    )


def _volume_disk(volume: InstanceVolume) -> DiskSpec:
    return DiskSpec(
        key=str(volume.volume.volume_id),
        source=volume.volume,
        size_bytes=volume.size_bytes,
        boot_index=None if volume.boot_index is None else volume.boot_index + 1,
    )
