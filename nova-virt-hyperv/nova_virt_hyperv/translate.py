"""Pure functions between contract values and what Hyper-V has."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.disks import DiskBus, DiskSpec, FromImage, Imported, MediaFormat
from nova_virt_interface.values.guest_settings import (
    CpuMode,
    Firmware,
    GuestNumaCell,
    TpmModel,
    VmFeature,
)
from nova_virt_interface.values.host import HostDescription, HostPowerAction
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.nics import NicBackingKind, NicModel, NicSpec
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.secrets import DeviceSecret
from nova_virt_interface.values.vm import VmSpec
from nova_virt_interface.values.volumes import Volume, VolumeProtocol

from nova_virt_hyperv.cim import Embedded, Instance, Number
from nova_virt_hyperv.volume_paths import check_volume

__all__ = [
    "GENERATION",
    "MIB",
    "SMALLEST_MEMORY_MIB",
    "bios_guid",
    "check_disk",
    "check_moves",
    "check_nic",
    "check_size",
    "check_vm",
    "describe",
    "firmware_named",
    "firmware_of",
    "is_changing",
    "limit_of",
    "mac_of",
    "mac_text",
    "numa_cell",
    "power_state",
    "whole_sectors",
]

MIB = 1024 * 1024
_SMALLEST_DISK_BYTES = 3 * MIB
_SECTOR_BYTES = 512
_REQUEST_BYTES = 8192
SMALLEST_MEMORY_MIB = 32

# A guest of the second generation boots by UEFI and has all its disks on SCSI.
GENERATION = {
    Firmware.BIOS: "Microsoft:Hyper-V:SubType:1",
    Firmware.UEFI: "Microsoft:Hyper-V:SubType:2",
}

# Msvm_ComputerSystem.EnabledState; a VM in transition is in the state that it leaves (PWR-1).
# Hyper-V has no state for a crashed guest: it restarts it.
_STATES = {
    2: PowerState.RUNNING,
    3: PowerState.STOPPED,
    4: PowerState.RUNNING,  # shutting down
    6: PowerState.SUSPENDED,  # saved
    9: PowerState.PAUSED,
    10: PowerState.STOPPED,  # starting
    32773: PowerState.RUNNING,  # saving
    32774: PowerState.RUNNING,  # stopping
    32776: PowerState.RUNNING,  # pausing
    32777: PowerState.PAUSED,  # resuming
    32779: PowerState.SUSPENDED,  # fast saved
    32780: PowerState.RUNNING,  # fast saving
    # The same while the host cannot reach a VM's storage or configuration.
    32781: PowerState.RUNNING,
    32782: PowerState.STOPPED,
    32783: PowerState.RUNNING,  # stopping
    32784: PowerState.SUSPENDED,
    32785: PowerState.PAUSED,
    32786: PowerState.STOPPED,  # starting
    32787: PowerState.RUNNING,  # being reset
    32788: PowerState.RUNNING,  # saving
    32789: PowerState.RUNNING,  # pausing
    32790: PowerState.PAUSED,  # resuming
    32791: PowerState.SUSPENDED,  # fast saved
    32792: PowerState.RUNNING,  # fast saving
}


# Starting, stopping, saving and so on; also while the host cannot reach the VM's storage.
_CHANGING = frozenset(
    {4, 10, 32773, 32774, 32776, 32777, 32780, 32783, *range(32786, 32791), 32792}
)


def is_changing(enabled_state: int | None) -> bool:
    """Whether an EnabledState is one on the way to another."""
    return enabled_state in _CHANGING


def power_state(enabled_state: int | None) -> PowerState:
    """The contract's state for an EnabledState."""
    return _STATES.get(enabled_state or 0, PowerState.UNKNOWN)


