"""Optional: images that are brought to a node ahead of time, and removed when nobody needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.images import CachedImage, DeleteImageRequest
    from nova_virt_interface.values.instances import Image

__all__ = ["IImageCaching"]


class IImageCaching(Interface):
    """A node that keeps images for the instances to come."""

    taggedValue("since", "1.0")

    def cache_image(image: Image) -> CachedImage:
        """Bring an image to the node; see `IImageCache.cache_image`."""

    def list_cached_images() -> tuple[CachedImage, ...]:
        """Say which images are on the node; see `IImageCache.list_cached_images`."""

    def delete_cached_image(request: DeleteImageRequest) -> None:
        """Remove an image; see `IImageCache.delete_cached_image`. Its key is `Image.cache_key`."""
