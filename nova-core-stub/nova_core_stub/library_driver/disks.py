"""A flavor's disks."""

from __future__ import annotations

from nova_virt_interface.values.disks import Blank, DiskSpec, FromImage, Media
from nova_virt_interface.values.instances import Flavor, Image

__all__ = ["disk_specs"]


def disk_specs(flavor: Flavor, image: Image, config_drive: Media | None) -> tuple[DiskSpec, ...]:
    """The disks of an instance: root, then ephemeral, swap and config drive where it has them.

    Args:
        flavor: how large they are.
        image: what the root disk begins as.
        config_drive: the medium with the instance's metadata.
    """
    root = FromImage(image_key=image.cache_key)
    disks = [DiskSpec(key="root", source=root, size_bytes=flavor.root_bytes, boot_index=0)]
    blank = {"ephemeral": flavor.ephemeral_bytes, "swap": flavor.swap_bytes}
    disks += [
        DiskSpec(key=key, source=Blank(), size_bytes=size) for key, size in blank.items() if size
    ]
    if config_drive is not None:
        disks.append(DiskSpec(key="config-drive", source=config_drive))
    return tuple(disks)
