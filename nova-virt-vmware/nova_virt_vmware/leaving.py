"""VMs that go: what is theirs alone goes with them, what another VM of the same uuid uses stays."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from nova_virt_interface.errors import NotFound
from pyVmomi import vim

from nova_virt_vmware import devices, records
from nova_virt_vmware.datastore import Datastore, path_in
from nova_virt_vmware.disk_files import DiskFiles
from nova_virt_vmware.power import Power
from nova_virt_vmware.session import Session
from nova_virt_vmware.vms import Found, Vms
from nova_virt_vmware.volume_marks import is_mapping
from nova_virt_vmware.volumes import Volumes

__all__ = ["Leaving"]


class Leaving:
    """Takes VMs away from one compute node."""

    def __init__(
        self,
        session: Session,
        datastore: Datastore,
        files: DiskFiles,
        vms: Vms,
        power: Power,
        volumes: Volumes,
    ) -> None:
        self._session = session
        self._datastore = datastore
        self._files = files
        self._vms = vms
        self._power = power
        self._volumes = volumes

    def leave(self, vm_uuid: UUID, *, keep_disks: bool = False) -> None:
        """Remove the compute node's VM of this uuid, if there is one, and all files that no other
        VM uses; disks only if they are not to be kept.
        """
        every = self._vms.everywhere(vm_uuid, records.PATHS)
        others = [found for found in every if not found.here]
        connections = [c for found in every for c in records.volumes_of(found).values()]
        with self._volumes.letting_go(connections):
            for found in every:
                if found.here:
                    self._remove(vm_uuid, found, others, keep_disks)
        self._volumes.settle()
        folder = self._datastore.vm_folder(vm_uuid)
        if not keep_disks and not records.uses(others, self._datastore.path(folder)):
            self._datastore.remove(folder)

    def _remove(
        self, vm_uuid: UUID, found: Found, others: Sequence[Found], keep_disks: bool
    ) -> None:
        used = records.files_of(others)
        disks = records.device_files(found, vim.vm.device.VirtualDisk)
        media = records.device_files(found, vim.vm.device.VirtualCdrom)
        kept = {key for key, file in disks.items() if keep_disks or file in used}
        home = records.home_of(found)
        folder = self._datastore.path(self._datastore.vm_folder(vm_uuid))
        goes_whole = not keep_disks and not others and home.startswith(f"{folder}/")
        try:
            self._power.turn_off(vm_uuid, found)
            self._destroy(vm_uuid, found, kept, goes_whole=goes_whole)
        except NotFound:
            # It was deleted in the meantime; its files may still be there.
            pass
        if goes_whole:
            return
        self._datastore.remove(path_in(home))
        for file in media.values():
            if file not in used:
                self._datastore.remove(path_in(file))
        for key, device in records.devices_by_key(found).items():
            if key in records.clones_of(found) and device.key not in kept:
                self._files.delete_clone(path_in(device.backing.fileName))

    def _destroy(self, vm_uuid: UUID, found: Found, kept: set[int], *, goes_whole: bool) -> None:
        """Remove the VM itself with its disks, but for those that are kept. With it would go what
        is a volume, and maybe what a linked clone is a clone of, too: these are no more its disks
        then.
        """
        about = f"deleting VM {vm_uuid}"
        apart = {*records.volumes_of(found), *records.clones_of(found)}
        if apart and goes_whole:
            # What is its alone goes with the folder.
            self._session.change(about, lambda api: found.on(api).UnregisterVM())
            return
        named = records.devices_by_key(found)
        kept = kept | {named[key].key for key in apart if key in named}
        if kept:
            self._unplug(vm_uuid, found, kept)
        self._session.run(about, lambda api: found.on(api).Destroy_Task())

    def _unplug(self, vm_uuid: UUID, found: Found, kept: set[int]) -> None:
        changes = [
            devices.removed(device, with_file=is_mapping(device))
            for device in found.facts["config.hardware.device"]
            if device.key in kept
        ]
        config = vim.vm.ConfigSpec(deviceChange=changes)
        self._session.run(
            f"unplugging the disks of VM {vm_uuid}",
            lambda api: found.on(api).ReconfigVM_Task(config),
        )
