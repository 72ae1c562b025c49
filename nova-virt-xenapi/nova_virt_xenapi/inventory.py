"""What the host and its VMs are and use, in bulk."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from nova_virt_interface.values.host import HostInventory
from nova_virt_interface.values.vm import VmState, VmStatistics

from nova_virt_xenapi import translate
from nova_virt_xenapi.marks import device_mark
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.records import Records
from nova_virt_xenapi.session import Session

__all__ = ["Inventory"]


class Inventory:
    """Reads only."""

    def __init__(self, session: Session, records: Records, pool: Pool) -> None:
        self._session = session
        self._records = records
        self._pool = pool

    def inventory(self) -> HostInventory:
        """See `IHypervisor.inventory`."""
        with self._session.operation("the host's resources"):
            cpus = self._session.call("host.get_cpu_info", self._pool.host)
            memory = self._session.call("host_metrics.get_memory_total", self._pool.host_metrics)
            free = self._session.call("host.compute_free_memory", self._pool.host)
            storage = self._session.call("SR.get_record", self._pool.storage)
        size, used = int(storage["physical_size"]), int(storage["physical_utilisation"])
        return HostInventory(
            vcpus=int(cpus["cpu_count"]),
            memory_bytes=int(memory),
            memory_free_bytes=int(free),
            storage_bytes=size,
            storage_free_bytes=max(0, size - used),
        )

    def list_vms(self) -> tuple[VmState, ...]:
        """See `IHypervisor.list_vms`."""
        with self._session.operation("all VMs"):
            return tuple(translate.vm_state(vm.mark, vm.record) for vm in self._records.all())

    def get_vm(self, vm_uuid: UUID) -> VmState:
        """See `IHypervisor.get_vm`."""
        with self._session.operation(f"VM {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            return replace(
                translate.vm_state(vm.mark, vm.record),
                disk_keys=self._keys("VBD", vm.record["VBDs"]),
                nic_keys=self._keys("VIF", vm.record["VIFs"]),
            )

    def _keys(self, kind: str, refs: list[str]) -> tuple[str, ...]:
        records = self._session.call(f"{kind}.get_all_records") if refs else {}
        marks = (device_mark(record) for ref, record in records.items() if ref in refs)
        return tuple(mark.key for mark in marks if mark is not None)

    def statistics(self) -> tuple[VmStatistics, ...]:
        """See `IHypervisor.statistics`."""
        with self._session.operation("all VMs"):
            metrics = self._session.call("VM_metrics.get_all_records")
            return tuple(
                translate.vm_statistics(vm.mark, vm.record, metrics.get(vm.record["metrics"]))
                for vm in self._records.all()
            )
