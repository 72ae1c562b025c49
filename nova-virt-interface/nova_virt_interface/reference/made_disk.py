"""Pure functions between the contract's disks and those of a host in memory."""

from __future__ import annotations

from collections.abc import Mapping

from nova_virt_interface import offers
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import InvalidRequest, NotFound, Resource
from nova_virt_interface.reference.disk import Disk
from nova_virt_interface.reference.host import Image
from nova_virt_interface.reference.host_storage import unlock
from nova_virt_interface.reference.volume_address import address_of
from nova_virt_interface.values.disks import DiskLimits, DiskSpec, FromImage, Imported, Media
from nova_virt_interface.values.secrets import DeviceSecret
from nova_virt_interface.values.volumes import Volume

__all__ = [
    "imported_name",
    "limits_of",
    "made_disk",
    "origin",
    "passphrases",
    "volume_of",
]


def made_disk(
    spec: DiskSpec, images: Mapping[str, Image], secrets: tuple[DeviceSecret, ...] = ()
) -> Disk:
    """The disk that the host is to make.

    Args:
        spec: of the disk.
        images: all that it may begin as: images by key, and imports by `imported_name`. An import
            that is missing is of a disk whose content comes by another way.
        secrets: its own, and others.
    """
    source = spec.source
    made = Disk(
        size_bytes=spec.size_bytes or 0,
        boot_index=spec.boot_index,
        digest=spec_digest(spec),
        origin=origin(spec),
        encrypted=spec.encryption is not None,
        limits=limits_of(spec.limits),
        serial=spec.serial,
        secrets=frozenset(purpose.value for _, purpose in offers.secrets_of_disk(spec)),
    )
    if isinstance(source, Volume):
        volume_of(source, made)
    unlock(made, spec.key, passphrases(secrets))
    if isinstance(source, Media):
        made.content, made.size_bytes, made.read_only = source.content, len(source.content), True
    elif not isinstance(source, Volume):
        made.fill(_first_content(spec, made, images))
    return made


def _first_content(spec: DiskSpec, made: Disk, images: Mapping[str, Image]) -> bytes:
    source, content = spec.source, b""
    if isinstance(source, Imported) and imported_name(source) in images:
        content = images[imported_name(source)].content
    elif isinstance(source, FromImage):
        made.image_key = source.image_key
        if made.image_key not in images:
            name = made.image_key
            raise NotFound(f"image {name} is not in the cache", resource=Resource.IMAGE, name=name)
        content = images[made.image_key].content
    if made.size_bytes < len(content):
        raise InvalidRequest(
            f"disk {spec.key} of {made.size_bytes} bytes is smaller than its content "
            f"of {len(content)}",
            remedy="ask for a larger disk, or use a smaller image",
            field=f"disks[{spec.key}].size_bytes",
        )
    return content


def imported_name(source: Imported) -> str:
    """A name that is no image's key."""
    return f"import {source.key}"


def origin(spec: DiskSpec) -> str:
    """Digest of what a disk keeps for its life, whatever its size and place."""
    return ":".join(spec_digest(part) for part in (spec.source, spec.format, spec.encryption))


def limits_of(limits: DiskLimits | None) -> tuple[int | None, int | None]:
    """Bytes and requests per second."""
    return (None, None) if limits is None else (limits.bytes_per_second, limits.requests_per_second)


def passphrases(secrets: tuple[DeviceSecret, ...]) -> dict[tuple[str, str], bytes]:
    """The secrets as the host takes them."""
    return {(item.key, item.purpose.value): item.secret.reveal() for item in secrets}


def volume_of(volume: Volume, disk: Disk) -> Disk:
    """The disk, with its content in a volume."""
    disk.volume = address_of(volume.connection)
    disk.encrypted = volume.encryption is not None
    disk.write_protected = volume.read_only
    return disk
