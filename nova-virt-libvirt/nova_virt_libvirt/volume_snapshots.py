"""Snapshots of volumes that are files, made and deleted while VMs have them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import libvirt
from lxml import etree
from lxml.builder import E
from nova_virt_interface import offers
from nova_virt_interface.errors import Conflict, Resource, Unsupported
from nova_virt_interface.states import require_state
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.volumes import (
    CreateVolumeSnapshotRequest,
    DeleteVolumeSnapshotRequest,
    FileVolume,
)

from nova_virt_libvirt.block_jobs import begun, finished, mirrored, pivot
from nova_virt_libvirt.capabilities import Capabilities
from nova_virt_libvirt.domain_description import AttachedDisk, DomainDescription
from nova_virt_libvirt.domains import Domains, domain_state
from nova_virt_libvirt.mark import Mark, Snapshot
from nova_virt_libvirt.session import Session

__all__ = ["VolumeSnapshots"]

_CREATE = (
    libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY
    | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA
    | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT
)


class VolumeSnapshots:
    """See `IVolumeSnapshots`.

    The mark tells of a snapshot before it is made, and until its deletion is complete: what was
    broken off in between is found again.
    """

    def __init__(self, session: Session, domains: Domains, host: Capabilities) -> None:
        self._session = session
        self._domains = domains
        self._host = host

    def create_volume_snapshot(self, vm_uuid: UUID, request: CreateVolumeSnapshotRequest) -> None:
        """See `IVolumeSnapshots.create_volume_snapshot`."""
        overlay = request.overlay
        if not isinstance(overlay, FileVolume):
            offers.check_offered(
                offers.protocol_of(overlay), self._host.description.volume_protocols, "overlay"
            )
        with self._session.use(about=f"volume at {overlay.path}", changing=True) as connection:
            domain, description, mark = self._domains.ours(connection, vm_uuid)
            disk = description.disk(request.key)
            if not disk.is_volume or disk.path is None or not disk.is_file:
                raise Unsupported(
                    f"disk {request.key} is no volume that is a file",
                    remedy="let the volume's service make the snapshot",
                    field="key",
                )
            made = _made(mark, disk)
            known = made.snapshot(request.key, request.snapshot_id)
            if known is not None:
                _require_overlay(request, known)
                return
            require_state(vm_uuid, domain_state(domain), PowerState.RUNNING, PowerState.PAUSED)
            snapshot = Snapshot(
                disk=request.key,
                snapshot_id=str(request.snapshot_id),
                file=disk.path,
                overlay=overlay.path,
            )
            self._domains.set_mark(domain, made.with_snapshots((*made.snapshots, snapshot)))
            domain.snapshotCreateXML(_snapshot_xml(description, disk, overlay), _CREATE)

    def delete_volume_snapshot(self, vm_uuid: UUID, request: DeleteVolumeSnapshotRequest) -> None:
        """See `IVolumeSnapshots.delete_volume_snapshot`."""
        about = f"disk {request.key} of VM {vm_uuid}"
        with self._session.use(about=about, changing=True) as connection:
            domain, description, mark = self._domains.ours(connection, vm_uuid)
            disk = description.disk(request.key)
            require_state(vm_uuid, domain_state(domain), PowerState.RUNNING, PowerState.PAUSED)
            known = mark.snapshot(request.key, request.snapshot_id)
            if known is None:
                return
            later = mark.built_on(known)
            if later is None:
                _merge_into_active(domain, disk, known.file)
            else:
                _merge(domain, disk.target, later.file, known.file)
            rest = [item for item in mark.snapshots if item is not known]
            if later is not None:
                rest[rest.index(later)] = later.moved_to(known.file)
            self._domains.set_mark(domain, mark.with_snapshots(tuple(rest)))


def _made(mark: Mark, disk: AttachedDisk) -> Mark:
    """The mark without a snapshot that was never made: the disk itself is still what is to be its
    content.
    """
    return mark.with_snapshots(
        tuple(item for item in mark.snapshots if (item.disk, item.file) != (disk.key, disk.path))
    )


def _merge_into_active(domain: Any, disk: AttachedDisk, kept: str) -> None:
    if disk.path == kept:
        return
    flags = libvirt.VIR_DOMAIN_BLOCK_COMMIT_ACTIVE
    mirrored(domain, disk.target, lambda: domain.blockCommit(disk.target, kept, None, 0, flags))
    pivot(domain, disk.target)


def _merge(domain: Any, target: str, merged: str, kept: str) -> None:
    below = f"devices/disk/target[@dev='{target}']/../backingStore//source"
    chain = etree.fromstring(domain.XMLDesc(0)).iterfind(below)
    if merged not in {source.get("file") for source in chain}:
        return
    begun(domain, target, lambda: domain.blockCommit(target, kept, merged, 0, 0))
    finished(domain, target)


def _snapshot_xml(description: DomainDescription, disk: AttachedDisk, overlay: Any) -> str:
    disks = E.disks()
    for other in description.disks:
        element = E.disk(name=other.target, snapshot="no")
        if other is disk:
            source = E.source(file=overlay.path)
            element = E.disk(E.driver(type=overlay.format.value), source, name=disk.target)
            element.set("snapshot", "external")
            element.set("type", "file")
        disks.append(element)
    return etree.tostring(E.domainsnapshot(disks), encoding="unicode")


def _require_overlay(request: CreateVolumeSnapshotRequest, known: Snapshot) -> None:
    if known.overlay != request.overlay.path:
        raise Conflict(
            f"snapshot {request.snapshot_id} has the file {known.overlay}",
            resource=Resource.VOLUME,
            name=str(request.snapshot_id),
            remedy="delete it first, or use another id",
        )
