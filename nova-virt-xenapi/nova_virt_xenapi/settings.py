"""Pure functions from a guest's settings to the fields of its VM."""

from __future__ import annotations

from typing import Final

from nova_virt_interface.errors import InvalidRequest, Unsupported
from nova_virt_interface.values.guest_settings import (
    Firmware,
    GuestSettings,
    Tpm,
    TpmModel,
    VmFeature,
)

__all__ = [
    "FEATURES",
    "check_settings",
    "check_tpm_stays",
    "firmware_of",
    "other_config",
    "platform",
    "vcpus_params",
]

FEATURES: Final = (
    VmFeature.CPU_TOPOLOGY,
    VmFeature.CPU_PINNING,
    VmFeature.SECURE_BOOT,
    VmFeature.TPM,
    VmFeature.PCI_PASSTHROUGH,
)
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


def check_settings(settings: GuestSettings, host_cpus: int) -> None:
    """Refuse what xapi has no field for, beside what the host's features say."""
    if settings.cpu is not None and settings.cpu.threads not in (None, 1):
        raise Unsupported(
            "settings.cpu.threads: a guest on Xen sees processors of one thread",
            remedy="ask for one thread, and more cores",
            field="settings.cpu.threads",
        )
    if settings.tpm is not None:
        _check_tpm(settings.tpm, settings.firmware)
    for pin in settings.cpu_pins:
        if any(not 0 <= cpu < host_cpus for cpu in pin.host_cpus):
            raise InvalidRequest(
                f"settings.cpu_pins: the host has processors 0 to {host_cpus - 1}",
                field="settings.cpu_pins",
            )


def _check_tpm(tpm: Tpm, firmware: Firmware | None) -> None:
    if firmware is Firmware.BIOS:
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
