"""Disks that leave the pool as images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import requests
from nova_virt_interface import offers
from nova_virt_interface.call import Call, current_call
from nova_virt_interface.errors import (
    HostUnreachable,
    PeerUnreachable,
    Resource,
    Unsupported,
)
from nova_virt_interface.services import IImageWriter, IServices
from nova_virt_interface.values.export import Consistency, ExportDiskRequest, ExportedDisk
from nova_virt_interface.values.images import DiskFormat

from nova_virt_xenapi.bodies import FOOTER_BYTES, VHD_MARK
from nova_virt_xenapi.cache import Cache
from nova_virt_xenapi.disks import Disks
from nova_virt_xenapi.marks import DISK
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.records import Records
from nova_virt_xenapi.session import Session, undone_by
from nova_virt_xenapi.tasks import Tasks
from nova_virt_xenapi.uploads import destroy_vdi

__all__ = ["Exports"]

_CHUNK_BYTES = 1024 * 1024


class Exports:
    """Exports of one owner's disks."""

    def __init__(
        self,
        session: Session,
        cache: Cache,
        tasks: Tasks,
        records: Records,
        disks: Disks,
        pool: Pool,
        services: IServices,
    ) -> None:
        self._session = session
        self._cache = cache
        self._tasks = tasks
        self._records = records
        self._disks = disks
        self._pool = pool
        self._services = services

    def export_disk(self, vm_uuid: UUID, request: ExportDiskRequest) -> ExportedDisk:
        """See `IDiskExport.export_disk`. A snapshot is the content of one moment; it has the disk's
        marks, so that it goes with the VM if nobody removes it before.
        """
        offers.check_offered(request.format, self._pool.description.export_formats, "format")
        about = f"disk {request.disk_key} of {vm_uuid}"
        with self._session.operation(about):
            vm = self._records.require(vm_uuid)
            disk = self._disks.require(vm, request.disk_key)
            vdi, record = disk.ref, disk.record
            if disk.mark.kind != DISK:
                raise Unsupported(f"{about} is no disk of the host's own", field="disk_key")
            runs = vm.record["power_state"] == "Running"
            if request.consistency is Consistency.QUIESCED and runs:
                raise PeerUnreachable(
                    f"{about}: xapi brings no guest to rest",
                    resource=Resource.GUEST_AGENT,
                    name=str(vm_uuid),
                    remedy="stop the VM, or export it as after a loss of power",
                )
            size = int(record["virtual_size"])
            with undone_by(lambda: self._remove_snapshots(vdi)):
                snapshot = self._session.call("VDI.snapshot", vdi)
                taken = self._send(snapshot, request, size, about)
            with Call(current_call().request_id):
                destroy_vdi(self._session, snapshot)
        return ExportedDisk(format=request.format, size_bytes=taken, virtual_size_bytes=size)

    def _send(self, snapshot: str, request: ExportDiskRequest, size: int, about: str) -> int:
        writer = self._services.image_sink.create(request.sink_key)
        query = {"vdi": snapshot, "format": request.format.value}
        try:
            with self._witness(request.format, about) as task:
                taken: int = self._session.get(
                    "/export_raw_vdi",
                    {**query, **task},
                    lambda response: _pour(response, writer, request.format, size),
                    host=self._pool.host_address,
                )
            current_call().check()
            writer.commit()
        except BaseException:
            writer.abort()
            raise
        return taken

    @contextmanager
    def _witness(self, format: DiskFormat, about: str) -> Iterator[dict[str, str]]:
        """What tells that an answer is whole, for the query: a QCOW2 has neither a length nor an
        end of its own, so that only a task does.
        """
        if format is not DiskFormat.QCOW2:
            yield {}
            return
        task = self._session.call("task.create", "nova-virt export", about)
        try:
            yield {"task_id": task}
        except BaseException:
            self._tasks.discard(task)
            raise
        self._tasks.finish(task, about=about)

    def _remove_snapshots(self, vdi: str) -> None:
        for ref, record in self._cache.rows("VDI").items():
            if record["is_a_snapshot"] and record["snapshot_of"] == vdi:
                destroy_vdi(self._session, ref)


def _pour(response: requests.Response, writer: IImageWriter, format: DiskFormat, size: int) -> int:
    """Write an answer into the sink; returns how many bytes. One without a length ends when the
    connection does, so that the end of a VHD has to show that it is whole.
    """
    call, done, end = current_call(), 0, b""
    for chunk in response.iter_content(_CHUNK_BYTES):
        call.check()
        writer.write(chunk)
        done += len(chunk)
        end = (end + chunk)[-FOOTER_BYTES:]
        call.progress(done, size if format is DiskFormat.RAW else None)
    is_cut = {
        DiskFormat.RAW: done != size,
        DiskFormat.VHD: end[: len(VHD_MARK)] != VHD_MARK,
    }
    if is_cut.get(format):
        raise HostUnreachable(
            f"the pool sent {done} bytes of a disk and no more", remedy="repeat it"
        )
    return done
