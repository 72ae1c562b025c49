"""Optional: volumes, beside what `IDiskHotplug` does with them as disks of a VM."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.volumes import (
        CreateVolumeSnapshotRequest,
        DeleteVolumeSnapshotRequest,
        ReplaceVolumeRequest,
        VolumeConnector,
    )

__all__ = ["IVolumeConnector", "IVolumeReplacement", "IVolumeSnapshots"]


class IVolumeConnector(Interface):
    """A host that uses volumes, of the protocols in `HostDescription.volume_protocols`.

    A volume is a disk whose source is a `Volume`: in a VM's description, and for `IDiskHotplug`.
    """

    taggedValue("since", "1.0")

    def volume_connector() -> VolumeConnector:
        """Say by which names a volume service should let this host in.

        [VOL-5] The names stay the same while the host is the same.
        """


class IVolumeReplacement(Interface):
    """A hypervisor that moves a running VM from one volume to another."""

    taggedValue("since", "1.0")

    def replace_volume(vm_uuid: UUID, request: ReplaceVolumeRequest) -> None:
        """Copy an attached volume to another one and go on with that.

        [VOL-6] On return the VM uses the new volume, with all that was written to the old one until
        then, and the host has let go of the old one. The guest notices nothing.
        [VOL-7] After an error, a cancel too, the VM uses the old volume, and the host has let go of
        the new one.
        [VOL-8] Repeated after it was done, it succeeds; what `create_vm` and `attach_disk` made the
        disk of counts for their own repeats as before.

        Blocking: as long as the copy takes; tells its progress in bytes.

        Raises: NotFound (vm, disk); InvalidState (a VM that does not run); InvalidRequest (a volume
        that is too small; a disk that is no volume); Unsupported (protocol; a
        volume that is larger, where the hypervisor copies onto an equal one alone); PeerUnreachable
        (volume).
        """


class IVolumeSnapshots(Interface):
    """A hypervisor that makes snapshots of volumes that are files, for their volume service."""

    taggedValue("since", "1.0")

    def create_volume_snapshot(vm_uuid: UUID, request: CreateVolumeSnapshotRequest) -> None:
        """Let the guest write into a new file from now on, which is built on the old one.

        [VOL-9] The old file is the content of one moment, and nothing changes it any more.
        Repeated with an equal request, it succeeds. After an error the guest writes into the old
        file.

        The guest is not brought to rest: whoever wants that asks `IGuestQuiesce` first.

        Raises: NotFound (vm, disk); InvalidState (a stopped VM, whose volume's files the service
        changes itself); Unsupported (a volume that is no file); Conflict (volume: a snapshot of
        this id with another file); PeerUnreachable (volume).
        """

    def delete_volume_snapshot(vm_uuid: UUID, request: DeleteVolumeSnapshotRequest) -> None:
        """Let a snapshot's file take in the one that is built on it, and stand in its place.

        [VOL-10] The guest's disk, and every other snapshot, is what it was. The file that was built
        on the snapshot's is used no more; the volume service deletes it. A snapshot that is not
        there is no error.

        Blocking: as long as the merge takes; tells its progress in bytes.

        Raises: NotFound (vm, disk); InvalidState (a stopped VM).
        """
