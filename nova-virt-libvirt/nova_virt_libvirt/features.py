"""Which settings of a guest this host honours, from what libvirt says of it."""

from __future__ import annotations

from typing import Any

from nova_virt_interface.values.guest_settings import Firmware, VmFeature

__all__ = ["emulator_features", "firmware", "has_secure_boot"]

_ALWAYS = (
    VmFeature.CPU_TOPOLOGY,
    VmFeature.CPU_PINNING,
    VmFeature.NUMA,
    VmFeature.LOCKED_MEMORY,
    VmFeature.WATCHDOG,
    VmFeature.GUEST_AGENT,
    VmFeature.NIC_LIMITS,
    VmFeature.NIC_QUEUES,
    VmFeature.NIC_MTU,
    VmFeature.VLAN,
    VmFeature.GUEST_UUID,
    VmFeature.DISK_LIMITS,
    VmFeature.DISK_SERIAL,
    VmFeature.DISK_ENCRYPTION,
    VmFeature.VOLUME_ENCRYPTION,
    VmFeature.SHARED_VOLUMES,
    VmFeature.READ_ONLY_VOLUMES,
    VmFeature.ONLINE_DISK_RESIZE,
    VmFeature.IMPORTED_DISKS,
)


def firmware(offer: Any) -> tuple[Firmware, ...]:
    """From libvirt's domain capabilities."""
    names = _values(offer, "os/enum[@name='firmware']")
    return (Firmware.BIOS, Firmware.UEFI) if "efi" in names else (Firmware.BIOS,)


def has_secure_boot(offer: Any) -> bool:
    """From libvirt's domain capabilities: whether the host has a firmware with it."""
    secure = _values(offer, "os/loader/enum[@name='secure']")
    return "yes" in secure and Firmware.UEFI in firmware(offer)


def emulator_features(offer: Any, host: Any, *, has_secure_boot: bool) -> tuple[VmFeature, ...]:
    """What QEMU on this host can do.

    Args:
        offer: libvirt's domain capabilities.
        host: libvirt's capabilities of the host.
        has_secure_boot: whether one of the driver's machine types has it.
    """
    sources = _values(offer, "memoryBacking/enum[@name='sourceType']")
    # libvirt names the emulator where swtpm is installed.
    has_tpm = "emulator" in _values(offer, "devices/tpm/enum[@name='backendModel']")
    found = {
        VmFeature.CPU_MODEL: offer.find("cpu/mode[@name='host-model'][@supported='yes']")
        is not None,
        VmFeature.SHARED_MEMORY: "memfd" in sources,
        VmFeature.FILE_BACKED_MEMORY: "file" in sources,
        # Its normal pages are the first size that a cell tells.
        VmFeature.HUGE_PAGES: len(host.findall("host/topology/cells/cell[1]/pages")) > 1,
        VmFeature.SECURE_BOOT: has_secure_boot,
        VmFeature.TPM: has_tpm,
        VmFeature.TPM_PASSPHRASE: has_tpm,
        VmFeature.RANDOM_SOURCE: "random"
        in _values(offer, "devices/rng/enum[@name='backendModel']"),
        VmFeature.SHARES: "virtiofs"
        in _values(offer, "devices/filesystem/enum[@name='driverType']"),
        VmFeature.PCI_PASSTHROUGH: host.find("host/iommu[@support='yes']") is not None,
    }
    return (*_ALWAYS, *(feature for feature, has in found.items() if has))


def _values(offer: Any, path: str) -> set[str]:
    return {value.text for value in offer.iterfind(f"{path}/value")}
