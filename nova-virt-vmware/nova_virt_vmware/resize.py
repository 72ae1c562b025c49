"""VMs that become larger or smaller, and again what they were.

The disks of the old VM are set aside as they are, and the new VM gets copies of those that it still
has. All else that is kept is in marks of the VM: one reconfiguration makes it another, together
with what makes it again what it was.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Conflict, Resource
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.states import require_state
from nova_virt_interface.values.disks import DiskSpec
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.resize import (
    ConfirmResizeRequest,
    ResizeVmRequest,
    RevertResizeRequest,
)
from nova_virt_interface.values.vm import VmSpec
from pyVmomi import vim

from nova_virt_vmware import devices, kept, requirements, resize_plan, translate
from nova_virt_vmware.clones import CLONES, clones_of, without_clones
from nova_virt_vmware.datastore import Datastore, path_in
from nova_virt_vmware.disks import Disks
from nova_virt_vmware.marks import KEPT, disk_marks, kept_disks
from nova_virt_vmware.networks import Networks
from nova_virt_vmware.session import Session
from nova_virt_vmware.vms import Found, Vms

__all__ = ["Resize"]

_PATHS = [*translate.POWER_PATHS, *kept.CONFIG_PATHS]
_MIB = 1024 * 1024


class Resize:
    """Resizes the VMs of one compute node."""

    def __init__(
        self,
        session: Session,
        datastore: Datastore,
        disks: Disks,
        networks: Networks,
        vms: Vms,
        host: HostDescription,
    ) -> None:
        self._session = session
        self._datastore = datastore
        self._disks = disks
        self._networks = networks
        self._vms = vms
        self._host = host

    def resize_vm(self, vm_uuid: UUID, request: ResizeVmRequest) -> None:
        """See `IResize.resize_vm`."""
        spec = request.spec
        requirements.check_spec(spec, self._host)
        found = self._vms.ours(vm_uuid, _PATHS)
        marks = translate.marks(found.facts["config.extraConfig"])
        if marks.get(translate.DIGEST) == spec_digest(spec):
            return
        if f"{KEPT}vm" in marks:
            raise Conflict(
                f"a resize of VM {vm_uuid} is pending",
                remedy="confirm or revert it first",
                resource=Resource.VM,
                name=str(vm_uuid),
            )
        plan = resize_plan.plan(spec, marks, found.facts["config.hardware.device"])
        require_state(vm_uuid, translate.power_state(found.facts), PowerState.STOPPED)
        self._make(vm_uuid, found, spec, plan)

    def _make(self, vm_uuid: UUID, found: Found, spec: VmSpec, plan: resize_plan.Plan) -> None:
        backings = self._networks.backings({nic.backing.name for nic in spec.nics})
        images = self._disks.files.sources(plan.made)
        largest = max((disk.size_bytes or 0 for disk in spec.disks), default=0)
        self._datastore.require_room(_MIB * (len(plan.copied) + 1), largest)
        with undone_by(lambda: self._undo(vm_uuid, plan)):
            self._disks.files.prepare(vm_uuid, plan.made, images, may_clone=False)
            for key, source in plan.copied.items():
                self._copy(vm_uuid, key, source, plan.sizes_kib[key])
            config = self._config(vm_uuid, found, spec, plan, backings)
            self._reconfigure(f"resizing VM {vm_uuid}", found, config)
            self._disks.order_boot(vm_uuid)

    def _copy(self, vm_uuid: UUID, key: str, source: str, size_kib: int) -> None:
        target = self._datastore.path(self._copied_file(vm_uuid, key, source))
        self._disks.files.copy(source, target)
        self._disks.files.extend(target, size_kib)

    def _copied_file(self, vm_uuid: UUID, key: str, source: str) -> PurePosixPath:
        """Another name than that of the disk that is set aside."""
        folder = self._datastore.vm_folder(vm_uuid)
        names = [folder / f"{key}.vmdk", folder / f"{key}.1.vmdk"]
        return next(name for name in names if self._datastore.path(name) != source)

    def _undo(self, vm_uuid: UUID, plan: resize_plan.Plan) -> None:
        found = self._vms.ours(vm_uuid, _PATHS)
        marks = translate.marks(found.facts["config.extraConfig"])
        if f"{KEPT}vm" in marks:
            self._restore(vm_uuid, found)
            return
        for key, source in plan.copied.items():
            self._disks.files.delete(self._copied_file(vm_uuid, key, source))
        for disk in plan.made:
            self._disks.files.delete(self._disks.files.file(vm_uuid, disk))

    def _config(
        self,
        vm_uuid: UUID,
        found: Found,
        spec: VmSpec,
        plan: resize_plan.Plan,
        backings: dict[str, Any],
    ) -> vim.vm.ConfigSpec:
        def file(disk: DiskSpec) -> str:
            if disk.key in plan.copied:
                source = plan.copied[disk.key]
                return self._datastore.path(self._copied_file(vm_uuid, disk.key, source))
            if disk.key in plan.moved:
                return plan.moved[disk.key]
            return self._datastore.path(self._disks.files.file(vm_uuid, disk))

        settings = spec.settings
        fields = kept.config_fields(
            vcpus=spec.vcpus,
            memory_mib=spec.memory_bytes // _MIB,
            cores=(settings.cpu and settings.cpu.cores) or 1,
            locked=bool(settings.memory and settings.memory.locked),
            firmware=devices.firmware_name(settings),
            secure_boot=settings.secure_boot,
        )
        marks = resize_plan.new_marks(spec, plan) | kept.described(found.facts)
        return vim.vm.ConfigSpec(
            name=translate.vm_name(spec.name, vm_uuid),
            deviceChange=self._disks.under_policy(
                resize_plan.changes(
                    spec, plan, found.facts["config.hardware.device"], file, backings
                )
            ),
            extraConfig=_options(marks),
            **fields,
        )

    def _reconfigure(self, about: str, found: Found, config: vim.vm.ConfigSpec) -> None:
        self._session.run(about, lambda api: found.on(api).ReconfigVM_Task(config))

    def confirm_resize(self, vm_uuid: UUID, request: ConfirmResizeRequest) -> None:
        """See `IResize.confirm_resize`."""
        found = self._vms.ours(vm_uuid, _PATHS)
        marks = translate.marks(found.facts["config.extraConfig"])
        if f"{KEPT}vm" not in marks:
            return
        used, clones = self._files_of(found, marks), clones_of(marks.get(CLONES))
        for key, disk in kept_disks(marks).items():
            if disk.file in used:
                continue
            if key in clones:
                self._disks.files.delete_clone(path_in(disk.file))
            else:
                self._disks.files.delete(path_in(disk.file))
        gone = {key: "" for key in marks if key.startswith(KEPT)}
        gone |= without_clones(marks, kept_disks(marks))
        config = vim.vm.ConfigSpec(extraConfig=_options(gone))
        self._reconfigure(f"confirming the resize of VM {vm_uuid}", found, config)

    def _files_of(self, found: Found, marks: dict[str, str]) -> set[str]:
        """The files of the disks and media that the VM has."""
        hardware = found.facts["config.hardware.device"]
        at = (devices.at_slot(hardware, mark.slot) for mark in disk_marks(marks).values())
        return {device.backing.fileName for device in at if device is not None}

    def revert_resize(self, vm_uuid: UUID, request: RevertResizeRequest) -> None:
        """See `IResize.revert_resize`."""
        found = self._vms.ours(vm_uuid, _PATHS)
        marks = translate.marks(found.facts["config.extraConfig"])
        if f"{KEPT}vm" in marks:
            state = translate.power_state(found.facts)
            require_state(vm_uuid, state, PowerState.STOPPED)
            self._restore(vm_uuid, found)

    def _restore(self, vm_uuid: UUID, found: Found) -> None:
        marks = translate.marks(found.facts["config.extraConfig"])
        hardware = found.facts["config.hardware.device"]
        fields, changes, back = kept.restoring(marks, hardware)
        unused = self._files_of(found, marks) - {d.file for d in kept_disks(marks).values()}
        config = vim.vm.ConfigSpec(
            deviceChange=self._disks.under_policy(changes), extraConfig=_options(back), **fields
        )
        self._reconfigure(f"reverting the resize of VM {vm_uuid}", found, config)
        self._disks.order_boot(vm_uuid)
        for file in unused:
            if file.endswith(".iso"):
                self._datastore.remove(path_in(file))


def _options(marks: dict[str, str]) -> list[vim.option.OptionValue]:
    return [vim.option.OptionValue(key=key, value=value) for key, value in marks.items()]
