"""Reads the image cache out of the pool's volumes; ``volumes`` is always libvirt's, by name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import libvirt
from lxml import etree
from nova_virt_interface.values.images import CachedImage, DiskFormat

from nova_virt_libvirt.errors import is_code
from nova_virt_libvirt.names import ImageName

__all__ = [
    "attempt_volumes",
    "cached_image",
    "is_depended_on",
    "marked",
    "published",
    "stale_uploads",
    "written_at",
]


def published(volumes: Mapping[str, Any]) -> dict[str, list[ImageName]]:
    """The complete copies of each image, by its key; the first is the one that counts."""
    found: dict[str, list[ImageName]] = {}
    for name in sorted(_markers(volumes), key=lambda name: (name.key, name.attempt)):
        if name.volume in volumes:
            found.setdefault(name.key, []).append(name)
    return found


def marked(volumes: Mapping[str, Any], key: str) -> list[ImageName]:
    """The copies of an image that have a marker, also those whose deletion was broken off."""
    return [name for name in _markers(volumes) if name.key == key]


def attempt_volumes(volumes: Mapping[str, Any], wanted: ImageName) -> list[str]:
    """The names of what one upload made, in the order in which to remove it: the marker last, for
    it tells whoever deletes again that there is something left.
    """
    found = [name for name in _names(volumes) if name.attempt == wanted.attempt]
    markers = [name.marker for name in found if name.virtual_size_bytes is not None]
    return [name.volume for name in found if name.virtual_size_bytes is None] + markers


def stale_uploads(volumes: Mapping[str, Any], now: float, age_seconds: float) -> list[str]:
    """The names of uploads that nobody finished and nobody has written to for longer than
    ``age_seconds``, and of markers whose copy is gone.
    """
    complete = {name.volume for copies in published(volumes).values() for name in copies}
    partial = (name.volume for name in _names(volumes) if name.virtual_size_bytes is None)
    stale = [
        name
        for name in partial
        if name not in complete and now - written_at(volumes[name]) > age_seconds
    ]
    return stale + [name.marker for name in _markers(volumes) if name.volume not in volumes]


def cached_image(name: ImageName, volumes: Mapping[str, Any]) -> CachedImage:
    """The contract's word for a complete copy; asks for its size."""
    _, _, allocation = volumes[name.volume].info()
    return CachedImage(
        key=name.key,
        format=DiskFormat(name.format),
        virtual_size_bytes=name.virtual_size_bytes or 0,
        stored_bytes=allocation,
    )


def is_depended_on(volumes: Mapping[str, Any], images: Collection[str]) -> bool:
    """Whether a disk is laid on one of the named image volumes; asks about each volume that is no
    image.
    """
    paths = {volumes[name].path() for name in images if name in volumes}
    disks = (volume for name, volume in volumes.items() if ImageName.parse(name) is None)
    return any(
        etree.fromstring(text).findtext("backingStore/path") in paths
        for text in _definitions(disks)
    )


def written_at(volume: Any) -> float:
    """When a volume was last written to: seconds of the host's clock."""
    return float(etree.fromstring(volume.XMLDesc(0)).findtext("target/timestamps/mtime") or 0)


def _names(volumes: Mapping[str, Any]) -> Iterator[ImageName]:
    return (name for name in map(ImageName.parse, volumes) if name is not None)


def _markers(volumes: Mapping[str, Any]) -> Iterator[ImageName]:
    return (name for name in _names(volumes) if name.virtual_size_bytes is not None)


def _definitions(volumes: Iterator[Any]) -> Iterator[str]:
    for volume in volumes:
        try:
            yield volume.XMLDesc(0)
        except libvirt.libvirtError as error:
            if not is_code(error, libvirt.VIR_ERR_NO_STORAGE_VOL):
                raise
