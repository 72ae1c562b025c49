"""An instance's image: whether flavor and host suit it, and its way into the cache."""

from __future__ import annotations

from typing import Any

from nova_virt_interface.errors import InvalidRequest, Unsupported
from nova_virt_interface.hypervisor.images import IImageCache
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.images import CachedImage, CacheImageRequest, DiskFormat
from nova_virt_interface.values.instances import Flavor, Image

__all__ = ["cache", "check", "ensure"]


def check(hypervisor: object, host: HostDescription, image: Image, flavor: Flavor) -> None:
    """Refuse an image that this host, or this flavor, cannot boot, before anything is touched.

    Raises: Unsupported; InvalidRequest.
    """
    if not IImageCache.providedBy(hypervisor):
        raise Unsupported(
            f"host {host.hostname} caches no images, so that no instance can be made from one",
            remedy="use a host that caches images",
            field="image",
        )
    if image.format not in host.image_formats:
        offered = ", ".join(format_.value for format_ in host.image_formats) or "none"
        raise Unsupported(
            f"host {host.hostname} takes no {image.format.value} images (image {image.image_id})",
            remedy=f"convert the image to a format that it takes: {offered}",
            field="image.format",
        )
    # The bytes of a raw image are the disk's; of any other the cache knows the size of the disk.
    smallest = max(image.min_disk_bytes, image.size_bytes * (image.format is DiskFormat.RAW))
    _fits(flavor.root_bytes, smallest, image, "flavor.root_bytes")
    _fits(flavor.memory_bytes, image.min_memory_bytes, image, "flavor.memory_bytes")


def ensure(hypervisor: Any, image: Image, flavor: Flavor) -> None:
    """Bring an image into the cache if it is not there, and see that the root disk can hold it.

    Raises: InvalidRequest; whatever `IImageCache.cache_image` raises.
    """
    cached = cache(hypervisor, image)
    _fits(flavor.root_bytes, cached.virtual_size_bytes, image, "flavor.root_bytes")


def cache(hypervisor: Any, image: Image) -> CachedImage:
    """Bring an image into the cache if it is not there.

    Raises: whatever `IImageCache.cache_image` raises.
    """
    request = CacheImageRequest(
        key=image.cache_key, format=image.format, size_bytes=image.size_bytes
    )
    return hypervisor.cache_image(request)  # type: ignore[no-any-return]


def _fits(offered: int, needed: int, image: Image, field: str) -> None:
    if offered < needed:
        raise InvalidRequest(
            f"{field} is {offered}, image {image.image_id} needs {needed}",
            remedy="choose a larger flavor, or a smaller image",
            field=field,
        )
