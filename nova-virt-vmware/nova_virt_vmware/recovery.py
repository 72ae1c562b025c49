"""VMs whose compute node is gone, but not their disks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Conflict, NotFound, Resource
from nova_virt_interface.values.disks import Media
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.recovery import AdoptVmRequest, ReleaseVmRequest
from nova_virt_interface.values.vm import VmSpec
from nova_virt_interface.values.volumes import Volume
from pyVmomi import vim

from nova_virt_vmware import records, requirements, translate
from nova_virt_vmware.arriving import Arriving
from nova_virt_vmware.clones import clone_marks, clones_mark
from nova_virt_vmware.datastore import Datastore
from nova_virt_vmware.leaving import Leaving
from nova_virt_vmware.node import Node
from nova_virt_vmware.vms import Found, Vms

__all__ = ["Recovery"]


class Recovery:
    """Adopts VMs of other compute nodes, and lets go of what others have adopted."""

    def __init__(
        self,
        node: Node,
        datastore: Datastore,
        vms: Vms,
        arriving: Arriving,
        leaving: Leaving,
        host: HostDescription,
    ) -> None:
        self._node = node
        self._datastore = datastore
        self._vms = vms
        self._arriving = arriving
        self._leaving = leaving
        self._host = host

    def find_disks(self, vm_uuid: UUID) -> tuple[str, ...]:
        """See `IRecovery.find_disks`."""
        return tuple(sorted(self._disks(vm_uuid, self._vms.everywhere(vm_uuid, records.PATHS))))

    def adopt_vm(self, vm_uuid: UUID, request: AdoptVmRequest) -> None:
        """See `IRecovery.adopt_vm`."""
        spec = request.spec
        requirements.check_spec(spec, self._host)
        requirements.check_remade(spec)
        every = self._vms.everywhere(vm_uuid, records.PATHS, foreign=True)
        here = next((found for found in every if found.here or not found.ours), None)
        if here is not None:
            digest = records.marks_of(here).get(translate.DIGEST)
            if not here.ours or digest != spec_digest(spec):
                raise Conflict(
                    f"{vm_uuid} is a VM of another spec, or somebody else's",
                    remedy="delete that VM first",
                    resource=Resource.VM,
                    name=str(vm_uuid),
                )
            return
        disks = self._disks(vm_uuid, every)
        for disk in spec.disks:
            if not isinstance(disk.source, Media | Volume) and disk.key not in disks:
                raise NotFound(
                    f"disk {disk.key} of VM {vm_uuid} is not to be found",
                    resource=Resource.DISK,
                    name=disk.key,
                )
        self._arriving.make(vm_uuid, spec, disks, every, _clones(spec, disks, every))

    def release_vm(self, vm_uuid: UUID, request: ReleaseVmRequest) -> None:
        """See `IRecovery.release_vm`. Any compute node of the vCenter may reach the disks."""
        self._leaving.leave(vm_uuid, keep_disks=True)

    def _disks(self, vm_uuid: UUID, every: Sequence[Found]) -> dict[str, str]:
        """Key → file: as the vCenter remembers the VM, else as its files are named."""
        prefix = f"[{self._node.datastore}] "
        found = {
            key: device.backing.fileName
            for vm in every
            for key, device in records.devices_by_key(vm).items()
            if isinstance(device, vim.vm.device.VirtualDisk)
            and key not in records.volumes_of(vm)
            and device.backing.fileName.startswith(prefix)
        }
        if not every:
            folder = self._datastore.vm_folder(vm_uuid)
            for name in sorted(self._datastore.there(folder, ["*.vmdk"])):
                if name.endswith("-flat.vmdk"):
                    continue
                found[name.partition(".")[0]] = self._datastore.path(folder / name)
        return found


def _clones(spec: VmSpec, disks: Mapping[str, str], every: Sequence[Found]) -> dict[str, str]:
    """The mark of linked clones. Of a VM that the vCenter has forgotten each disk from an image may
    be one.
    """
    if not every:
        return clone_marks(spec.disks, disks, {})
    clones = {key: image for vm in every for key, image in records.clones_of(vm).items()}
    return clones_mark({key: image for key, image in clones.items() if key in disks})
