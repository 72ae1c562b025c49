"""Copies a stopped VM's disks to another host: read from one libvirtd, written to the other.

libvirt moves a stopped VM's definition by itself, but not what is on its disks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

import libvirt
from lxml import etree
from nova_virt_interface.call import current_call
from nova_virt_interface.values.migration import MigrationPlan

from nova_virt_libvirt.domain_description import DomainDescription
from nova_virt_libvirt.migration_data import VARIABLES, Arrival, unpack
from nova_virt_libvirt.storage import CHUNK_BYTES, Storage

__all__ = ["copy_vm"]

_HOLE = -3
"""What libvirt-python returns in place of bytes where there are none."""


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
                _send(connection, whole, peer, _file(arrival.disks[str(disk.key)]), progress)
    if VARIABLES in unpack(plan.data)["sizes"]:
        volume = storage.volume_at(connection, description.variables)
        _send(connection, volume, peer, arrival.variables, progress)


class _Progress:
    """Of all disks together."""

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._done = 0

    def add(self, count: int) -> None:
        """So many bytes more have crossed."""
        self._done += count
        call = current_call()
        call.check()
        call.progress(self._done, None if self._total is None else max(self._total, self._done))


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


def _send(connection: Any, volume: Any, peer: Any, path: str, progress: _Progress) -> None:
    target = peer.storageVolLookupByPath(path)
    with _stream(connection) as source, _stream(peer) as sink:
        volume.download(source, 0, 0, libvirt.VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM)
        target.upload(sink, 0, 0, libvirt.VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM)
        while chunk := source.recvFlags(CHUNK_BYTES, libvirt.VIR_STREAM_RECV_STOP_AT_HOLE):
            if chunk == _HOLE:
                sink.sendHole(source.recvHole(0), 0)
                continue
            sent = 0
            while sent < len(chunk):
                sent += sink.send(chunk[sent:])
            progress.add(len(chunk))


@contextmanager
def _stream(connection: Any) -> Iterator[Any]:
    """A stream that has come to its end after the block, or is given up."""
    stream = connection.newStream(0)
    try:
        yield stream
    except BaseException:
        # It may not have begun, or have ended already.
        with suppress(libvirt.libvirtError):
            stream.abort()
        raise
    stream.finish()
