"""Pure functions from a guest's settings to the fields of its VM."""

from __future__ import annotations

from typing import Any, Final

from nova_virt_interface.errors import InvalidRequest, Unsupported
from nova_virt_interface.values.guest_settings import (
    Firmware,
    GuestMode,
    GuestSettings,
    Tpm,
    TpmModel,
    VmFeature,
)

__all__ = [
    "boot_fields",
    "check_settings",
    "check_tpm_stays",
    "features",
    "firmware_of",
    "other_config",
    "platform",
    "vcpus_params",
]

_FEATURES: Final = (
    VmFeature.CPU_TOPOLOGY,
    VmFeature.CPU_PINNING,
    VmFeature.SECURE_BOOT,
    VmFeature.TPM,
    VmFeature.PCI_PASSTHROUGH,
    VmFeature.PARAVIRTUALIZED_GUESTS,
)
# XCP-ng 8.2 has xapi 1.249, whose model does not know the domain type; that of XCP-ng 8.3 does.
_FIRST_WITH_PVH: Final = 21
_BOOTLOADER: Final = "pygrub"
"""Finds the kernel on the disk that boots. A kernel by path (``PV_kernel``) would have to be in
dom0, where nobody puts one without a plugin."""
_PLATFORM: Final = {
    "acpi": "1",
    "apic": "true",
    "nx": "true",
    "pae": "true",
    "viridian": "false",
    "hpet": "true",
}
_DEVICE_MODELS: Final = {
    Firmware.BIOS: "qemu-upstream-compat",
    Firmware.UEFI: "qemu-upstream-uefi",
}


def features(host: dict[str, Any]) -> tuple[VmFeature, ...]:
    """What a host can honour, by its record."""
    major = host["software_version"].get("xapi", "").partition(".")[0]
    has_pvh = major.isdecimal() and int(major) >= _FIRST_WITH_PVH
    return (*_FEATURES, VmFeature.PVH_GUESTS) if has_pvh else _FEATURES


def check_settings(settings: GuestSettings, host_cpus: int) -> None:
    """Refuse what xapi has no field for, beside what the host's features say."""
    if settings.cpu is not None and settings.cpu.threads not in (None, 1):
        raise Unsupported(
            "settings.cpu.threads: a guest on Xen sees processors of one thread",
            remedy="ask for one thread, and more cores",
            field="settings.cpu.threads",
        )
    if settings.tpm is not None:
        _check_tpm(settings.tpm, settings)
    if settings.host_devices and settings.mode is GuestMode.PVH:
        raise Unsupported(
            "settings.host_devices: Xen gives a PVH guest none", field="settings.host_devices"
        )
    for pin in settings.cpu_pins:
        if any(not 0 <= cpu < host_cpus for cpu in pin.host_cpus):
            raise InvalidRequest(
                f"settings.cpu_pins: the host has processors 0 to {host_cpus - 1}",
                field="settings.cpu_pins",
            )


def _check_tpm(tpm: Tpm, settings: GuestSettings) -> None:
    if settings.firmware is Firmware.BIOS or not _is_hvm(settings):
        raise Unsupported(
            "settings.tpm: a VM has a TPM with UEFI alone", field="settings.tpm", remedy="use UEFI"
        )
    if tpm.model not in (None, TpmModel.CRB):
        raise Unsupported("settings.tpm.model: xapi makes a CRB alone", field="settings.tpm.model")


def check_tpm_stays(settings: GuestSettings) -> None:
    """Refuse to make another VM of one with a TPM: xapi gives nobody the state of a TPM, nor takes
    one.
    """
    if settings.tpm is not None:
        raise Unsupported("settings.tpm: the state of its TPM would be lost", field="settings.tpm")


def boot_fields(settings: GuestSettings, pv_type: str, *, boots: bool) -> dict[str, Any]:
    """The fields of a VM that say what its guest finds, and what it boots.

    Args:
        settings: of the guest.
        pv_type: what the host makes of a guest in `GuestMode.PV`.
        boots: the firmware tries the first disk, or none.
    """
    if not _is_hvm(settings):
        return {
            "domain_type": pv_type if settings.mode is GuestMode.PV else "pvh",
            "PV_bootloader": _BOOTLOADER,
            "HVM_boot_policy": "",
            "HVM_boot_params": {},
        }
    return {
        "domain_type": "hvm",
        "PV_bootloader": "",
        "HVM_boot_policy": "BIOS order",
        # d is the CD drive, which such a VM does not have.
        "HVM_boot_params": {
            "order": "c" if boots else "d",
            "firmware": firmware_of(settings).value,
        },
    }


def _is_hvm(settings: GuestSettings) -> bool:
    return settings.mode in (None, GuestMode.HVM)


def platform(settings: GuestSettings) -> dict[str, str]:
    """``VM.platform``."""
    found = {**_PLATFORM, "device-model": _DEVICE_MODELS[firmware_of(settings)]}
    if settings.secure_boot:
        found["secureboot"] = "true"
    if settings.cpu is not None and settings.cpu.cores is not None:
        found["cores-per-socket"] = str(settings.cpu.cores)
    return found


def firmware_of(settings: GuestSettings) -> Firmware:
    """BIOS where nothing asks for another."""
    needs_uefi = settings.secure_boot or settings.tpm is not None
    default = Firmware.UEFI if needs_uefi else Firmware.BIOS
    return settings.firmware or default


def vcpus_params(settings: GuestSettings, vcpus: int, host_cpus: int) -> dict[str, str]:
    """``VM.VCPUs_params``: a mask for each vCPU, because one that has none gets the first."""
    if not settings.cpu_pins:
        return {}
    pinned = {pin.vcpu: pin.host_cpus for pin in settings.cpu_pins}
    masks = (pinned.get(vcpu, range(host_cpus)) for vcpu in range(vcpus))
    return {"mask": ";".join(",".join(map(str, mask)) for mask in masks)}


def other_config(settings: GuestSettings) -> dict[str, str]:
    """What xapi itself reads from ``VM.other_config``."""
    if not settings.host_devices:
        return {}
    numbered = enumerate(device.address for device in settings.host_devices)
    return {"pci": ",".join(f"{number}/{address}" for number, address in numbered)}
