"""Disks of the reference driver that leave the host."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.call import current_call
from nova_virt_interface.errors import PeerUnreachable, Resource, Unsupported
from nova_virt_interface.reference.disks import existing_disk
from nova_virt_interface.reference.errors import translated
from nova_virt_interface.reference.guest import Guest
from nova_virt_interface.values.export import Consistency, ExportDiskRequest, ExportedDisk

if TYPE_CHECKING:
    from nova_virt_interface.reference.host import Host, Vm
    from nova_virt_interface.services import IImageWriter, IServices
    from nova_virt_interface.values.host import HostDescription

__all__ = ["ExportPart"]

_CHUNK_BYTES = 256 * 1024


class ExportPart:
    """`IDiskExport`. A copy is taken of the whole disk at once, so that nothing is left to undo."""

    _description: HostDescription
    _services: IServices

    if TYPE_CHECKING:

        @property
        def _host(self) -> Host: ...
        def _ours(self, vm_uuid: UUID) -> Vm: ...

    def export_disk(self, vm_uuid: UUID, request: ExportDiskRequest) -> ExportedDisk:
        """See `IDiskExport`."""
        offers.check_offered(request.format, self._description.export_formats, "format")
        vm = self._ours(vm_uuid)
        disk = existing_disk(vm, request.disk_key)
        if disk.read_only or disk.volume is not None:
            raise Unsupported(
                f"disk {request.disk_key} is none that the host keeps", field="disk_key"
            )
        if request.consistency is Consistency.QUIESCED and vm.state == "running":
            _require_agent(vm)
        with translated():
            content = self._host.read_disk(vm_uuid, request.disk_key, 0, disk.size_bytes)
        writer = self._services.image_sink.create(request.sink_key)
        try:
            _write(writer, content)
            writer.commit()
        except BaseException:
            writer.abort()
            raise
        size = len(content)
        return ExportedDisk(format=request.format, size_bytes=size, virtual_size_bytes=size)


def _write(writer: IImageWriter, content: bytes) -> None:
    call = current_call()
    for start in range(0, len(content), _CHUNK_BYTES):
        call.check()
        writer.write(content[start : start + _CHUNK_BYTES])
        call.progress(min(start + _CHUNK_BYTES, len(content)), len(content))
    call.check()


def _require_agent(vm: Vm) -> None:
    if not Guest(vm).has_agent:
        raise PeerUnreachable(
            f"no agent answers in the guest of VM {vm.uuid}",
            resource=Resource.GUEST_AGENT,
            name=str(vm.uuid),
            remedy="install the agent in the guest, or ask for a crash-consistent copy",
        )
