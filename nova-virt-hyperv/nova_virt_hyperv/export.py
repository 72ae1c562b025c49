"""Disks that leave the host as images."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.call import current_call
from nova_virt_interface.errors import PeerUnreachable, Resource
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.services import IImageSink, IImageWriter
from nova_virt_interface.states import ON
from nova_virt_interface.values.export import Consistency, ExportDiskRequest, ExportedDisk
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.images import DiskFormat

from nova_virt_hyperv.checkpoints import Checkpoints
from nova_virt_hyperv.cim import equals, select
from nova_virt_hyperv.disk_files import DiskFiles
from nova_virt_hyperv.disks import Disks
from nova_virt_hyperv.files import DISKS, Files
from nova_virt_hyperv.machines import Machine, Machines, about_vm
from nova_virt_hyperv.wmi import Wmi

__all__ = ["Export"]

_CHECKPOINT = "nova-virt export"
_CHUNK_BYTES = 1024 * 1024


class Export:
    """Gives out what disks of one host's VMs hold."""

    def __init__(
        self,
        wmi: Wmi,
        machines: Machines,
        checkpoints: Checkpoints,
        disks: Disks,
        disk_files: DiskFiles,
        files: Files,
        host: HostDescription,
        sink: IImageSink,
    ) -> None:
        self._wmi = wmi
        self._machines = machines
        self._checkpoints = checkpoints
        self._disks = disks
        self._disk_files = disk_files
        self._files = files
        self._host = host
        self._sink = sink

    def export_disk(self, vm_uuid: UUID, request: ExportDiskRequest) -> ExportedDisk:
        """See `IDiskExport.export_disk`.

        The host makes a whole copy beside the disk, which is read over SMB and removed.
        """
        offers.check_offered(request.format, self._host.export_formats, "format")
        machine = self._machines.ours(vm_uuid)
        key = request.disk_key
        path = self._disks.own_file(machine, vm_uuid, key, "disk_key")
        state = self._machines.entry(machine, vm_uuid).state
        executes, about = state in ON, f"disk {key} of VM {vm_uuid}"
        if executes and request.consistency is Consistency.QUIESCED:
            self._require_agent(machine, vm_uuid)
        copy = f"{vm_uuid}.{key}.export.{secrets.token_hex(8)}.vhdx"
        with undone_by(lambda: self._clean(machine, vm_uuid, key)):
            self._clean(machine, vm_uuid, key)
            with self._held(machine, vm_uuid, request) if executes else _nothing():
                self._disk_files.copy(path, self._files.on_host(DISKS, copy), about)
            virtual = self._disk_files.read(self._files.on_host(DISKS, copy), about).size_bytes
            size = self._deliver(copy, request.sink_key)
            self._files.remove(DISKS, copy)
        return ExportedDisk(format=DiskFormat.VHDX, size_bytes=size, virtual_size_bytes=virtual)

    @contextmanager
    def _held(self, machine: Machine, vm_uuid: UUID, request: ExportDiskRequest) -> Iterator[None]:
        """Let the guest write elsewhere meanwhile."""
        quiesced = request.consistency is Consistency.QUIESCED
        made = self._checkpoints.make(machine, vm_uuid, _CHECKPOINT, quiesced=quiesced)
        yield
        self._checkpoints.remove(made, vm_uuid)

    def _clean(self, machine: Machine, vm_uuid: UUID, key: str) -> None:
        """Remove what is left of an export, this one's or that of a call that crashed."""
        for left in self._checkpoints.find(machine, vm_uuid, _CHECKPOINT):
            self._checkpoints.remove(left, vm_uuid)
        self._files.remove_all(DISKS, f"{vm_uuid}.{key}.export.*.vhdx")

    def _deliver(self, name: str, sink_key: str) -> int:
        writer = self._sink.create(sink_key)
        try:
            size = self._pump(name, writer)
            writer.commit()
        except BaseException:
            writer.abort()
            raise
        return size

    def _pump(self, name: str, writer: IImageWriter) -> int:
        call, done = current_call(), 0
        [file_entry] = self._files.files(DISKS, name)
        with self._files.read(DISKS, name) as file:
            while chunk := file.read(_CHUNK_BYTES):
                call.check()
                writer.write(chunk)
                done += len(chunk)
                call.progress(done, file_entry.size_bytes)
        call.check()
        return done

    def _require_agent(self, machine: Machine, vm_uuid: UUID) -> None:
        query = select("Msvm_VssComponent", equals("SystemName", machine.guid))
        if not self._wmi.query(query, about=about_vm(vm_uuid)):
            raise PeerUnreachable(
                f"the guest of VM {vm_uuid} has no backup service to bring it to rest",
                remedy="install the integration services in the guest, or export without",
                resource=Resource.GUEST_AGENT,
                name=str(vm_uuid),
            )


@contextmanager
def _nothing() -> Iterator[None]:
    yield
