"""Optional: disks that come and go while a VM exists."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.disks import (
        AttachDiskRequest,
        DetachDiskRequest,
        ResizeDiskRequest,
    )

__all__ = ["IDiskHotplug", "IDiskResize"]


class IDiskHotplug(Interface):
    """A hypervisor that adds disks to, and removes them from, VMs that run or are stopped.

    [DISK-12] A suspended VM keeps the disks that its memory knows: to attach one, or to detach one
    of them, is an `InvalidState`.
    """

    taggedValue("since", "1.0")

    def attach_disk(vm_uuid: UUID, request: AttachDiskRequest) -> None:
        """Make a disk and add it to a VM, for now and for its later starts.

        [DISK-3] A disk of this key that the VM has already is left as it is, when the spec that it
        was made of is equal; else `Conflict`. What `IDiskResize` and `IVolumeReplacement` changed
        since does not count.
        [DISK-4] After an error the VM has no disk of this key, and no file of it is left.

        Raises: NotFound (vm, image); Conflict (disk); InvalidRequest; Unsupported; InvalidState;
        InsufficientResources; PeerUnreachable (volume).
        """

    def detach_disk(vm_uuid: UUID, request: DetachDiskRequest) -> None:
        """Take a disk from a VM, for now and for its later starts, and delete it; a volume is let
        go of.

        [DISK-5] Taking away what is not there succeeds.
        [DISK-6] On return the VM no longer has it. Where the hypervisor asks the guest first, one
        that does not let go within its time is `Busy`, and the VM still has the disk.

        Raises: NotFound (vm); Busy; InvalidState.
        """


class IDiskResize(Interface):
    """A hypervisor that enlarges disks of VMs that run or are stopped."""

    taggedValue("since", "1.0")

    def resize_disk(vm_uuid: UUID, request: ResizeDiskRequest) -> None:
        """Enlarge a disk; of a volume, which its service has enlarged, take the new size over.

        [DISK-10] On return the guest can see the new size, when it looks. A disk that has this size
        stays as it is; a smaller one is an `InvalidRequest`, and so is a size that its volume has
        not.
        [DISK-11] A host without `VmFeature.ONLINE_DISK_RESIZE` does so while the VM is stopped
        alone: of one that runs it is an `InvalidState`, and the disk is as it was.

        Raises: NotFound (vm, disk); InvalidRequest; InvalidState; Unsupported (media);
        InsufficientResources (storage).
        """
