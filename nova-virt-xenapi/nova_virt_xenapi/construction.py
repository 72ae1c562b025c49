"""Makes VMs: what all operations that make one do alike.

A VM gets the digest of its spec last. Without it, it is no VM, only something that the next call
removes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from nova_virt_interface.call import current_call
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.values.disks import Media
from nova_virt_interface.values.vm import VmSpec
from nova_virt_interface.values.volumes import Volume

from nova_virt_xenapi import translate
from nova_virt_xenapi.cache import Cache
from nova_virt_xenapi.disks import Disks, OldDisk
from nova_virt_xenapi.marks import SPEC, VmMark, complete_mark
from nova_virt_xenapi.nics import Nics
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.session import Session

__all__ = ["Construction"]


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

    def begin(self, spec: VmSpec, mark: VmMark) -> str:
        """A VM without devices."""
        vm: str = self.session.call("VM.create", translate.vm_record(spec, mark, self.pool))
        return vm

    def fill(
        self,
        vm: str,
        vm_uuid: UUID,
        spec: VmSpec,
        *,
        there: Mapping[str, OldDisk] | None = None,
        old: Mapping[str, OldDisk] | None = None,
    ) -> None:
        """Give a VM its devices.

        Args:
            vm: its reference.
            vm_uuid: core's name for it.
            spec: what it is to have.
            there: disks that there are already, by key; media and volumes are connected anew.
            old: disks whose content others of the same key begin with.
        """
        there, old = there or {}, old or {}
        if spec.settings.tpm is not None:
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
