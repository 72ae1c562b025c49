"""Optional: the hypervisor's cache of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.images import CachedImage, CacheImageRequest, DeleteImageRequest

__all__ = ["IImageCache"]


class IImageCache(Interface):
    """A hypervisor that keeps images, so that many VMs can begin as one of them.

    [IMG-2] There is at most one copy of an image in a cache, however many VMs use it and however
    many ask at once.
    [IMG-3] The bytes flow from `IImageSource` through the driver to the host, once. A driver
    converts where the host needs another format than the image has; core never does.
    """

    taggedValue("since", "1.0")

    def cache_image(request: CacheImageRequest) -> CachedImage:
        """Bring an image into the cache.

        [IMG-4] An image that is in the cache already is not read from the source again.
        [IMG-5] An image can be seen in the cache only once it is complete and the source has
        confirmed its end; what a failed call wrote is removed, and what a crashed one wrote is not
        in the way.

        Blocking: as long as it takes to move the bytes; tells its progress in bytes.

        Raises: Unsupported (format); InsufficientResources (storage); ImageCorrupt (not an image of
        this format, or as the source says); NotFound (image); whatever else the source raises.
        """

    def list_cached_images() -> tuple[CachedImage, ...]:
        """Say which images are in the cache, in any order."""

    def delete_cached_image(request: DeleteImageRequest) -> None:
        """Remove an image from the cache.

        [IMG-6] Removing what is not there succeeds. An image that the disk of a VM depends on
        stays, with `Conflict`; a disk that is a full copy depends on nothing.

        Raises: Conflict (image).
        """
