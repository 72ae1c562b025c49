"""Pure functions: a VM's disks, media and NICs as changes of its virtual hardware."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.disks import Blank, DiskBus, DiskSpec, Media
from nova_virt_interface.values.guest_settings import Firmware, GuestSettings
from nova_virt_interface.values.nics import NicModel, NicSpec
from pyVmomi import vim

__all__ = [
    "SCSI_BUSES",
    "Slot",
    "added_disk",
    "added_nic",
    "added_serial_port",
    "at_slot",
    "boot_order",
    "bus_numbers",
    "bus_of",
    "capacity_kib",
    "controllers",
    "ejected",
    "firmware_name",
    "free_slots",
    "grown",
    "inserted",
    "of_mac",
    "place_of",
    "plugged",
    "plugged_card",
    "removed",
    "serial_file",
    "settings_fields",
    "slots_by_key",
    "slots_taken",
]

_device = vim.vm.device
_FILES = _device.VirtualDeviceSpec.FileOperation
_ADD = _device.VirtualDeviceSpec.Operation.add
_EDIT = _device.VirtualDeviceSpec.Operation.edit
_REMOVE = _device.VirtualDeviceSpec.Operation.remove


class _Bus(NamedTuple):
    controller: Any
    units: tuple[int, ...]
    number: int = 0


# The controller of a SCSI bus is unit 7 on it.
_SCSI_UNITS = (*range(7), *range(8, 16))
# SCSI controllers of all kinds are numbered together.
_BUSES = {
    "pvscsi": _Bus(_device.ParaVirtualSCSIController, _SCSI_UNITS),
    "lsilogic": _Bus(_device.VirtualLsiLogicController, _SCSI_UNITS, 1),
    "sata": _Bus(_device.VirtualAHCIController, tuple(range(30))),
    "nvme": _Bus(_device.VirtualNVMEController, tuple(range(15))),
    "ide": _Bus(_device.VirtualIDEController, (0, 1)),
}
# Every VM has two IDE controllers from the start; of these keys, the first is ours.
_BUILT_IN = {"ide": 200}
_BUS_NAMES = {
    None: "pvscsi",
    DiskBus.PARAVIRTUAL_SCSI: "pvscsi",
    DiskBus.SCSI: "lsilogic",
    DiskBus.SATA: "sata",
    DiskBus.NVME: "nvme",
    DiskBus.IDE: "ide",
}
SCSI_BUSES = ("pvscsi", "lsilogic")
_CARDS = {
    None: _device.VirtualVmxnet3,
    NicModel.VMXNET3: _device.VirtualVmxnet3,
    NicModel.E1000E: _device.VirtualE1000e,
    NicModel.E1000: _device.VirtualE1000,
}
_FIRMWARE = {None: "bios", Firmware.BIOS: "bios", Firmware.UEFI: "efi"}


class Slot(NamedTuple):
    """Where a disk is plugged in: it stays the same when vSphere moves or renames the files."""

    bus: str
    unit: int

    def __str__(self) -> str:
        return f"{self.bus}:{self.unit}"

    @classmethod
    def parse(cls, text: str) -> Slot:
        """Read what ``str`` made."""
        bus, _, unit = text.partition(":")
        return cls(bus, int(unit))


def firmware_name(settings: GuestSettings) -> str:
    """The firmware as vSphere names it; secure boot and a TPM need UEFI."""
    needs_uefi = settings.secure_boot or settings.tpm is not None
    return "efi" if needs_uefi else _FIRMWARE[settings.firmware]


def boot_order(keys: Sequence[int]) -> vim.vm.ConfigSpec:
    """What makes the firmware try disks of these device keys in this order."""
    entry = vim.vm.BootOptions.BootableDiskDevice
    order = [entry(deviceKey=key) for key in keys]
    return vim.vm.ConfigSpec(bootOptions=vim.vm.BootOptions(bootOrder=order))


def settings_fields(settings: GuestSettings) -> dict[str, Any]:
    """The fields of a configuration that make these settings."""
    cpu, memory = settings.cpu, settings.memory
    fields: dict[str, Any] = {}
    if settings.secure_boot:
        fields["bootOptions"] = vim.vm.BootOptions(efiSecureBootEnabled=True)
    if cpu is not None and cpu.cores is not None:
        fields["numCoresPerSocket"] = cpu.cores
    if memory is not None and memory.locked:
        # All of it reserved is memory that the host never swaps out.
        fields["memoryReservationLockedToMax"] = True
    return fields | {"firmware": firmware_name(settings)}


def bus_of(spec: DiskSpec) -> str:
    """The bus that a disk is plugged into."""
    return "sata" if isinstance(spec.source, Media) else _BUS_NAMES[spec.bus]


def free_slots(disks: Sequence[DiskSpec], taken: Iterable[Slot]) -> dict[str, Slot]:
    """Disk key → a free slot, the lowest for what the firmware is to try first."""
    used = set(taken)
    found = {}
    for disk in sorted(disks, key=lambda disk: (disk.boot_index is None, disk.boot_index)):
        bus = bus_of(disk)
        slot = next((s for unit in _BUSES[bus].units if (s := Slot(bus, unit)) not in used), None)
        if slot is None:
            raise Unsupported(
                f"disks[{disk.key}]: there is no room on its bus",
                remedy="use fewer disks, or another bus",
                field=f"disks[{disk.key}].bus",
            )
        used.add(slot)
        found[disk.key] = slot
    return found


def slots_taken(hardware: Sequence[Any]) -> set[Slot]:
    """The slots that have a device."""
    keys = {key: bus for bus, key in controllers(hardware).items()}
    return {
        Slot(keys[device.controllerKey], device.unitNumber)
        for device in hardware
        if device.controllerKey in keys and device.unitNumber is not None
    }


def slots_by_key(marks: Mapping[str, str], prefix: str) -> dict[str, Slot]:
    """Key of a disk or medium → its slot, from a VM's marks."""
    return {
        name.removeprefix(prefix): Slot.parse(mark.partition(" ")[0])
        for name, mark in marks.items()
        if name.startswith(prefix)
    }


