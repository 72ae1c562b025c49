"""Makes VMs: what all operations that make one do alike.

A VM gets the digest of its spec last. Without it, it is no VM, only something that the next call
removes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from nova_virt_interface.call import current_call
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.values.disks import Media
from nova_virt_interface.values.vm import VmSpec
from nova_virt_interface.values.volumes import Volume

from nova_virt_xenapi import translate
from nova_virt_xenapi.cache import Cache
from nova_virt_xenapi.disks import Disks, OldDisk
from nova_virt_xenapi.marks import CLONE, SPEC, VmMark, clone_mark, complete_mark
from nova_virt_xenapi.nics import Nics
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.records import Found
from nova_virt_xenapi.session import Session
from nova_virt_xenapi.uploads import destroy_vdi

__all__ = ["Construction"]


_SET: Final = (
    "suspend_SR",
    "affinity",
    "platform",
    "HVM_boot_params",
    "VCPUs_params",
    "other_config",
)
"""What a clone does not have from its source as a VM of another spec has it. Its own mark comes
last: without it, it is not finished.
"""


@dataclass(frozen=True)
class Construction:
    """Puts VMs together."""

    session: Session
    cache: Cache
    disks: Disks
    nics: Nics
    pool: Pool

    def networks(self, spec: VmSpec) -> dict[str, str]:
        """The network of each NIC; raises NotFound or Conflict."""
        return {nic.key: self.nics.network(nic) for nic in spec.nics}

    def begin(self, spec: VmSpec, mark: VmMark, nvram: dict[str, str] | None = None) -> str:
        """A VM without devices; ``nvram`` is what its firmware begins with."""
        record = translate.vm_record(spec, mark, self.pool, nvram)
        vm: str = self.session.call("VM.create", record)
        return vm

    def begin_as_clone(self, old: Found, spec: VmSpec, mark: VmMark) -> str:
        """A VM without devices but the TPM of another one, whose state xapi copies in a clone
        alone. A clone begins with the marks of its source: even when a reply is lost it is seen
        what it is.
        """
        call, record = self.session.call, translate.vm_record(spec, mark, self.pool)
        call("VM.add_to_other_config", old.ref, CLONE, clone_mark(mark))
        vm: str = call("VM.clone", old.ref, spec.name)
        # There are never more at the start than at most.
        vcpus = record["VCPUs_max"]
        fewer = min(vcpus, old.record["VCPUs_at_startup"], key=int)
        call("VM.set_VCPUs_at_startup", vm, fewer)
        call("VM.set_VCPUs_max", vm, vcpus)
        call("VM.set_VCPUs_at_startup", vm, vcpus)
        call("VM.set_memory_limits", vm, *[record["memory_static_max"]] * 4)
        cloned = {row["VDI"] for row in self.cache.rows("VBD").values() if row["VM"] == vm}
        self.disks.disconnect(vm)
        for vdi in cloned:
            destroy_vdi(self.session, vdi)
        for field in _SET:
            call(f"VM.set_{field}", vm, record[field])
        self.forget_clone(old)
        return vm

    def forget_clone(self, old: Found) -> None:
        """The next clone of a VM is nobody's business."""
        self.session.call("VM.remove_from_other_config", old.ref, CLONE)

    def fill(
        self,
        vm: str,
        vm_uuid: UUID,
        spec: VmSpec,
        *,
        there: Mapping[str, OldDisk] | None = None,
        old: Mapping[str, OldDisk] | None = None,
        has_tpm: bool = False,
    ) -> None:
        """Give a VM its devices.

        Args:
            vm: its reference.
            vm_uuid: core's name for it.
            spec: what it is to have.
            there: disks that there are already, by key; media and volumes are connected anew.
            old: disks whose content others of the same key begin with.
            has_tpm: it has one already.
        """
        there, old = there or {}, old or {}
        if spec.settings.tpm is not None and not has_tpm:
            self.session.call("VTPM.create", vm, False)
        for number, disk in enumerate(translate.boot_order(spec.disks)):
            if disk.key in there and not isinstance(disk.source, Media | Volume):
                self.disks.connect(vm, there[disk.key].ref, disk, str(number))
            else:
                self.disks.make(vm, vm_uuid, disk, str(number), old=old.get(disk.key))
        for number, nic in enumerate(spec.nics):
            self.nics.make(vm, nic, str(number))
        current_call().check()

    def complete(self, vm: str, spec: VmSpec) -> None:
        """From here on it is a VM."""
        # It was made by this driver: its uuid is known as soon as it is told of at all.
        record = self.cache.told("VM").get(vm) or self.cache.row("VM", vm)
        mark = complete_mark(spec_digest(spec), record["uuid"])
        self.session.call("VM.add_to_other_config", vm, SPEC, mark)
