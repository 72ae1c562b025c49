"""Making and deleting VMs.

All files of a VM are in one folder named by its uuid. The VM itself is made last and in one step,
with all its devices and marks: while it does not exist, what is in the folder is rubbish.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from nova_virt_interface.call import current_call
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Conflict, NotFound, Resource
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.images import CachedImage
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec
from pyVmomi import vim

from nova_virt_vmware import devices, requirements, translate
from nova_virt_vmware.console import LOG_NAME
from nova_virt_vmware.datastore import Datastore
from nova_virt_vmware.disks import Disks
from nova_virt_vmware.keys import added_tpm
from nova_virt_vmware.marks import disk_mark
from nova_virt_vmware.networks import Networks
from nova_virt_vmware.nics import nic_mark
from nova_virt_vmware.node import Node
from nova_virt_vmware.policies import policy
from nova_virt_vmware.power import Power
from nova_virt_vmware.session import Session
from nova_virt_vmware.vms import Found, Vms
from nova_virt_vmware.volume_marks import Backing, volume_marks, volumes_in

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
        power: Power,
        host: HostDescription,
    ) -> None:
        self._session = session
        self._node = node
        self._datastore = datastore
        self._disks = disks
        self._networks = networks
        self._vms = vms
        self._power = power
        self._host = host

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        """See `IHypervisor.create_vm`."""
        current_call().check()
        requirements.check_spec(spec, self._host)
        if self._exists(vm_uuid, spec):
            return
        backings = self._networks.backings({nic.backing.name for nic in spec.nics})
        images = self._disks.sources(spec.disks)
        with undone_by(lambda: self.delete_vm(vm_uuid, DeleteVmRequest())):
            self._make(vm_uuid, spec, backings, images)

    def _exists(self, vm_uuid: UUID, spec: VmSpec) -> bool:
        paths = [translate.mark_path(translate.OWNER), translate.mark_path(translate.DIGEST)]
        found = self._vms.find(vm_uuid, paths)
        if found is None:
            return False
        digest = found.facts.get(translate.mark_path(translate.DIGEST))
        if not found.ours or digest is None or digest.value != spec_digest(spec):
            raise Conflict(
                f"VM {vm_uuid} exists with another spec, or is somebody else's",
                remedy="delete it first, or use another uuid",
                resource=Resource.VM,
                name=str(vm_uuid),
            )
        return True

    def _make(
        self, vm_uuid: UUID, spec: VmSpec, backings: dict[str, Any], images: dict[str, CachedImage]
    ) -> None:
        folder = self._datastore.vm_folder(vm_uuid)
        # An attempt that crashed may have left files.
        self._datastore.remove(folder)
        self._datastore.make_folder(folder)
        self._disks.prepare(vm_uuid, spec.disks, images)
        with self._disks.volumes.connected(spec.disks) as reached:
            config = self._config(vm_uuid, spec, backings, reached)
            made = self._session.run(
                f"making VM {vm_uuid}",
                lambda api: self._node.vm_folder(api).CreateVM_Task(
                    config, self._node.pool(api), None
                ),
            )
        self._vms.learn(made._moId, vm_uuid)

    def _config(
        self,
        vm_uuid: UUID,
        spec: VmSpec,
        backings: dict[str, Any],
        reached: Mapping[str, Backing],
    ) -> vim.vm.ConfigSpec:
        folder = self._datastore.vm_folder(vm_uuid)
        slots = devices.free_slots(spec.disks, ())
        keys: dict[str, int] = {}
        changes = devices.added_controllers((slot.bus for slot in slots.values()), keys)
        changes += [
            self._disks.added(vm_uuid, disk, slots[disk.key], keys[slots[disk.key].bus], reached)
            for disk in spec.disks
        ]
        changes += [
            devices.added_nic(nic, number, backings[nic.backing.name])
            for number, nic in enumerate(spec.nics)
        ]
        changes += added_tpm(spec.settings)
        changes.append(devices.added_serial_port(self._datastore.path(folder / LOG_NAME)))
        marks = {
            translate.DISK + disk.key: str(disk_mark(disk, slots[disk.key])) for disk in spec.disks
        }
        marks |= {translate.NIC + nic.key: nic_mark(nic) for nic in spec.nics}
        marks |= volume_marks(spec.disks, {})
        return vim.vm.ConfigSpec(
            name=translate.vm_name(spec.name, vm_uuid),
            uuid=str(vm_uuid),
            instanceUuid=str(vm_uuid),
            numCPUs=spec.vcpus,
            memoryMB=-(-spec.memory_bytes // _MIB),
            guestId="otherGuest64",
            **devices.settings_fields(spec.settings),
            files=vim.vm.FileInfo(vmPathName=self._datastore.path(folder / f"{vm_uuid}.vmx")),
            deviceChange=self._disks.under_policy(changes),
            vmProfile=policy(self._node.policy_id),
            extraConfig=self._marks(spec, marks),
        )

    def _marks(self, spec: VmSpec, marks: dict[str, str]) -> list[vim.option.OptionValue]:
        marks = {
            translate.OWNER: self._session.settings.owner,
            translate.DIGEST: spec_digest(spec),
            translate.NAME: spec.name,
            # Else a VM that is started again waits for somebody to say what becomes of the log.
            "answer.msg.serial.file.open": "Replace",
            **marks,
        }
        return [vim.option.OptionValue(key=key, value=value) for key, value in marks.items()]

    def delete_vm(self, vm_uuid: UUID, request: DeleteVmRequest) -> None:
        """See `IHypervisor.delete_vm`."""
        with suppress(NotFound):
            self._destroy(vm_uuid, self._power.turned_off(vm_uuid))
        self._disks.volumes.settle()
        self._datastore.remove(self._datastore.vm_folder(vm_uuid))

    def _destroy(self, vm_uuid: UUID, found: Found) -> None:
        about, volumes = f"deleting VM {vm_uuid}", volumes_in(found.facts).values()
        with self._disks.volumes.letting_go(volumes):
            if volumes:
                # The other way would delete them with the VM.
                self._session.change(about, lambda api: found.on(api).UnregisterVM())
            else:
                self._session.run(about, lambda api: found.on(api).Destroy_Task())
