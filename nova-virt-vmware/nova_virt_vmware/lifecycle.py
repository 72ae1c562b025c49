"""Making and deleting VMs.

All files of a VM are in one folder named by its uuid, in which a folder named by the compute node
is for what is the VM's alone. The VM itself is made last and in one step, with all its devices and
marks: while it does not exist, what is in the folder is rubbish.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any
from uuid import UUID

from nova_virt_interface.call import current_call
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Conflict, Resource
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.images import CachedImage
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec
from pyVmomi import vim

from nova_virt_vmware import devices, records, requirements, translate
from nova_virt_vmware.clones import clone_marks
from nova_virt_vmware.console import LOG_NAME
from nova_virt_vmware.datastore import Datastore
from nova_virt_vmware.disks import Disks, Plans
from nova_virt_vmware.keys import added_tpm
from nova_virt_vmware.leaving import Leaving
from nova_virt_vmware.marks import disk_mark
from nova_virt_vmware.networks import Networks
from nova_virt_vmware.nics import nic_mark
from nova_virt_vmware.node import Node
from nova_virt_vmware.policies import policy
from nova_virt_vmware.session import Session
from nova_virt_vmware.vms import Found, Vms
from nova_virt_vmware.volume_marks import volume_marks

__all__ = ["Lifecycle"]

_MIB = 1024 * 1024


class Lifecycle:
    """Makes and deletes the VMs of one compute node."""

    def __init__(
        self,
        session: Session,
        node: Node,
        datastore: Datastore,
        disks: Disks,
        networks: Networks,
        vms: Vms,
        leaving: Leaving,
        host: HostDescription,
    ) -> None:
        self._session = session
        self._node = node
        self._datastore = datastore
        self._disks = disks
        self._networks = networks
        self._vms = vms
        self._leaving = leaving
        self._host = host

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        """See `IHypervisor.create_vm`."""
        current_call().check()
        requirements.check_spec(spec, self._host)
        every = self._vms.everywhere(vm_uuid, records.PATHS, foreign=True)
        if self._exists(vm_uuid, spec, every):
            return
        backings = self._networks.backings({nic.backing.name for nic in spec.nics})
        images = self._disks.files.sources(spec.disks)
        with undone_by(lambda: self.delete_vm(vm_uuid, DeleteVmRequest())):
            self._make(vm_uuid, spec, backings, images, self.identity(vm_uuid, spec, every))

    def _exists(self, vm_uuid: UUID, spec: VmSpec, every: Sequence[Found]) -> bool:
        """Whether the VM is there already; one of ours on another compute node is not in the way,
        unless it uses our folder, or is to come here.
        """
        folder = self._datastore.path(self._datastore.vm_folder(vm_uuid))
        here = [found for found in every if found.here]
        for found in here or every:
            marks = records.marks_of(found)
            if found.here and found.ours:
                is_equal = marks.get(translate.DIGEST) == spec_digest(spec)
            else:
                is_expected = f"{translate.INCOMING}{self._node.compute_id}" in marks
                is_equal = found.ours and not is_expected and not records.uses([found], folder)
            if not is_equal:
                raise Conflict(
                    f"VM {vm_uuid} exists with another spec or elsewhere, or is somebody else's",
                    remedy="delete it first, or use another uuid",
                    resource=Resource.VM,
                    name=str(vm_uuid),
                )
        return bool(here)

    def identity(self, vm_uuid: UUID, spec: VmSpec, others: Sequence[Found]) -> dict[str, str]:
        """The fields that tell the VM from others: a vCenter has one VM of an instance uuid, and
        one of a name in a folder.
        """
        if others:
            return {"name": translate.vm_name(spec.name, vm_uuid, self._node.compute_id)}
        return {"instanceUuid": str(vm_uuid)}

    def _make(
        self,
        vm_uuid: UUID,
        spec: VmSpec,
        backings: dict[str, Any],
        images: dict[str, CachedImage],
        identity: Mapping[str, Any],
    ) -> None:
        folder = self._datastore.vm_folder(vm_uuid)
        # An attempt that crashed may have left files.
        self._datastore.remove(folder)
        home = self._datastore.home(vm_uuid)
        self._datastore.make_folder(home)
        self._disks.files.prepare(vm_uuid, spec.disks, images)
        with self._disks.volumes.connected(spec.disks) as reached:
            plans = Plans(reached, self._disks.files.clones(spec.disks, images))
            self.make(vm_uuid, self.config(vm_uuid, spec, backings, home, plans, **identity))

    def make(self, vm_uuid: UUID, config: vim.vm.ConfigSpec) -> None:
        """Make a VM whose files are there."""
        made = self._session.run(
            f"making VM {vm_uuid}",
            lambda api: self._node.vm_folder(api).CreateVM_Task(config, self._node.pool(api), None),
        )
        self._vms.learn(made._moId, vm_uuid)

    def config(
        self,
        vm_uuid: UUID,
        spec: VmSpec,
        backings: dict[str, Any],
        home: PurePosixPath,
        plans: Plans,
        files: Mapping[str, str] = MappingProxyType({}),
        more_marks: Mapping[str, str] = MappingProxyType({}),
        **more: Any,
    ) -> vim.vm.ConfigSpec:
        """The configuration of a VM.

        Args:
            vm_uuid: the VM.
            spec: what it is to be.
            backings: name of network → what a NIC is plugged into.
            home: the folder for what is its alone.
            plans: how disks are made that are no files of their own.
            files: key → file of a disk or medium that is not where `DiskFiles.file` says.
            more_marks: marks beside the usual ones.
            more: fields beside the usual ones.
        """
        slots = devices.free_slots(spec.disks, ())
        keys: dict[str, int] = {}
        changes = devices.added_controllers((slot.bus for slot in slots.values()), keys)
        for disk in spec.disks:
            slot, file = slots[disk.key], files.get(disk.key)
            change = self._disks.added(vm_uuid, disk, slot, keys[slot.bus], plans, file)
            if file is not None and disk.key not in plans.reached:
                change.fileOperation = None
            changes.append(change)
        changes += [
            devices.added_nic(nic, number, backings[nic.backing.name])
            for number, nic in enumerate(spec.nics)
        ]
        changes += added_tpm(spec.settings)
        changes.append(devices.added_serial_port(self._datastore.path(home / LOG_NAME)))
        marks = {
            translate.DISK + disk.key: str(disk_mark(disk, slots[disk.key])) for disk in spec.disks
        }
        marks |= {translate.NIC + nic.key: nic_mark(nic) for nic in spec.nics}
        marks |= volume_marks(spec.disks, {}) | clone_marks(spec.disks, plans.cloned, {})
        fields = {"name": translate.vm_name(spec.name, vm_uuid)} | more
        return vim.vm.ConfigSpec(
            uuid=str(vm_uuid),
            numCPUs=spec.vcpus,
            memoryMB=-(-spec.memory_bytes // _MIB),
            guestId="otherGuest64",
            **devices.settings_fields(spec.settings),
            files=vim.vm.FileInfo(vmPathName=self._datastore.path(home / f"{vm_uuid}.vmx")),
            deviceChange=self._disks.under_policy(changes),
            vmProfile=policy(self._node.policy_id),
            extraConfig=self._marks(vm_uuid, spec, {**marks, **more_marks}),
            **fields,
        )

    def _marks(
        self, vm_uuid: UUID, spec: VmSpec, marks: dict[str, str]
    ) -> list[vim.option.OptionValue]:
        marks = {
            translate.OWNER: translate.owner_mark(self._session.settings.owner, vm_uuid),
            translate.DIGEST: spec_digest(spec),
            translate.NAME: spec.name,
            # Else a VM that is started again waits for somebody to say what becomes of the log.
            "answer.msg.serial.file.open": "Replace",
            **marks,
        }
        return [vim.option.OptionValue(key=key, value=value) for key, value in marks.items()]

    def delete_vm(self, vm_uuid: UUID, request: DeleteVmRequest) -> None:
        """See `IHypervisor.delete_vm`."""
        self._leaving.leave(vm_uuid)
