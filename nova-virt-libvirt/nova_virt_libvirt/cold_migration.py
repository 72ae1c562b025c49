"""Copies a stopped VM's disks to another host: read from one libvirtd, written to the other.

libvirt moves a stopped VM's definition by itself, but not what is on its disks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from lxml import etree
from nova_virt_interface.call import current_call
from nova_virt_interface.values.migration import MigrationPlan

from nova_virt_libvirt.domain_description import DomainDescription
from nova_virt_libvirt.migration_data import VARIABLES, Arrival, unpack
from nova_virt_libvirt.storage import Storage
from nova_virt_libvirt.streams import copy_bytes

__all__ = ["copy_vm"]


def copy_vm(
    connection: Any,
    peer: Any,
    storage: Storage,
    description: DomainDescription,
    arrival: Arrival,
    plan: MigrationPlan,
) -> None:
    """Copy what the plan names, over what is at the destination; tells its progress in bytes."""
    prefix = f"{description.vm_uuid}-copy."
    for name, volume in storage.volumes(connection).items():
        # What a crashed call left.
        if name.startswith(prefix):
            storage.remove(volume)
    progress = _Progress(plan.expected_bytes)
    for disk in description.disks:
        if disk.key in plan.copied_disks and not disk.is_media:
            volume = storage.volume_at(connection, str(disk.path))
            with _whole(connection, storage, volume, f"{prefix}{uuid4().hex}") as whole:
                target = peer.storageVolLookupByPath(_file(arrival.disks[str(disk.key)]))
                copy_bytes(connection, whole, peer, target, progress.add)
    if VARIABLES in unpack(plan.data)["sizes"]:
        volume = storage.volume_at(connection, description.variables)
        target = peer.storageVolLookupByPath(arrival.variables)
        copy_bytes(connection, volume, peer, target, progress.add)


class _Progress:
    """Of all disks together."""

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._done = 0

    def add(self, count: int) -> None:
        """So many bytes more have crossed."""
        self._done += count
        total = None if self._total is None else max(self._total, self._done)
        current_call().progress(self._done, total)


@contextmanager
def _whole(connection: Any, storage: Storage, volume: Any, name: str) -> Iterator[Any]:
    """A volume with all of a disk's content in it: most are laid on an image."""
    described: Any = etree.fromstring(volume.XMLDesc(0))
    if described.findtext("backingStore/path") is None:
        yield volume
        return
    form = described.find("target/format").get("type")
    size = int(described.findtext("capacity"))
    whole = storage.create(connection, name, size, form, copied=volume)
    try:
        yield whole
    finally:
        storage.remove(whole)


def _file(element: str) -> str:
    described: Any = etree.fromstring(element)
    path: str = described.find("source").get("file")
    return path
