"""Optional: images of instances."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.export import ExportedDisk
    from nova_virt_interface.values.instance_requests import SnapshotRequest

__all__ = ["IInstanceSnapshot"]


class IInstanceSnapshot(Interface):
    """A node that makes images of its instances."""

    taggedValue("since", "1.0")

    def snapshot(instance_uuid: UUID, request: SnapshotRequest) -> ExportedDisk:
        """Write the content of an instance's root disk into the image sink; see
        `IDiskExport.export_disk`.

        [SNAP-1] An instance that boots from a volume is `Unsupported`: its volume service makes the
        snapshot.

        Raises: NotFound (vm); Unsupported; PeerUnreachable (guest agent); InsufficientResources.
        """