def bus_numbers(hardware: Sequence[Any]) -> dict[str, int]:
    """Bus → number of its controller, as a guest counts them."""
    numbers = {device.key: device.busNumber for device in hardware if _is_controller(device)}
    return {bus: numbers[key] for bus, key in controllers(hardware).items()}


def _is_controller(device: Any) -> bool:
    return isinstance(device, _device.VirtualController)


def controllers(hardware: Sequence[Any]) -> dict[str, int]:
    """Bus → device key of its controller, for those that a VM has."""
    return {
        bus: device.key
        for bus, kind in _BUSES.items()
        for device in hardware
        if type(device) is kind.controller and device.key == _BUILT_IN.get(bus, device.key)
    }


def added_controllers(
    buses: Iterable[str], present: dict[str, int]
) -> list[vim.vm.device.VirtualDeviceSpec]:
    """Controllers for these buses; `present` learns their keys, which are replaced on adding."""
    changes = []
    present |= {bus: key for bus, key in _BUILT_IN.items() if bus not in present}
    for bus in sorted(set(buses) - present.keys()):
        present[bus] = -1 - len(present)
        made = _BUSES[bus].controller(key=present[bus], busNumber=_BUSES[bus].number)
        if bus in SCSI_BUSES:
            made.sharedBus = _device.VirtualSCSIController.Sharing.noSharing
        changes.append(_device.VirtualDeviceSpec(operation=_ADD, device=made))
    return changes


