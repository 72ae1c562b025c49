"""Makes and deletes VMs."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Conflict, NotFound, Resource
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec
from nova_virt_interface.values.volumes import Volume

from nova_virt_xenapi.arrivals import Arrivals
from nova_virt_xenapi.construction import Construction
from nova_virt_xenapi.disks import Disks
from nova_virt_xenapi.pool import Pool, check_vm
from nova_virt_xenapi.power import Power
from nova_virt_xenapi.records import Found, Records
from nova_virt_xenapi.session import Session, undone_by
from nova_virt_xenapi.volumes import Volumes

__all__ = ["Lifecycle", "require_no_place"]


class Lifecycle:
    """The VMs of one owner, from making to deletion."""

    def __init__(
        self,
        session: Session,
        records: Records,
        power: Power,
        construction: Construction,
        disks: Disks,
        pool: Pool,
        volumes: Volumes,
        arrivals: Arrivals,
    ) -> None:
        self._session = session
        self._records = records
        self._power = power
        self._construction = construction
        self._disks = disks
        self._pool = pool
        self._volumes = volumes
        self._arrivals = arrivals

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        """See `IHypervisor.create_vm`."""
        check_vm(spec, self._pool)
        with self._session.operation(f"VM {vm_uuid}"):
            found = self._records.claim(vm_uuid, certain=False)
            if _is_made(vm_uuid, found, spec):
                return
            require_no_place(vm_uuid, found)
            for disk in spec.disks:
                self._disks.check(disk)
            self._construction.networks(spec)
            if found:
                self._undo(vm_uuid, [])
            begun: list[str] = []
            with undone_by(lambda: self._undo(vm_uuid, begun)):
                begun.append(self._construction.begin(spec, self._records.mark(vm_uuid)))
                if not self._is_alone(vm_uuid, begun[0], spec):
                    self._undo(vm_uuid, begun)
                    return
                self._construction.fill(begun[0], vm_uuid, spec)
                self._construction.complete(begun[0], spec)

    def delete_vm(self, vm_uuid: UUID, request: DeleteVmRequest) -> None:
        """See `IHypervisor.delete_vm`."""
        with self._session.operation(f"VM {vm_uuid}"):
            self._remove(vm_uuid)

    def remove(self, vms: list[Found], vm_uuid: UUID, *, kind: str | None = None) -> None:
        """Remove these VMs, and then those disks of the uuid that no VM is connected to."""
        if vms:
            self._arrivals.is_here(vm_uuid)
        for vm in vms:
            if vm.mark.host_uuid != self._pool.host_uuid:
                # It came, and nobody has finished its migration.
                self._arrivals.adopt(vm)
            self._arrivals.dismiss(vm)
            self._power.turn_off(vm)
            with suppress(NotFound):
                self._session.call("VM.destroy", vm.ref)
        self._disks.remove(vm_uuid, kind=kind)
        self._volumes.release_unused()

    def leave_volumes(self) -> None:
        """Disconnect the host from volumes that VMs of other hosts alone have."""
        self._volumes.leave({vm.ref for vm in self._records.all()})

    def join_volumes(self, spec: VmSpec) -> None:
        """Connect the host to the volumes of a VM that is to come."""
        for disk in spec.disks:
            if isinstance(disk.source, Volume):
                self._volumes.connect(disk.source)

    def _is_alone(self, vm_uuid: UUID, begun: str, spec: VmSpec) -> bool:
        """Whether nobody else had the uuid when this VM was begun; False if that one is equal;
        raises Conflict. All that was there before the VM is seen when the VM is.
        """
        found = self._records.claim(vm_uuid, certain=False)
        others = [vm for vm in found if vm.ref != begun]
        if _is_made(vm_uuid, others, spec):
            return False
        require_no_place(vm_uuid, others)
        return True

    def _undo(self, vm_uuid: UUID, begun: list[str]) -> None:
        """Remove what was begun, and what nobody has finished."""
        every = self._records.every(vm_uuid)
        begins = [vm for vm in every if vm.ref in begun or not (vm.mark.spec or vm.mark.incoming)]
        self.remove(begins, vm_uuid)

    def _remove(self, vm_uuid: UUID) -> None:
        self.remove(self._records.every(vm_uuid), vm_uuid)


def _is_made(vm_uuid: UUID, found: list[Found], spec: VmSpec) -> bool:
    """Whether the VM is there already; raises Conflict for one of another spec."""
    complete = [vm.mark.spec for vm in found if vm.is_complete]
    if complete:
        _require_equal(vm_uuid, complete[0] or "", spec)
    return bool(complete)


def require_no_place(vm_uuid: UUID, found: list[Found]) -> None:
    """Refuse to use a uuid whose place is taken by a VM that is to come."""
    if any(vm.mark.incoming for vm in found):
        raise Conflict(
            f"{vm_uuid} is expected from another host",
            remedy="let it come, or cancel that, first",
            resource=Resource.VM,
            name=str(vm_uuid),
        )


def _require_equal(vm_uuid: UUID, digest: str, spec: VmSpec) -> None:
    if digest != spec_digest(spec):
        raise Conflict(
            f"{vm_uuid} is a VM of another spec",
            remedy="use another uuid, or delete that VM first",
            resource=Resource.VM,
            name=str(vm_uuid),
        )
