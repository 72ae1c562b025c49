"""Disks that leave the host.

A running domain's disk is copied by a backup job, which gives the content of the moment when it
began while the guest goes on; a stopped one's by the storage. Either way the copy is a volume of
its own in the driver's pool, which is then read, and removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import libvirt
from lxml import etree
from lxml.builder import E
from nova_virt_interface import offers
from nova_virt_interface.call import Call, current_call
from nova_virt_interface.errors import (
    BackendError,
    InsufficientResources,
    PeerUnreachable,
    Resource,
    Unsupported,
)
from nova_virt_interface.services import IImageWriter, IServices
from nova_virt_interface.values.export import Consistency, ExportDiskRequest, ExportedDisk

from nova_virt_libvirt.capabilities import Capabilities
from nova_virt_libvirt.domain_description import AttachedDisk, DomainDescription
from nova_virt_libvirt.domains import Domains
from nova_virt_libvirt.errors import is_code
from nova_virt_libvirt.session import Session
from nova_virt_libvirt.storage import Storage
from nova_virt_libvirt.streams import CHUNK_BYTES

__all__ = ["Export"]

_STEP_SECONDS = 0.1
_CLEAN_UP_SECONDS = 120.0
_NO_AGENT = (
    libvirt.VIR_ERR_AGENT_UNRESPONSIVE,
    libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,
)


class Export:
    """`IDiskExport` of one backend."""

    def __init__(
        self,
        session: Session,
        storage: Storage,
        domains: Domains,
        host: Capabilities,
        services: IServices,
    ) -> None:
        self._session = session
        self._storage = storage
        self._domains = domains
        self._host = host
        self._services = services

    def export_disk(self, vm_uuid: UUID, request: ExportDiskRequest) -> ExportedDisk:
        """See `IDiskExport.export_disk`."""
        offers.check_offered(request.format, self._host.description.export_formats, "format")
        about = f"disk {request.disk_key} of VM {vm_uuid}"
        with self._session.use(about=about, changing=True) as connection:
            domain, description, _ = self._domains.ours(connection, vm_uuid)
            disk = description.disk(request.disk_key)
            if disk.is_media or disk.is_volume or disk.needs:
                raise Unsupported(
                    f"disk {request.disk_key} is no plain disk that the host keeps",
                    field="disk_key",
                )
            size, _, _ = domain.blockInfo(disk.target)
            name = f"{vm_uuid}-export.{uuid4().hex}.{request.format.value}"
            try:
                copy = self._copied(connection, domain, description, disk, name, request, size)
                written = self._written(connection, copy, request.sink_key)
            finally:
                with Call(current_call().request_id, timeout_seconds=_CLEAN_UP_SECONDS):
                    self._remove(connection, name)
        return ExportedDisk(format=request.format, size_bytes=written, virtual_size_bytes=size)

    def _copied(
        self,
        connection: Any,
        domain: Any,
        description: DomainDescription,
        disk: AttachedDisk,
        name: str,
        request: ExportDiskRequest,
        size: int,
    ) -> Any:
        form = request.format.value
        if not domain.isActive():
            source = self._storage.volume_at(connection, str(disk.path))
            return self._storage.create(connection, name, size, form, copied=source)
        copy = self._storage.create(connection, name, size, form)
        with _at_rest(domain, request):
            domain.backupBegin(
                _backup_xml(description, disk, copy.path(), form),
                None,
                libvirt.VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL,
            )
        _wait_for_backup(domain)
        return copy

    def _written(self, connection: Any, copy: Any, sink_key: str) -> int:
        writer = self._services.image_sink.create(sink_key)
        try:
            written = _write(connection, copy, writer)
            writer.commit()
        except BaseException:
            writer.abort()
            raise
        return written

    def _remove(self, connection: Any, name: str) -> None:
        volume = self._storage.volumes(connection).get(name)
        if volume is not None:
            self._storage.remove(volume)


def _write(connection: Any, copy: Any, writer: IImageWriter) -> int:
    call = current_call()
    _, _, total = copy.info()
    stream = connection.newStream(0)
    copy.download(stream, 0, 0, 0)
    done = 0
    try:
        while chunk := stream.recv(CHUNK_BYTES):
            call.check()
            writer.write(chunk)
            done += len(chunk)
            call.progress(done, max(done, total))
        call.check()
    except BaseException:
        stream.abort()
        raise
    stream.finish()
    return done


@contextmanager
def _at_rest(domain: Any, request: ExportDiskRequest) -> Iterator[None]:
    if request.consistency is not Consistency.QUIESCED:
        yield
        return
    try:
        domain.fsFreeze(None, 0)
    except libvirt.libvirtError as error:
        if not is_code(error, *_NO_AGENT):
            raise
        raise PeerUnreachable(
            "no agent in the guest brings it to rest",
            resource=Resource.GUEST_AGENT,
            detail=str(error),
            remedy="install the agent in the guest, or ask for a crash-consistent copy",
        ) from error
    try:
        yield
    finally:
        domain.fsThaw(None, 0)


def _backup_xml(description: DomainDescription, disk: AttachedDisk, path: str, form: str) -> str:
    disks = E.disks()
    for other in description.disks:
        element = E.disk(name=other.target, backup="no")
        if other is disk:
            element = E.disk(E.driver(type=form), E.target(file=path), name=disk.target)
            element.set("backup", "yes")
            element.set("type", "file")
        disks.append(element)
    return etree.tostring(E.domainbackup(disks, mode="push"), encoding="unicode")


def _wait_for_backup(domain: Any) -> None:
    try:
        while (job := domain.jobStats(0)).get(
            "operation"
        ) == libvirt.VIR_DOMAIN_JOB_OPERATION_BACKUP:
            total = job.get("disk_total") or 0
            current_call().progress(0, total or None)
            current_call().wait(_STEP_SECONDS)
    except BaseException:
        _abort(domain)
        raise
    done = domain.jobStats(libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED)
    if done.get("success", True):
        return
    problem = str(done.get("errmsg", ""))
    if "No space left on device" in problem:
        raise InsufficientResources(
            "the storage is too full for a copy of the disk",
            resource=Resource.STORAGE,
            detail=problem,
            remedy="free some space, or use a larger storage_path",
        )
    raise BackendError("the copy of the disk failed", detail=problem)


def _abort(domain: Any) -> None:
    try:
        domain.abortJob()
    except libvirt.libvirtError as error:
        if not is_code(error, libvirt.VIR_ERR_OPERATION_INVALID):
            raise
    with Call(current_call().request_id, timeout_seconds=_CLEAN_UP_SECONDS) as call:
        while domain.jobStats(0).get("operation") == libvirt.VIR_DOMAIN_JOB_OPERATION_BACKUP:
            call.wait(_STEP_SECONDS)