def describe(
    computer: Instance, system: Instance, iqn: str = "", memory_ratio: float = 1.0
) -> HostDescription:
    """What the host takes, from its Win32_ComputerSystem and Win32_OperatingSystem, by which name
    it logs in to iSCSI targets, if it does, and whether VMs are to have dynamic memory.
    """
    iscsi = (VolumeProtocol.ISCSI,) if iqn else ()
    # A VM with dynamic memory has one NUMA node, whatever its settings say (Windows Server 2012,
    # "Hyper-V Virtual NUMA Overview").
    numa = (VmFeature.NUMA,) if memory_ratio == 1 else ()
    return HostDescription(
        hypervisor_type="Hyper-V",
        hypervisor_version=system.text("Version"),
        hostname=computer.text("DNSHostName") or computer.text("Name"),
        # Hyper-V hosts of this interface are x64; Windows on Arm has no server edition with it.
        cpu_architecture="x86_64",
        image_formats=(DiskFormat.VHDX,),
        disk_formats=(DiskFormat.VHDX,),
        disk_buses=(DiskBus.SCSI, DiskBus.IDE),
        media_formats=(MediaFormat.ISO9660,),
        nic_backings=(NicBackingKind.NETWORK,),
        nic_models=(NicModel.NETVSC,),
        firmware=(Firmware.UEFI, Firmware.BIOS),
        # No READ_ONLY_VOLUMES: Add-VMHardDiskDrive (Windows Server 2025) has no such parameter, and
        # Msvm_StorageAllocationSettingData.Access cannot be written.
        features=(
            VmFeature.GUEST_UUID,
            VmFeature.SECURE_BOOT,
            VmFeature.CPU_MODEL,
            *numa,
            VmFeature.DISK_LIMITS,
            VmFeature.ONLINE_DISK_RESIZE,
            VmFeature.IMPORTED_DISKS,
            VmFeature.SHARED_VOLUMES,
            VmFeature.VLAN,
            VmFeature.NIC_LIMITS,
        ),
        export_formats=(DiskFormat.VHDX,),
        volume_protocols=(VolumeProtocol.FILE, VolumeProtocol.SMB, *iscsi),
        # Files on a share are opened as the host's own account.
        login_protocols=iscsi,
        host_power_actions=(HostPowerAction.SHUT_DOWN, HostPowerAction.REBOOT),
        memory_step_bytes=2 * MIB,
    )


def firmware_of(spec: VmSpec, host: HostDescription) -> Firmware:
    """The firmware that a VM gets."""
    return spec.settings.firmware or host.firmware[0]


def firmware_named(generation: str) -> Firmware:
    """What a VM of a VirtualSystemSubType boots by."""
    return next((key for key, text in GENERATION.items() if text == generation), Firmware.UEFI)


def bios_guid(vm_uuid: UUID) -> str:
    """How Hyper-V writes the uuid that a guest's firmware shows."""
    return f"{{{str(vm_uuid).upper()}}}"


def mac_text(mac: str) -> str:
    """How Hyper-V writes a MAC address."""
    return mac.replace(":", "").upper()


def mac_of(text: str) -> str:
    """A MAC address that Hyper-V has written."""
    return ":".join(text[start : start + 2] for start in range(0, len(text), 2)).lower()


def check_vm(spec: VmSpec, host: HostDescription) -> None:
    """Refuse what the host does not take, before anything is touched (CAP-2)."""
    offers.check_vm(spec, host)
    _check_tpm(spec, host)
    numa_cell(spec)
    if spec.memory_bytes < SMALLEST_MEMORY_MIB * MIB:
        raise Unsupported(
            f"Hyper-V gives a VM 32 MiB at least, not {spec.memory_bytes} bytes",
            field="memory_bytes",
        )
    cpu = spec.settings.cpu
    if cpu is not None and (cpu.mode is CpuMode.NAMED or cpu.features):
        raise Unsupported(
            "settings.cpu: Hyper-V knows no models of processors and no single features",
            remedy="ask for the host's model, or for the host's processor itself",
            field="settings.cpu.mode" if cpu.mode is CpuMode.NAMED else "settings.cpu.features",
        )
    for nic in spec.nics:
        check_nic(nic, host)
    for disk in spec.disks:
        check_disk(disk, host, spec.secrets, firmware_of(spec, host))


def check_nic(spec: NicSpec, host: HostDescription) -> None:
    """Refuse a NIC that the host does not have."""
    offers.check_nic(spec, host)
    if spec.limits is not None and spec.limits.received_bytes_per_second is not None:
        raise Unsupported(
            "Hyper-V limits what a NIC sends, and not what it receives",
            field=f"nics[{spec.key}].limits.received_bytes_per_second",
        )


