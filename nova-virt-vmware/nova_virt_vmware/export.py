"""Disks that leave as images: a copy is made on the datastore, read by HTTPS, and removed.

While a VM runs its disks are locked, but for those beneath a snapshot: there is one for as long as
the copy takes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.call import current_call
from nova_virt_interface.errors import BackendError, PeerUnreachable, Resource, Unsupported
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.services import IImageWriter, IServices
from nova_virt_interface.values.export import Consistency, ExportDiskRequest, ExportedDisk
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.power import PowerState
from pyVmomi import vim

from nova_virt_vmware import devices, translate
from nova_virt_vmware.datastore import Datastore
from nova_virt_vmware.disks import Disks
from nova_virt_vmware.leases import Leases
from nova_virt_vmware.session import Session
from nova_virt_vmware.translate import marks
from nova_virt_vmware.vms import Found, Vms
from nova_virt_vmware.volume_marks import VOLUMES, volumes_of

__all__ = ["Export"]

_MIB = 1024 * 1024
_TOOLS = "guest.toolsRunningStatus"
_PATHS = [*translate.POWER_PATHS, "config.extraConfig", "config.hardware.device", _TOOLS]
_SNAPSHOT = "nova-virt export"
_ON = (PowerState.RUNNING, PowerState.SUSPENDED)


class Export:
    """Exports disks of one compute node's VMs."""

    def __init__(
        self,
        session: Session,
        datastore: Datastore,
        disks: Disks,
        vms: Vms,
        host: HostDescription,
        services: IServices,
        leases: Leases,
    ) -> None:
        self._session = session
        self._datastore = datastore
        self._disks = disks
        self._vms = vms
        self._host = host
        self._services = services
        self._leases = leases

    def export_disk(self, vm_uuid: UUID, request: ExportDiskRequest) -> ExportedDisk:
        """See `IDiskExport.export_disk`."""
        offers.check_offered(request.format, self._host.export_formats, "format")
        current_call().check()
        found = self._vms.ours(vm_uuid, _PATHS)
        disk = self._disks.of(vm_uuid, request.disk_key, found)
        if request.disk_key in volumes_of(marks(found.facts["config.extraConfig"]).get(VOLUMES)):
            raise Unsupported(
                f"{request.disk_key} is a volume",
                remedy="ask its service for a copy",
                field="disk_key",
            )
        size = disk.capacityInKB * 1024
        if request.format is DiskFormat.VMDK:
            sent = self._send_packed(vm_uuid, found, disk, request)
            return ExportedDisk(format=request.format, size_bytes=sent, virtual_size_bytes=size)
        self._datastore.require_room(_MIB, size)
        copy = self._datastore.vm_folder(vm_uuid) / f"{request.disk_key}.export.vmdk"
        with undone_by(lambda: self._disks.files.delete(copy)):
            with self._frozen(vm_uuid, found, request, always=False):
                self._disks.files.copy(disk.backing.fileName, self._datastore.path(copy))
            self._send(copy, size, request.sink_key)
        self._disks.files.delete(copy)
        return ExportedDisk(format=request.format, size_bytes=size, virtual_size_bytes=size)

    def _send_packed(
        self, vm_uuid: UUID, found: Found, disk: Any, request: ExportDiskRequest
    ) -> int:
        """Send the disk by a lease of a snapshot, as a host packs it; the bytes that were sent."""
        place = devices.place_of(disk, found.facts["config.hardware.device"])
        with self._frozen(vm_uuid, found, request, always=True):
            snapshots = self._vms.ours(vm_uuid, ["snapshot"]).facts.get("snapshot")
            snapshot_id = next(_ours(snapshots.rootSnapshotList if snapshots else ()))
            writer = self._services.image_sink.create(request.sink_key)
            taken = _Counted(writer, disk.capacityInKB * 1024)
            try:
                self._leases.send(snapshot_id, place, taken.write)
                writer.commit()
            except BaseException:
                writer.abort()
                raise
        return taken.done

    @contextmanager
    def _frozen(
        self, vm_uuid: UUID, found: Found, request: ExportDiskRequest, *, always: bool
    ) -> Iterator[None]:
        state = translate.power_state(found.facts)
        if state not in _ON and not always:
            yield
            return
        quiesce = None
        if request.consistency is Consistency.QUIESCED and state is PowerState.RUNNING:
            _require_tools(vm_uuid, found)
            minutes = max(1, math.ceil(request.guest_timeout_seconds / 60))
            quiesce = vim.vm.GuestQuiesceSpec(timeout=minutes)
        with undone_by(lambda: self._thaw(vm_uuid)):
            self._session.run(
                f"making a snapshot of VM {vm_uuid}",
                lambda api: found.on(api).CreateSnapshotEx_Task(_SNAPSHOT, "", False, quiesce),
            )
            yield
            self._thaw(vm_uuid)

    def _thaw(self, vm_uuid: UUID) -> None:
        """Remove our snapshots; what was written since goes into the disk."""
        snapshots = self._vms.ours(vm_uuid, ["snapshot"]).facts.get("snapshot")
        for snapshot_id in _ours(snapshots.rootSnapshotList if snapshots else ()):
            self._session.run(
                f"removing the snapshot of VM {vm_uuid}",
                lambda api, name=snapshot_id: vim.vm.Snapshot(  # type: ignore[misc]
                    name, api.stub
                ).RemoveSnapshot_Task(False, True),
            )

    def _send(self, copy: PurePosixPath, size: int, sink_key: str) -> None:
        writer = self._services.image_sink.create(sink_key)
        extent = copy.with_name(f"{copy.stem}-flat.vmdk")
        taken = _Counted(writer, size)
        try:
            self._datastore.stream(extent, taken.write)
            taken.require_whole(copy)
            writer.commit()
        except BaseException:
            writer.abort()
            raise


class _Counted:
    """Passes bytes to the sink, tells the progress, and notices a cancel."""

    def __init__(self, writer: IImageWriter, size_bytes: int) -> None:
        self._writer = writer
        self._size = size_bytes
        self.done = 0

    def write(self, content: bytes) -> None:
        """Take the next bytes."""
        self._writer.write(content)
        self.done += len(content)
        # How long a packed disk is nobody knows before its end.
        current_call().progress(min(self.done, self._size), self._size)
        current_call().check()

    def require_whole(self, file: PurePosixPath) -> None:
        """Raise BackendError if there were too few bytes, or too many."""
        if self.done != self._size:
            raise BackendError(
                f"{file} was read as {self.done} bytes, the disk has {self._size}",
                remedy="repeat the export",
            )


def _require_tools(vm_uuid: UUID, found: Found) -> None:
    if found.facts.get(_TOOLS) != "guestToolsRunning":
        raise PeerUnreachable(
            f"no VMware Tools answer in the guest of VM {vm_uuid}",
            remedy="start them, or take a copy without rest",
            resource=Resource.GUEST_AGENT,
            name=str(vm_uuid),
        )


def _ours(trees: Any) -> Iterator[str]:
    for tree in trees:
        if tree.name == _SNAPSHOT:
            yield tree.snapshot._moId
        yield from _ours(tree.childSnapshotList)
