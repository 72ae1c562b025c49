"""VMs whose host is gone, but whose disks this host reaches."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Conflict, NotFound, Resource
from nova_virt_interface.values.disks import Media
from nova_virt_interface.values.recovery import AdoptVmRequest, ReleaseVmRequest
from nova_virt_interface.values.vm import VmSpec
from nova_virt_interface.values.volumes import Volume

from nova_virt_xenapi import translate
from nova_virt_xenapi.cache import Cache
from nova_virt_xenapi.lifecycle import require_no_place
from nova_virt_xenapi.marks import MEDIUM
from nova_virt_xenapi.pool import check_vm
from nova_virt_xenapi.replacement import Replacement
from nova_virt_xenapi.session import undone_by
from nova_virt_xenapi.settings import check_tpm_stays

__all__ = ["Recovery"]


@dataclass(frozen=True)
class Recovery(Replacement):
    """Adoption of disks on a shared storage repository."""

    _cache: Cache

    def find_disks(self, vm_uuid: UUID) -> tuple[str, ...]:
        """See `IRecovery.find_disks`."""
        with self._session.operation(f"disks of VM {vm_uuid}"):
            self._cache.sync()
            return tuple(sorted(self._disks.of_uuid(vm_uuid)))

    def adopt_vm(self, vm_uuid: UUID, request: AdoptVmRequest) -> None:
        """See `IRecovery.adopt_vm`."""
        spec = request.spec
        check_vm(spec, self._pool)
        check_tpm_stays(spec.settings)
        with self._session.operation(f"VM {vm_uuid}"):
            found = self._records.claim(vm_uuid, also_elsewhere=True)
            for vm in found:
                if vm.is_complete:
                    _require_equal(vm_uuid, vm.mark.spec or "", spec)
                    return
            require_no_place(vm_uuid, found)
            self._construction.networks(spec)
            disks = self._disks.of_uuid(vm_uuid)
            for disk in spec.disks:
                if not isinstance(disk.source, Media | Volume) and disk.key not in disks:
                    raise NotFound(
                        f"disk {disk.key} of VM {vm_uuid} is not to be found",
                        resource=Resource.DISK,
                        name=disk.key,
                    )
            with undone_by(lambda: self._clean(vm_uuid)):
                self._clean(vm_uuid)
                self._reset(vm_uuid)
                mark = self._records.mark(vm_uuid)
                new = self._construction.begin(spec, mark, self._records.nvram(vm_uuid))
                self._construction.fill(new, vm_uuid, spec, there=disks)
                self._construction.complete(new, spec)

    def release_vm(self, vm_uuid: UUID, request: ReleaseVmRequest) -> None:
        """See `IRecovery.release_vm`."""
        with self._session.operation(f"VM {vm_uuid}"):
            # On storage of this host's own nobody can have adopted anything.
            kind = MEDIUM if self._pool.storage_id is not None else None
            self._lifecycle.remove(self._records.every(vm_uuid), vm_uuid, kind=kind)

    def _reset(self, vm_uuid: UUID) -> None:
        """Let the pool know that the VM is off which it believes to run on a host that is dead:
        until then its disks are in use.
        """
        for vm in self._records.anywhere(vm_uuid):
            host = vm.record["resident_on"]
            if host in (translate.NULL, self._pool.host):
                continue
            metrics = self._session.call("host.get_metrics", host)
            if not self._session.call("host_metrics.get_live", metrics):
                self._session.call("VM.power_state_reset", vm.ref)

    def _clean(self, vm_uuid: UUID) -> None:
        """Remove what is not complete; the disks stay."""
        parts = [vm for vm in self._records.every(vm_uuid) if vm.mark.spec is None]
        self._lifecycle.remove(parts, vm_uuid, kind=MEDIUM)


def _require_equal(vm_uuid: UUID, digest: str, spec: VmSpec) -> None:
    if digest != spec_digest(spec):
        raise Conflict(
            f"{vm_uuid} is a VM of another spec",
            remedy="delete that VM first",
            resource=Resource.VM,
            name=str(vm_uuid),
        )
