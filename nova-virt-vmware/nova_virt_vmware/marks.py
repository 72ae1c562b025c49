"""Pure functions: what a VM keeps in its extra configuration about its disks, and about what it was
before a resize that is pending.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from nova_virt_interface.digest import spec_digest
from nova_virt_interface.values.disks import DiskSpec, Media

from nova_virt_vmware.devices import Slot, at_slot
from nova_virt_vmware.translate import DISK

__all__ = [
    "KEPT",
    "DiskMark",
    "KeptDisk",
    "boot_keys",
    "disk_mark",
    "disk_marks",
    "kept_disks",
    "kept_nics",
]

KEPT = "nova-virt.kept."
"""Begins all marks of what is kept; ``vm`` is the VM itself, ``disk.`` and ``nic.`` its devices."""


class DiskMark(NamedTuple):
    """Where a disk is, what it was made from, of what its content is, and when it is booted."""

    slot: Slot
    digest: str
    content: str
    boot_index: int | None

    def __str__(self) -> str:
        index = "-" if self.boot_index is None else self.boot_index
        return f"{self.slot} {self.digest} {self.content} {index}"

    @classmethod
    def parse(cls, text: str) -> DiskMark:
        """Read what ``str`` made."""
        slot, digest, content, index = text.split(" ")
        return cls(Slot.parse(slot), digest, content, None if index == "-" else int(index))


def disk_mark(spec: DiskSpec, slot: Slot) -> DiskMark:
    """The mark of a disk. Its size, bus and order may change, its content is another disk's."""
    is_media = isinstance(spec.source, Media)
    content = replace(spec, size_bytes=None if is_media else 1, bus=None, boot_index=None)
    return DiskMark(slot, spec_digest(spec), spec_digest(content), spec.boot_index)


def disk_marks(marks: Mapping[str, str]) -> dict[str, DiskMark]:
    """Key → mark of all disks and media that the VM has."""
    return {
        name.removeprefix(DISK): DiskMark.parse(text)
        for name, text in marks.items()
        if name.startswith(DISK)
    }


def boot_keys(marks: Mapping[str, str], hardware: Sequence[Any]) -> list[int]:
    """Device keys of the disks that are booted, the first to be tried first."""
    found = [mark for mark in disk_marks(marks).values() if mark.boot_index is not None]
    found.sort(key=lambda mark: mark.boot_index or 0)
    devices = (at_slot(hardware, mark.slot) for mark in found)
    return [device.key for device in devices if device is not None]


class KeptDisk(NamedTuple):
    """A disk or medium as it was."""

    mark: DiskMark
    size_kib: int
    file: str

    def __str__(self) -> str:
        return json.dumps([str(self.mark), self.size_kib, self.file])

    @classmethod
    def parse(cls, text: str) -> KeptDisk:
        """Read what ``str`` made."""
        mark, size_kib, file = json.loads(text)
        return cls(DiskMark.parse(mark), size_kib, file)

    @classmethod
    def of(cls, mark: DiskMark, device: Any) -> KeptDisk:
        """What is kept of a device; a medium has no size."""
        return cls(mark, getattr(device, "capacityInKB", 0) or 0, device.backing.fileName)


def kept_disks(marks: Mapping[str, str]) -> dict[str, KeptDisk]:
    """Key → disk or medium as it was."""
    prefix = f"{KEPT}disk."
    return {
        name.removeprefix(prefix): KeptDisk.parse(text)
        for name, text in marks.items()
        if name.startswith(prefix)
    }


def kept_nics(marks: Mapping[str, str]) -> dict[str, Any]:
    """Key → NIC as it was."""
    prefix = f"{KEPT}nic."
    return {
        name.removeprefix(prefix): json.loads(text)
        for name, text in marks.items()
        if name.startswith(prefix)
    }
