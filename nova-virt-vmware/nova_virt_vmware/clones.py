"""Pure functions: disks that are linked clones of cached images, which they depend on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from nova_virt_interface.values.disks import DiskSpec, FromImage
from pyVmomi import vim

from nova_virt_vmware.devices import Slot, capacity_kib, plugged

__all__ = ["CLONES", "added_clone", "clone_marks", "clones_mark", "clones_of", "without_clones"]

CLONES: Final = "nova-virt.clones"
"""The mark that has the images of a VM's linked clones, so that one question about all VMs tells
which images must stay.
"""
_disk = vim.vm.device.VirtualDisk


def clones_of(text: str | None) -> dict[str, str]:
    """Disk key → image key, from the mark."""
    return dict(json.loads(text or "{}"))


def clones_mark(images: Mapping[str, str]) -> dict[str, str]:
    """The mark of these; nothing without any."""
    return {CLONES: json.dumps(images)} if images else {}


def clone_marks(
    specs: Iterable[DiskSpec], cloned: Iterable[str], marks: Mapping[str, str]
) -> dict[str, str]:
    """The mark as it is to be when these clones are there as well; nothing without any."""
    keys = set(cloned)
    added = {
        spec.key: spec.source.image_key
        for spec in specs
        if spec.key in keys and isinstance(spec.source, FromImage)
    }
    return clones_mark(clones_of(marks.get(CLONES)) | added) if added else {}


def without_clones(marks: Mapping[str, str], gone: Iterable[str]) -> dict[str, str]:
    """The mark as it is to be when these disks are no clones any more; nothing if none was."""
    there = clones_of(marks.get(CLONES))
    left = {key: image for key, image in there.items() if key not in set(gone)}
    return {} if left == there else clones_mark(left) or {CLONES: ""}


def added_clone(
    spec: DiskSpec, slot: Slot, controller_key: int, file: str, image: str
) -> vim.vm.device.VirtualDeviceSpec:
    """A disk that has only what differs from an image's, and is made by this change."""
    change: Any = plugged(slot, controller_key, file, capacity_kib(spec.size_bytes))
    parent = _disk.FlatVer2BackingInfo(fileName=image, diskMode="persistent")
    change.device.backing.parent = parent
    change.fileOperation = vim.vm.device.VirtualDeviceSpec.FileOperation.create
    return change
