"""What the host has, and what its VMs are and use: each a number of questions that does not grow
with the VMs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import libvirt
from nova_virt_interface.values.host import HostInventory
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.vm import VmState, VmStatistics

from nova_virt_libvirt.capabilities import Capabilities
from nova_virt_libvirt.census import Census
from nova_virt_libvirt.domains import Domains, domain_state
from nova_virt_libvirt.errors import is_code
from nova_virt_libvirt.session import Session
from nova_virt_libvirt.storage import Storage
from nova_virt_libvirt.translate import power_state, vm_statistics

__all__ = ["ALL_STATISTICS", "Inventory"]

_KIB = 1024
_MIB = 1024 * 1024
ALL_STATISTICS = (
    libvirt.VIR_DOMAIN_STATS_STATE
    | libvirt.VIR_DOMAIN_STATS_CPU_TOTAL
    | libvirt.VIR_DOMAIN_STATS_BALLOON
    | libvirt.VIR_DOMAIN_STATS_VCPU
    | libvirt.VIR_DOMAIN_STATS_INTERFACE
    | libvirt.VIR_DOMAIN_STATS_BLOCK
)
"""What `Inventory.statistics` asks libvirt for."""


_STATE_ALONE = 2
"""State and reason: what libvirt says of a domain of which it measures nothing."""
_SAVED = libvirt.VIR_DOMAIN_SHUTOFF_SAVED


class Inventory:
    """Measures one backend."""

    def __init__(
        self,
        session: Session,
        storage: Storage,
        domains: Domains,
        census: Census,
        host: Capabilities,
    ) -> None:
        self._session = session
        self._storage = storage
        self._domains = domains
        self._census = census
        self._host = host

    def inventory(self) -> HostInventory:
        """See `IHypervisor.inventory`."""
        with self._session.use(about="the host's inventory") as connection:
            total, free = _memory(connection)
            storage, storage_free = self._storage.capacity(connection)
            return HostInventory(
                vcpus=self._host.vcpus,
                memory_bytes=total,
                memory_free_bytes=free,
                storage_bytes=storage,
                storage_free_bytes=storage_free,
                storage_id=self._storage.shared_as or None,
            )

    def list_vms(self) -> tuple[VmState, ...]:
        """See `IHypervisor.list_vms`."""
        with self._session.use(about="the states of all VMs") as connection:
            rows = connection.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE, 0)
            return tuple(
                entry.state(_state(saved, row)) for entry, row, saved in self._census.entries(rows)
            )

    def get_vm(self, vm_uuid: UUID) -> VmState:
        """See `IHypervisor.get_vm`."""
        with self._session.use(about=f"VM {vm_uuid}") as connection:
            domain, description, _ = self._domains.ours(connection, vm_uuid)
            state = domain_state(domain)
            if state in (PowerState.STOPPED, PowerState.SUSPENDED):
                self._census.note_saved(vm_uuid, state is PowerState.SUSPENDED)
            return VmState(
                vm_uuid=vm_uuid,
                name=description.label,
                power_state=state,
                disk_keys=tuple(disk.key for disk in description.disks if disk.key),
                nic_keys=tuple(description.nic_keys),
            )

    def statistics(self) -> tuple[VmStatistics, ...]:
        """See `IHypervisor.statistics`."""
        with self._session.use(about="the statistics of all VMs") as connection:
            rows = connection.getAllDomainStats(ALL_STATISTICS, self._host.statistics_flags)
            return tuple(
                vm_statistics(entry.vm_uuid, _state(saved, row), row, entry.nic_keys)
                if len(row) > _STATE_ALONE
                else entry.without_numbers(_state(saved, row))
                for entry, row, saved in self._census.entries(rows)
            )


def _state(saved: bool | None, row: Mapping[str, Any]) -> PowerState:
    if saved is None:
        saved = row.get("state.reason") == _SAVED
    return power_state(row.get("state.state"), is_saved=saved)


def _memory(connection: Any) -> tuple[int, int]:
    try:
        numbers = connection.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS)
    except libvirt.libvirtError as error:
        if not is_code(error, libvirt.VIR_ERR_NO_SUPPORT):
            raise
        return connection.getInfo()[1] * _MIB, connection.getFreeMemory()
    # The host gives its file cache back when a guest needs memory.
    free = sum(numbers.get(part, 0) for part in ("free", "buffers", "cached"))
    return numbers["total"] * _KIB, free * _KIB
