"""An instance's disks: those of its flavor, and its volumes."""

from __future__ import annotations

from typing import Final

from nova_virt_interface.values.disks import Blank, DiskSpec, FromImage, Media
from nova_virt_interface.values.instances import InstanceVolume, SpawnRequest

__all__ = ["CONFIG_DRIVE", "local_disks", "volume_disk"]

CONFIG_DRIVE: Final = "config-drive"
"""The key of the medium with the instance's metadata."""


def _after_rescue(boot_index: int) -> int:
    # 0 stays free for the disk of a rescue, which has to come first (rule DISK-9).
    return boot_index + 1


def local_disks(request: SpawnRequest, config_drive: Media | None) -> tuple[DiskSpec, ...]:
    """The disks that the host keeps: root, ephemeral, swap and config drive, where there are such.

    Args:
        request: the instance.
        config_drive: the medium with the instance's metadata.
    """
    flavor, encryption = request.flavor, request.encryption
    disks = []
    if request.image is not None:
        root = DiskSpec(
            key="root",
            source=FromImage(image_key=request.image.cache_key),
            size_bytes=flavor.root_bytes,
            boot_index=_after_rescue(0),
            encryption=encryption,
        )
        disks.append(root)
    blank = {"ephemeral": flavor.ephemeral_bytes, "swap": flavor.swap_bytes}
    disks += [
        DiskSpec(key=key, source=Blank(), size_bytes=size, encryption=encryption)
        for key, size in blank.items()
        if size
    ]
    if config_drive is not None:
        disks.append(DiskSpec(key=CONFIG_DRIVE, source=config_drive))
    return tuple(disks)


def volume_disk(volume: InstanceVolume) -> DiskSpec:
    """The disk of a volume; its key, and what the guest reads as its serial number, is the
    volume's id.
    """
    volume_id = str(volume.volume.volume_id)
    return DiskSpec(
        key=volume_id,
        source=volume.volume,
        size_bytes=volume.size_bytes,
        bus=volume.bus,
        boot_index=None if volume.boot_index is None else _after_rescue(volume.boot_index),
        limits=volume.limits,
        serial=volume_id,
    )
