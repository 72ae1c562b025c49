"""What the host and its VMs are and use, in bulk."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.values.host import HostInventory
from nova_virt_interface.values.vm import VmState

from nova_virt_xenapi import translate
from nova_virt_xenapi.cache import Cache
from nova_virt_xenapi.marks import device_mark
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.records import Found, Records
from nova_virt_xenapi.session import Session

__all__ = ["Inventory"]


class Inventory:
    """Reads only."""

    def __init__(self, session: Session, cache: Cache, records: Records, pool: Pool) -> None:
        self._session = session
        self._cache = cache
        self._records = records
        self._pool = pool

    def inventory(self) -> HostInventory:
        """See `IHypervisor.inventory`."""
        with self._session.operation("the host's resources"):
            # xapi computes it anew, and keeps it in no record.
            free = self._session.call("host.compute_free_memory", self._pool.host)
            cpus = self._cache.row("host", self._pool.host)["cpu_info"]
            memory = self._cache.row("host_metrics", self._pool.host_metrics)["memory_total"]
            storage = self._cache.row("SR", self._pool.storage)
        size, used = int(storage["physical_size"]), int(storage["physical_utilisation"])
        return HostInventory(
            vcpus=int(cpus["cpu_count"]),
            memory_bytes=int(memory),
            memory_free_bytes=int(free),
            storage_bytes=size,
            storage_free_bytes=max(0, size - used),
            storage_id=self._pool.storage_id,
        )

    def list_vms(self) -> tuple[VmState, ...]:
        """See `IHypervisor.list_vms`."""
        with self._session.operation("all VMs"):
            return tuple(translate.vm_state(vm.mark, vm.record) for vm in self._records.all())

    def get_vm(self, vm_uuid: UUID) -> VmState:
        """See `IHypervisor.get_vm`."""
        with self._session.operation(f"VM {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            disks, nics = self._keys("VBD", vm), self._keys("VIF", vm)
            return translate.vm_state(vm.mark, vm.record, disks, nics)

    def _keys(self, class_name: str, vm: Found) -> tuple[str, ...]:
        records = self._cache.rows(class_name)
        marks = (device_mark(records[ref]) for ref in vm.record[f"{class_name}s"] if ref in records)
        return tuple(mark.key for mark in marks if mark is not None)
