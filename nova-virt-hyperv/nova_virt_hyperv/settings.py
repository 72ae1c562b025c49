"""What a VM is beside its devices: processors, memory and firmware."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.values.guest_settings import CpuMode, Firmware
from nova_virt_interface.values.vm import VmSpec

from nova_virt_hyperv.cim import Embedded, Instance, Number, embedded
from nova_virt_hyperv.devices import Devices
from nova_virt_hyperv.errors import About
from nova_virt_hyperv.machines import Machine
from nova_virt_hyperv.translate import MIB, SMALLEST_MEMORY_MIB, numa_cell

__all__ = ["Hardware", "firmware_settings", "hardware_settings", "startup_memory_mib"]

_MEMORY, _PROCESSOR = "Msvm_MemorySettingData", "Msvm_ProcessorSettingData"
_WHOLE_PROCESSOR = Number(100000, "uint64")
# How large a NUMA cell is at most, in MiB and in vCPUs.
_PER_CELL = {
    _MEMORY: "MaxMemoryBlocksPerNumaNode",
    _PROCESSOR: "MaxProcessorsPerNumaNode",
}


class Hardware:
    """Processors and memory of VMs of one host."""

    def __init__(self, devices: Devices, memory_ratio: float) -> None:
        self._devices = devices
        self._memory_ratio = memory_ratio

    def change(self, machine: Machine, vm_uuid: UUID, spec: VmSpec) -> None:
        """Give a stopped VM the processors and the memory of a description."""
        about = About(f"hardware of VM {vm_uuid}")
        texts = []
        for class_name, properties in hardware_settings(spec, self._memory_ratio).items():
            [row] = self._devices.rows(machine, class_name, about)
            named: dict[str, Embedded] = {"InstanceID": row.text("InstanceID")}
            if not spec.settings.numa_cells:
                named |= self._own_cells(class_name, row)
            texts.append(embedded(class_name, named | properties))
        self._devices.modify(texts, about)

    def _own_cells(self, class_name: str, row: Instance) -> dict[str, Embedded]:
        """The size of a NUMA cell that the host gives a VM by itself, if the VM has another."""
        name = _PER_CELL[class_name]
        for default in self._devices.defaults(class_name):
            size = default.number(name)
            if size is not None and size != row.number(name):
                return {name: Number(size, "uint64")}
        return {}


def startup_memory_mib(memory_bytes: int, ratio: float) -> int:
    """What a VM starts with: all of its memory, or with dynamic memory a part of it."""
    if ratio == 1:
        return memory_bytes // MIB
    # Hyper-V gives memory in steps of two MiB.
    return max(SMALLEST_MEMORY_MIB, int(memory_bytes / MIB / ratio) // 2 * 2)


def hardware_settings(spec: VmSpec, memory_ratio: float) -> dict[str, dict[str, Embedded]]:
    """Properties of a VM's memory and processors, by class."""
    startup = Number(startup_memory_mib(spec.memory_bytes, memory_ratio), "uint64")
    cpu = spec.settings.cpu
    cell = numa_cell(spec)
    cells: dict[str, dict[str, Embedded]] = {_MEMORY: {}, _PROCESSOR: {}}
    if cell is not None:
        for class_name, size in (
            (_MEMORY, cell.memory_bytes // MIB),
            (_PROCESSOR, len(cell.vcpus)),
        ):
            cells[class_name] = {_PER_CELL[class_name]: Number(size, "uint64")}
    return {
        _MEMORY: {
            "ResourceType": Number(4, "uint16"),
            "ResourceSubType": "Microsoft:Hyper-V:Memory",
            "VirtualQuantity": startup,
            "Reservation": startup,
            "Limit": Number(spec.memory_bytes // MIB, "uint64"),
            "DynamicMemoryEnabled": memory_ratio > 1,
            **cells[_MEMORY],
        },
        _PROCESSOR: {
            "ResourceType": Number(3, "uint16"),
            "ResourceSubType": "Microsoft:Hyper-V:Processor",
            "VirtualQuantity": Number(spec.vcpus, "uint64"),
            "Limit": _WHOLE_PROCESSOR,
            # The features that all processors of the vendor have, so that a like host takes the VM.
            "LimitProcessorFeatures": cpu is not None and cpu.mode is CpuMode.HOST_MODEL,
            **cells[_PROCESSOR],
        },
    }


def firmware_settings(spec: VmSpec, firmware: Firmware, template: str) -> dict[str, Embedded]:
    """Properties of a VM's firmware; the template names whose signatures it trusts."""
    if firmware is not Firmware.UEFI:
        return {}
    if not spec.settings.secure_boot:
        return {"SecureBootEnabled": False}
    return {"SecureBootEnabled": True, "SecureBootTemplateId": template}
