"""The mark of ownership in a VM's notes, and the names by which its devices and files are known."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from uuid import UUID

from nova_virt_interface.digest import spec_digest
from nova_virt_interface.values.disks import DiskSpec, FromImage, Imported, Media
from nova_virt_interface.values.nics import NicSpec
from nova_virt_interface.values.volumes import Volume

__all__ = [
    "UNIT",
    "Copied",
    "DeviceName",
    "DiskName",
    "Mark",
    "disk_pattern",
    "file_name",
    "image_tag",
    "is_fork",
    "whole",
]

_MARK = re.compile(
    r"\[nova-virt owner=(?P<owner>[a-z0-9-]+) uuid=(?P<uuid>[0-9a-f-]{36})"
    r" vm=(?P<vm>[0-9A-F-]{36}) spec=(?P<spec>[0-9a-f]{64})?\]"
)
_COPIED = re.compile(r"\[nova-virt-copied by=([0-9a-f]+) at=([^ \]]*) disks=([a-z0-9,-]*)\]")
_DEVICE = re.compile(r"nova-virt ([a-z0-9-]+) ([0-9a-f]{32})(?: boot-([0-9]+))?")
_DIGITS = 32
_TAG_DIGITS = 16
_NO_IMAGE = "0" * _TAG_DIGITS
# Begins the tag of a copy that depends on no image.
WHOLE = "whole-"
# The kind of the file that says which logical unit a disk is.
UNIT = "unit"


@dataclass(frozen=True)
class Mark:
    """Says whose a VM is. It stands in the notes beside whatever an operator wrote there.

    It names the host's own GUID of the VM, too: a VM that an operator made by copying one of ours
    has a copy of the mark, but another GUID.
    """

    owner: str
    uuid: UUID
    vm: str
    """The host's GUID of the VM; another one, by which it is recognised, until it is complete."""
    spec: str = ""
    """The digest of the spec; empty until the VM is complete."""

    def __str__(self) -> str:
        return f"[nova-virt owner={self.owner} uuid={self.uuid} vm={self.vm} spec={self.spec}]"

    def is_of(self, guid: str) -> bool:
        """Whether this is the mark of the VM with this GUID, not a copy of it."""
        return not self.spec or self.vm == guid.upper()

    @classmethod
    def read(cls, notes: str) -> Mark | None:
        """Find the mark in notes."""
        match = _MARK.search(notes)
        if match is None:
            return None
        return cls(match["owner"], UUID(match["uuid"]), match["vm"], match["spec"] or "")


@dataclass(frozen=True)
class Copied:
    """Says in a stopped VM's notes that a cold migration has copied it."""

    token: str
    state: str
    """When the VM's state had changed last."""
    disks: tuple[str, ...]
    """Keys of those that were copied; the others both hosts see."""

    def __str__(self) -> str:
        return f"[nova-virt-copied by={self.token} at={self.state} disks={','.join(self.disks)}]"

    @classmethod
    def read(cls, notes: str) -> Copied | None:
        """Find it in notes."""
        match = _COPIED.search(notes)
        if match is None:
            return None
        return cls(match[1], match[2], tuple(filter(None, match[3].split(","))))


@dataclass(frozen=True)
class DiskName:
    """The name of a disk's file: it says which disk of which VM it is, of which spec and image."""

    vm_uuid: UUID
    key: str
    digest: str
    image: str
    extension: str

    @classmethod
    def of(cls, vm_uuid: UUID, spec: DiskSpec) -> DiskName:
        """The name for a disk."""
        extension = "iso" if isinstance(spec.source, Media) else "vhdx"
        if isinstance(spec.source, Volume):
            extension = UNIT
        return cls(vm_uuid, spec.key, spec_digest(spec)[:_DIGITS], _source_tag(spec), extension)

    def has_source_of(self, spec: DiskSpec) -> bool:
        """Whether a disk of this spec begins as this one did."""
        is_media = isinstance(spec.source, Media)
        # A checkpoint adds its own name behind the tag, a copy that stands alone a word before it.
        tag = self.image.partition("_")[0].removeprefix(WHOLE)
        return tag == _source_tag(spec) and is_media == (self.extension == "iso")

    @classmethod
    def read(cls, path: str) -> DiskName | None:
        """Read it from a path on the host; None if it is no such name."""
        parts = path.rpartition("\\")[2].lower().split(".")
        if len(parts) != len(("vm", "key", "digest", "image", "extension")):
            return None
        try:
            return cls(UUID(parts[0]), *parts[1:])
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.vm_uuid}.{self.key}.{self.digest}.{self.image}.{self.extension}"


def _source_tag(spec: DiskSpec) -> str:
    if isinstance(spec.source, FromImage):
        return image_tag(spec.source.image_key)
    if isinstance(spec.source, Imported):
        return hashlib.sha256(b"imported " + spec.source.key.encode()).hexdigest()[:_TAG_DIGITS]
    return _NO_IMAGE


def disk_pattern(*, vm_uuid: UUID | None = None, key: str = "*", image_key: str = "") -> str:
    """A pattern for the names of the files of a VM, of one of its disks, or of an image's users."""
    tag = image_tag(image_key) if image_key else "*"
    return f"{vm_uuid or '*'}.{key}.*.{tag}.*"


def file_name(path: str) -> str:
    """The last part of a path on the host."""
    return path.rpartition("\\")[2]


def whole(name: str) -> str:
    """The name of a copy of a disk's file that stands alone."""
    parts = name.split(".")
    parts[3] = WHOLE + parts[3].removeprefix(WHOLE)
    return ".".join(parts)


def is_fork(path: str) -> bool:
    """Whether a file is one in which a disk goes on after a checkpoint."""
    return path.lower().endswith(".avhdx")


def image_tag(image_key: str) -> str:
    """A short name of an image, for the names of the disks that depend on it."""
    return hashlib.sha256(image_key.encode()).hexdigest()[:_TAG_DIGITS]


@dataclass(frozen=True)
class DeviceName:
    """The element name of a NIC or of a disk's drive: which it is, and of which spec."""

    key: str
    digest: str
    boot_index: int | None = None
    """Of a disk: when the firmware tries it."""

    @classmethod
    def of(cls, spec: NicSpec | DiskSpec) -> DeviceName:
        """The name for a device."""
        boot_index = spec.boot_index if isinstance(spec, DiskSpec) else None
        return cls(spec.key, spec_digest(spec)[:_DIGITS], boot_index)

    def is_of(self, spec: NicSpec | DiskSpec) -> bool:
        """Whether the device is of this spec."""
        return self == DeviceName.of(spec)

    @classmethod
    def read(cls, name: str) -> DeviceName | None:
        """Read it from an element name; None if it is no such name."""
        match = _DEVICE.fullmatch(name)
        if match is None:
            return None
        return cls(match[1], match[2], int(match[3]) if match[3] else None)

    def __str__(self) -> str:
        boots = "" if self.boot_index is None else f" boot-{self.boot_index}"
        return f"nova-virt {self.key} {self.digest}{boots}"
