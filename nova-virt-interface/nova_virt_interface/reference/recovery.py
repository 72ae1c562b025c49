"""The reference driver's VMs whose old host is gone."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.call import current_call
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Conflict, NotFound, Resource
from nova_virt_interface.reference import host_recovery, translate
from nova_virt_interface.reference._part import Part
from nova_virt_interface.reference.errors import translated
from nova_virt_interface.reference.host import Image
from nova_virt_interface.values.disks import FromImage
from nova_virt_interface.values.recovery import AdoptVmRequest, ReleaseVmRequest
from nova_virt_interface.values.vm import VmSpec

__all__ = ["RecoveryPart"]


class RecoveryPart(Part):
    """Provides `IRecovery`."""

    def find_disks(self, vm_uuid: UUID) -> tuple[str, ...]:
        """See `IRecovery`."""
        with translated():
            return tuple(host_recovery.disks_of(self._host, vm_uuid, self._mark(vm_uuid)))

    def adopt_vm(self, vm_uuid: UUID, request: AdoptVmRequest) -> None:
        """See `IRecovery`."""
        current_call().check()
        spec = request.spec
        translate.check_vm(spec, self._description)
        with translated():
            existing = next((vm for vm in self._host.vms() if vm.uuid == vm_uuid), None)
            if existing is None:
                vm = translate.vm(vm_uuid, spec, self._mark(vm_uuid), self._stand_ins(spec))
                host_recovery.adopt(self._host, vm)
            elif existing.owner != self._mark(vm_uuid) or existing.digest != spec_digest(spec):
                raise Conflict(
                    f"VM {vm_uuid} exists with another spec",
                    remedy="delete it first",
                    resource=Resource.VM,
                    name=str(vm_uuid),
                )

    def _stand_ins(self, spec: VmSpec) -> dict[str, Image]:
        # The disks are there: their images need not be.
        keys = [disk.source.image_key for disk in spec.disks if isinstance(disk.source, FromImage)]
        return dict.fromkeys(keys, Image(format="raw", content=b""))

    def release_vm(self, vm_uuid: UUID, request: ReleaseVmRequest) -> None:
        """See `IRecovery`."""
        try:
            self._ours(vm_uuid)
        except NotFound:
            return
        with translated():
            host_recovery.release(self._host, vm_uuid)