def _check_tpm(spec: VmSpec, host: HostDescription) -> None:
    tpm = spec.settings.tpm
    if tpm is not None and firmware_of(spec, host) is Firmware.BIOS:
        raise Unsupported("settings.tpm: only a VM with UEFI has a TPM", field="settings.tpm")
    if tpm is not None and tpm.model is TpmModel.TIS:
        raise Unsupported(
            "settings.tpm.model: a guest talks to its TPM by CRB", field="settings.tpm.model"
        )


def check_moves(spec: VmSpec) -> None:
    """Refuse a VM that no other host can have."""
    if spec.settings.tpm is not None:
        raise Unsupported(
            "the state of a TPM is sealed by the host that made it: its VM stays there",
            remedy="make another VM",
            field="settings.tpm",
        )


def numa_cell(spec: VmSpec) -> GuestNumaCell | None:
    """What each of a guest's NUMA cells is like: Hyper-V makes them all alike, of neighbouring
    vCPUs, and says how large one is at most.
    """
    cells = spec.settings.numa_cells
    if not cells:
        return None
    count, memory = len(cells[0].vcpus), cells[0].memory_bytes
    alike = all(
        cell.vcpus == tuple(range(number * count, (number + 1) * count))
        and cell.memory_bytes == memory
        and cell.host_cell is None
        for number, cell in enumerate(cells)
    )
    if not alike or memory % MIB:
        raise Unsupported(
            "settings.numa_cells: Hyper-V makes cells of one size, of neighbouring vCPUs, and puts "
            "them where it likes",
            remedy="ask for equal cells, of whole MiB, and name no cell of the host",
            field="settings.numa_cells",
        )
    return cells[0]


def check_disk(
    spec: DiskSpec,
    host: HostDescription,
    secrets: tuple[DeviceSecret, ...],
    firmware: Firmware | None = None,
) -> None:
    """Refuse what the host does not take; ``firmware`` is None for a VM that exists."""
    offers.check_disk(spec, host, secrets)
    check_volume(spec)
    place = f"disks[{spec.key}]"
    if firmware is not Firmware.BIOS and spec.bus is DiskBus.IDE:
        raise Unsupported(
            f"{place}.bus: only a VM with BIOS has IDE, and only disks that it is made with",
            field=f"{place}.bus",
        )
    # What a disk begins as is at least as large, and is compared with it, which tells more.
    least = 0 if isinstance(spec.source, FromImage | Imported) else _SMALLEST_DISK_BYTES
    if spec.size_bytes is not None and not isinstance(spec.source, Volume):
        check_size(spec.size_bytes, f"{place}.size_bytes", least)
    limits = spec.limits
    if limits is not None and (limits.bytes_per_second or _REQUEST_BYTES) < _REQUEST_BYTES:
        raise Unsupported(
            f"{place}.limits: Hyper-V limits requests of 8 KiB, one a second at least",
            field=f"{place}.limits.bytes_per_second",
        )


def check_size(size_bytes: int, field: str, least_bytes: int = _SMALLEST_DISK_BYTES) -> None:
    """Refuse a size that no virtual disk has."""
    if size_bytes < least_bytes:
        raise Unsupported(f"{field}: a virtual disk has at least 3 MiB", field=field)


def whole_sectors(size_bytes: int) -> int:
    """The size of a virtual disk for which this one was asked."""
    return -(-size_bytes // _SECTOR_BYTES) * _SECTOR_BYTES


def limit_of(spec: DiskSpec) -> dict[str, Embedded]:
    """The IOPSLimit of a disk: Hyper-V counts a request of up to 8 KiB as one, a larger one as
    several; 0 is no limit.
    """
    limits = spec.limits
    if limits is None:
        return {"IOPSLimit": Number(0, "uint64")}
    asked = [limits.requests_per_second, (limits.bytes_per_second or 0) // _REQUEST_BYTES]
    return {"IOPSLimit": Number(min(count for count in asked if count), "uint64")}
