"""Running VMs that have come: they become what was prepared."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nova_virt_interface.digest import spec_digest
from nova_virt_interface.values.disks import Media
from nova_virt_interface.values.vm import VmSpec
from pyVmomi import vim

from nova_virt_vmware import devices, records, translate
from nova_virt_vmware.datastore import Datastore
from nova_virt_vmware.marking import Marking
from nova_virt_vmware.marks import disk_mark, disk_marks
from nova_virt_vmware.nics import nic_mark
from nova_virt_vmware.vms import Found
from nova_virt_vmware.volume_marks import volume_marks

__all__ = ["Landing"]

_LIVE = "live"


class Landing:
    """Makes VMs that a live migration has brought like any other of the compute node."""

    def __init__(self, datastore: Datastore, marking: Marking) -> None:
        self._datastore = datastore
        self._marking = marking

    def land(self, vm_uuid: UUID, found: Found, spec: VmSpec, token: str) -> None:
        """Give the VM the description that was prepared, and its media if they had to stay behind.

        Its NICs were plugged into this compute node's networks on the way.
        """
        folder = self._datastore.vm_folder(vm_uuid)
        # Disks that come later are made in it.
        self._datastore.make_folder(folder)
        marks = records.marks_of(found)
        slots = {key: mark.slot for key, mark in disk_marks(marks).items()}
        old = (translate.INCOMING, translate.COPIED)
        new = {key: "" for key in marks if key.startswith(old)}
        new |= {
            translate.DIGEST: spec_digest(spec),
            translate.NAME: spec.name,
            translate.CAME: f"{_LIVE} {token}",
        }
        new |= {
            translate.DISK + disk.key: str(disk_mark(disk, slots[disk.key])) for disk in spec.disks
        }
        new |= volume_marks(spec.disks, {})
        new |= {translate.NIC + nic.key: nic_mark(nic) for nic in spec.nics}
        changes = self._inserted(vm_uuid, found, spec)
        self._marking.mark(vm_uuid, found, new, deviceChange=changes)

    def _inserted(self, vm_uuid: UUID, found: Found, spec: VmSpec) -> list[Any]:
        drives = records.devices_by_key(found)
        changes = []
        for disk in spec.disks:
            drive = drives.get(disk.key)
            if not isinstance(disk.source, Media) or drive is None:
                continue
            if isinstance(drive.backing, vim.vm.device.VirtualCdrom.IsoBackingInfo):
                continue
            file = self._datastore.vm_folder(vm_uuid) / f"{disk.key}.iso"
            content = disk.source.content
            self._datastore.put(file, len(content), iter((content,)))
            changes.append(devices.inserted(drive, self._datastore.path(file)))
        return changes
