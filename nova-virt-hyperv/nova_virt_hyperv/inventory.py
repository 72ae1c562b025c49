"""What the host has, and what its VMs are and use."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from nova_virt_interface.errors import AccessDenied, BackendError, NotFound
from nova_virt_interface.states import ON
from nova_virt_interface.values.host import HostInventory
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.vm import VmState, VmStatistics

from nova_virt_hyperv.cim import CIMV2, Instance, Reference, equals, select, wql_text
from nova_virt_hyperv.conf import Settings
from nova_virt_hyperv.machines import Entry, Machine, Machines, Services, about_vm
from nova_virt_hyperv.mark import DeviceName
from nova_virt_hyperv.translate import MIB
from nova_virt_hyperv.wmi import Wmi

__all__ = [
    "Inventory",
    "computer",
    "find_services",
    "free_storage_bytes",
    "operating_system",
    "statistics_of",
]

_KIB = 1024
# ResourceType of an Ethernet port.
_NIC = 10


class Inventory:
    """The host and its VMs, measured."""

    def __init__(self, wmi: Wmi, machines: Machines, settings: Settings) -> None:
        self._wmi = wmi
        self._machines = machines
        self._settings = settings

    def inventory(self) -> HostInventory:
        """See `IHypervisor.inventory`."""
        system = computer(self._wmi)
        memory = operating_system(self._wmi)
        size, free = _drive(self._wmi, self._settings)
        return HostInventory(
            vcpus=system.number("NumberOfLogicalProcessors") or 0,
            memory_bytes=system.number("TotalPhysicalMemory") or 0,
            memory_free_bytes=(memory.number("FreePhysicalMemory") or 0) * _KIB,
            storage_bytes=size,
            storage_free_bytes=free,
            storage_id=self._settings.storage_id or None,
        )

    def list_vms(self) -> tuple[VmState, ...]:
        """See `IHypervisor.list_vms`."""
        return tuple(_state(entry) for entry in self._machines.census())

    def get_vm(self, vm_uuid: UUID) -> VmState:
        """See `IHypervisor.get_vm`."""

        def look(machine: Machine) -> VmState:
            state = _state(self._machines.entry(machine, vm_uuid))
            pattern = wql_text(f"Microsoft:{machine.guid}\\%")
            rows = self._wmi.query(
                select("CIM_ResourceAllocationSettingData", f"InstanceID LIKE {pattern}"),
                about=about_vm(vm_uuid),
            )
            names = [(row, DeviceName.read(row.text("ElementName"))) for row in rows]
            keys = [(row.number("ResourceType") == _NIC, name.key) for row, name in names if name]
            return replace(
                state,
                disk_keys=tuple(key for is_nic, key in keys if not is_nic),
                nic_keys=tuple(key for is_nic, key in keys if is_nic),
            )

        return self._machines.on(vm_uuid, look, reads=True)

    def statistics(self) -> tuple[VmStatistics, ...]:
        """See `IHypervisor.statistics`. Processor time, disks and NICs are not in the summary."""
        return tuple(statistics_of(entry) for entry in self._machines.census())


def computer(wmi: Wmi) -> Instance:
    """The host's Win32_ComputerSystem."""
    return _only(wmi, select("Win32_ComputerSystem"))


def operating_system(wmi: Wmi) -> Instance:
    """The host's Win32_OperatingSystem."""
    return _only(wmi, select("Win32_OperatingSystem"))


def free_storage_bytes(wmi: Wmi, settings: Settings) -> int:
    """What is free on the drive of the storage path."""
    return _drive(wmi, settings)[1]


def find_services(wmi: Wmi, host_name: str) -> Services:
    """The host's services; raises AccessDenied if the account cannot see them."""
    return Services(
        host_name=host_name,
        machines=_service(wmi, "Msvm_VirtualSystemManagementService"),
        disk_files=_service(wmi, "Msvm_ImageManagementService"),
        checkpoints=_service(wmi, "Msvm_VirtualSystemSnapshotService"),
        migration=_service(wmi, "Msvm_VirtualSystemMigrationService"),
        security=_optional_service(wmi, "Msvm_SecurityService"),
    )


def _optional_service(wmi: Wmi, class_name: str) -> Reference | None:
    try:
        return next(iter(wmi.references(class_name)), None)
    except NotFound:
        return None


def _service(wmi: Wmi, class_name: str) -> Reference:
    # To an account without the right Hyper-V shows nothing, instead of an error.
    found = wmi.references(class_name)
    if not found:
        raise AccessDenied(
            f"the host shows no {class_name} to this account",
            remedy="put the account into the host's group Hyper-V Administrators, and check that "
            "the role Hyper-V is installed",
        )
    return found[0]


def _only(wmi: Wmi, wql: str) -> Instance:
    found = wmi.query(wql, CIMV2)
    if not found:
        raise BackendError("the host does not describe itself", detail=wql)
    return found[0]


def _drive(wmi: Wmi, settings: Settings) -> tuple[int, int]:
    """Size and free bytes of the drive of the storage path."""
    letter = equals("DeviceID", settings.storage_path[:2])
    disk = _only(wmi, select("Win32_LogicalDisk", letter))
    return disk.number("Size") or 0, disk.number("FreeSpace") or 0


def _state(entry: Entry) -> VmState:
    return VmState(vm_uuid=entry.uuid, name=entry.name, power_state=entry.state)


def statistics_of(entry: Entry) -> VmStatistics:
    """What the summary of a VM tells of its use."""
    memory = None if entry.memory_mib is None else entry.memory_mib * MIB
    runs = entry.state is PowerState.RUNNING
    load = entry.load_percent if runs else None
    return VmStatistics(
        vm_uuid=entry.uuid,
        power_state=entry.state,
        vcpus=entry.vcpus,
        cpu_load=None if load is None else min(1.0, load / 100),
        uptime_seconds=entry.uptime_ms // 1000 if entry.state in ON else None,
        memory_bytes=memory,
        memory_used_bytes=memory,
    )
