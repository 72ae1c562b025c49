"""Optional: disks that leave the host as images."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.export import ExportDiskRequest, ExportedDisk

__all__ = ["IDiskExport"]


class IDiskExport(Interface):
    """A hypervisor that can give out what a disk holds, of VMs that run or are stopped."""

    taggedValue("since", "1.0")

    def export_disk(vm_uuid: UUID, request: ExportDiskRequest) -> ExportedDisk:
        """Write a disk's content into core's image sink.

        [EXP-1] The content is that of one moment during the call. The VM is in the state that it
        was in, and goes on; it may stand still for a moment.
        [EXP-2] What is written stands alone: it needs no cached image and no other file.
        [EXP-3] The bytes flow from the host through the driver to `IImageSink`, once. The driver
        commits once, when all is written; after an error or a cancel it aborts, and nothing of the
        copy is left on the host or in the sink.
        [EXP-4] A format that `HostDescription.export_formats` does not name is refused before
        anything is touched.

        Blocking: as long as it takes to move the bytes; tells its progress in bytes.

        Raises: NotFound (vm, disk); Unsupported (format; media and volumes);
        PeerUnreachable (guest agent); InsufficientResources (storage); whatever else the sink
        raises.
        """
