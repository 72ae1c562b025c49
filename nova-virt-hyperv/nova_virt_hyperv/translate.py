"""Pure functions between contract values and what Hyper-V has."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.disks import DiskBus, DiskSpec, FromImage, MediaFormat
from nova_virt_interface.values.guest_settings import Firmware, VmFeature
from nova_virt_interface.values.host import HostDescription, HostPowerAction
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.nics import NicBackingKind, NicModel
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.secrets import DeviceSecret
from nova_virt_interface.values.vm import VmSpec

from nova_virt_hyperv.cim import Instance

__all__ = [
    "GENERATION",
    "MIB",
    "bios_guid",
    "check_disk",
    "check_vm",
    "describe",
    "firmware_of",
    "mac_of",
    "mac_text",
    "power_state",
]

MIB = 1024 * 1024
_SMALLEST_DISK_BYTES = 3 * MIB
_SECTOR_BYTES = 512
_SMALLEST_MEMORY_BYTES = 32 * MIB

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


def power_state(enabled_state: int | None) -> PowerState:
    """The contract's state for an EnabledState."""
    return _STATES.get(enabled_state or 0, PowerState.UNKNOWN)


def describe(computer: Instance, system: Instance) -> HostDescription:
    """What the host takes, from its Win32_ComputerSystem and Win32_OperatingSystem."""
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
        features=(VmFeature.GUEST_UUID,),
        host_power_actions=(HostPowerAction.SHUT_DOWN, HostPowerAction.REBOOT),
        memory_step_bytes=2 * MIB,
    )


def firmware_of(spec: VmSpec, host: HostDescription) -> Firmware:
    """The firmware that a VM gets."""
    return spec.settings.firmware or host.firmware[0]


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
    if spec.memory_bytes < _SMALLEST_MEMORY_BYTES:
        raise Unsupported(
            f"Hyper-V gives a VM 32 MiB at least, not {spec.memory_bytes} bytes",
            field="memory_bytes",
        )
    for disk in spec.disks:
        check_disk(disk, host, spec.secrets, firmware_of(spec, host))


def check_disk(
    spec: DiskSpec,
    host: HostDescription,
    secrets: tuple[DeviceSecret, ...],
    firmware: Firmware | None = None,
) -> None:
    """Refuse what the host does not take; ``firmware`` is None for a VM that exists."""
    offers.check_disk(spec, host, secrets)
    place = f"disks[{spec.key}]"
    if firmware is not Firmware.BIOS and spec.bus is DiskBus.IDE:
        raise Unsupported(
            f"{place}.bus: only a VM with BIOS has IDE, and only disks that it is made with",
            field=f"{place}.bus",
        )
    # A disk from an image is compared with the image, which tells more.
    least = 0 if isinstance(spec.source, FromImage) else _SMALLEST_DISK_BYTES
    size = spec.size_bytes
    if size is not None and (size % _SECTOR_BYTES or size < least):
        raise Unsupported(
            f"{place}.size_bytes: a virtual disk has sectors of 512 bytes and at least 3 MiB",
            field=f"{place}.size_bytes",
        )