def capacity_kib(size_bytes: int | None) -> int:
    """A disk's size in the unit that vSphere counts in, rounded up."""
    return -(-(size_bytes or 0) // 1024)


def added_disk(
    spec: DiskSpec, slot: Slot, controller_key: int, file: str, *, replace: bool = False
) -> vim.vm.device.VirtualDeviceSpec:
    """A disk or medium. A blank disk's file is made by this change, all others exist already."""
    size = None if isinstance(spec.source, Media) else capacity_kib(spec.size_bytes)
    change = plugged(slot, controller_key, file, size)
    if isinstance(spec.source, Blank):
        change.fileOperation = _FILES.replace if replace else _FILES.create
    return change


def plugged(
    slot: Slot, controller_key: int, file: str, size_kib: int | None
) -> vim.vm.device.VirtualDeviceSpec:
    """A disk of this size, or a medium, whose file exists."""
    key = -100 - slot.unit - 100 * list(_BUSES).index(slot.bus)
    place = {"key": key, "controllerKey": controller_key, "unitNumber": slot.unit}
    if size_kib is None:
        backing = _device.VirtualCdrom.IsoBackingInfo(fileName=file)
        medium = _device.VirtualCdrom(backing=backing, connectable=_connected(), **place)
        return _device.VirtualDeviceSpec(operation=_ADD, device=medium)
    disk = _device.VirtualDisk(
        backing=_device.VirtualDisk.FlatVer2BackingInfo(
            fileName=file, diskMode="persistent", thinProvisioned=True
        ),
        capacityInKB=size_kib,
        capacityInBytes=size_kib * 1024,
        **place,
    )
    return _device.VirtualDeviceSpec(operation=_ADD, device=disk)


def grown(disk: Any, size_kib: int) -> vim.vm.device.VirtualDeviceSpec:
    """A disk that a VM has, of another size."""
    disk.capacityInKB, disk.capacityInBytes = size_kib, size_kib * 1024
    return _device.VirtualDeviceSpec(operation=_EDIT, device=disk)


def _connected() -> Any:
    return _device.VirtualDevice.ConnectInfo(
        startConnected=True, connected=True, allowGuestControl=True
    )


def added_nic(spec: NicSpec, number: int, backing: Any) -> vim.vm.device.VirtualDeviceSpec:
    """A NIC on a network that was looked up."""
    return _plugged_card(number, _CARDS[spec.model], spec.mac, backing)


def plugged_card(
    number: int, model: str, mac: str, backing: Any
) -> vim.vm.device.VirtualDeviceSpec:
    """A NIC of a model that vSphere names so."""
    return _plugged_card(number, getattr(_device, model), mac, backing)


def _plugged_card(
    number: int, kind: Any, mac: str, backing: Any
) -> vim.vm.device.VirtualDeviceSpec:
    card = kind(
        key=-1000 - number,
        addressType="manual",
        macAddress=mac,
        backing=backing,
        connectable=_connected(),
    )
    return _device.VirtualDeviceSpec(operation=_ADD, device=card)


def added_serial_port(file: str) -> vim.vm.device.VirtualDeviceSpec:
    """A serial port that writes to a file."""
    backing = _device.VirtualSerialPort.FileBackingInfo(fileName=file)
    port = _device.VirtualSerialPort(key=-2000, yieldOnPoll=True, backing=backing)
    return _device.VirtualDeviceSpec(operation=_ADD, device=port)


def ejected(drive: Any) -> vim.vm.device.VirtualDeviceSpec:
    """A drive without its medium."""
    drive.backing = _device.VirtualCdrom.RemotePassthroughBackingInfo(
        deviceName="", exclusive=False
    )
    drive.connectable = _device.VirtualDevice.ConnectInfo(
        startConnected=False, connected=False, allowGuestControl=True
    )
    return _device.VirtualDeviceSpec(operation=_EDIT, device=drive)


def inserted(drive: Any, file: str) -> vim.vm.device.VirtualDeviceSpec:
    """A drive with this medium."""
    drive.backing = _device.VirtualCdrom.IsoBackingInfo(fileName=file)
    drive.connectable = _connected()
    return _device.VirtualDeviceSpec(operation=_EDIT, device=drive)


def serial_file(hardware: Sequence[Any]) -> str | None:
    """The file that a VM's serial port writes to."""
    ports = (d for d in hardware if isinstance(d, _device.VirtualSerialPort))
    return next((getattr(port.backing, "fileName", None) for port in ports), None)


def removed(device: Any, *, with_file: bool = False) -> vim.vm.device.VirtualDeviceSpec:
    """Take a device away, its file too if asked."""
    change = _device.VirtualDeviceSpec(operation=_REMOVE, device=device)
    if with_file:
        change.fileOperation = _FILES.destroy
    return change


def at_slot(hardware: Sequence[Any], slot: Slot) -> Any:
    """The device that is plugged in there; None if there is none."""
    key = controllers(hardware).get(slot.bus)
    return next(
        (d for d in hardware if key and (d.controllerKey, d.unitNumber) == (key, slot.unit)), None
    )


def place_of(disk: Any, hardware: Sequence[Any]) -> str:
    """Where a disk is plugged in, as a lease names it: kind and number of its controller, unit."""
    controller = next(device for device in hardware if device.key == disk.controllerKey)
    kind = type(controller).__name__.rpartition(".")[2]
    return f"{kind}{controller.busNumber}:{disk.unitNumber}"


def of_mac(hardware: Sequence[Any], mac: str) -> Any:
    """The NIC of this MAC address; None if there is none."""
    cards = (d for d in hardware if isinstance(d, _device.VirtualEthernetCard))
    return next((card for card in cards if str(card.macAddress).lower() == mac), None)
