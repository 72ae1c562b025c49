"""Names that the driver gives to things on the host, and how it reads them back. Pure functions.

Every name is derived from an identity that core chose, so that whatever a crashed call left is
found by name alone.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from uuid import UUID

from nova_virt_interface.values.images import DiskFormat

__all__ = [
    "ImageName",
    "VmFiles",
    "belongs_to",
    "console_file",
    "device_alias",
    "disk_key",
    "disk_volume",
    "domain_name",
    "is_kept",
    "kept_volume",
    "key_of_alias",
    "next_target",
    "original_of",
    "tap_name",
    "variables_file",
]

_ENCRYPTED = "luks-"
"""libvirt makes a name of QEMU's of an encrypted volume's, which must not begin with a digit."""
_DISK = re.compile(
    rf"(?:{_ENCRYPTED})?"
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-([a-z0-9-]+)\.[a-z0-9]+"
)
_IMAGE = re.compile(
    r"image-(?P<key>[a-z0-9-]+)\.(?P<attempt>[0-9a-f]{32})\.(?P<format>[a-z0-9]+)"
    r"(?:\.(?P<size>[0-9]+)\.ready)?"
)
_KEPT = ".before-resize"


def domain_name(owner: str, vm_uuid: UUID) -> str:
    """The libvirt name of a new VM. Nothing is ever found by it."""
    return f"{owner}-{vm_uuid}"


def disk_volume(vm_uuid: UUID, key: str, extension: str, *, is_encrypted: bool = False) -> str:
    """The volume of one disk."""
    return f"{_ENCRYPTED * is_encrypted}{vm_uuid}-{key}.{extension}"


def kept_volume(volume: str) -> str:
    """The copy of a volume as it was before a resize; it is no disk volume itself."""
    return f"{volume}{_KEPT}"


def is_kept(volume: str) -> bool:
    """Whether a volume is such a copy."""
    return volume.endswith(_KEPT)


def original_of(kept: str) -> str:
    """The volume that such a copy is of."""
    return kept.removesuffix(_KEPT)


def disk_key(path: str) -> str | None:
    """The key of the disk that is stored at ``path``; None if it is no disk volume."""
    found = _DISK.fullmatch(path.rpartition("/")[2])
    return found.group(2) if found else None


def belongs_to(volume: str, vm_uuid: UUID) -> bool:
    """Whether a volume was made for this VM."""
    return volume.removeprefix(_ENCRYPTED).startswith(f"{vm_uuid}-")


def console_file(vm_uuid: UUID) -> str:
    """The newest file of a console log; rotated ones have ``.0``, ``.1`` … appended, the oldest
    last.
    """
    return f"{vm_uuid}-console.log"


def variables_file(vm_uuid: UUID) -> str:
    """The variables of a VM's UEFI. No disk's name has two dots."""
    return f"{vm_uuid}-uefi.variables.fd"


@dataclass(frozen=True, kw_only=True)
class VmFiles:
    """Where a VM has what are no disks of it."""

    console: str | None = None
    """The serial console's log; None if the host records none."""
    variables: str
    """Of its UEFI, if it has that."""


@dataclass(frozen=True, order=True)
class ImageName:
    """A volume of the image cache: the image itself, or the empty marker that publishes it.

    An upload gets a name of its own (``attempt``), for libvirt cannot rename a volume: the image is
    in the cache once the marker exists, which carries the image's virtual size.
    """

    key: str
    attempt: str
    format: str
    virtual_size_bytes: int | None = None
    """None in the image's name, given in the marker's."""

    @classmethod
    def parse(cls, volume: str) -> ImageName | None:
        """Read a volume's name; None if it is not the cache's."""
        found = _IMAGE.fullmatch(volume)
        if found is None or found["format"] not in {known.value for known in DiskFormat}:
            return None
        size = None if found["size"] is None else int(found["size"])
        return cls(found["key"], found["attempt"], found["format"], size)

    @property
    def volume(self) -> str:
        """The volume with the image's bytes."""
        return f"image-{self.key}.{self.attempt}.{self.format}"

    @property
    def marker(self) -> str:
        """The volume that publishes it."""
        return f"{self.volume}.{self.virtual_size_bytes}.ready"


def device_alias(kind: str, key: str) -> str:
    """The alias of a ``disk``, ``nic`` or ``tpm``; libvirt keeps those that begin with ``ua-``."""
    return f"ua-{kind}-{key}"


def key_of_alias(kind: str, alias: str | None) -> str | None:
    """The key in an alias; None if the driver did not give it."""
    prefix = device_alias(kind, "")
    return alias[len(prefix) :] if alias is not None and alias.startswith(prefix) else None


def tap_name(vm_uuid: UUID, key: str) -> str:
    """The host's device of a NIC: a digest, because Linux takes 15 characters."""
    digest = hashlib.sha256(f"{vm_uuid}/{key}".encode()).digest()
    return "nv" + base64.b32encode(digest).decode().lower()[:13]


def next_target(prefix: str, taken: set[str]) -> str:
    """The first free device name of a bus: ``vda``, ``vdb`` and so on, after ``vdz`` ``vdaa``."""
    number = 0
    while (name := prefix + _letters(number)) in taken:
        number += 1
    return name


def _letters(number: int) -> str:
    text = ""
    while number >= 0:
        text = chr(ord("a") + number % 26) + text
        number = number // 26 - 1
    return text
