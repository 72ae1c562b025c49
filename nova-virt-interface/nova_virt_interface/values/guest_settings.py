"""What a VM is beside its disks and NICs: processors, memory, and devices without content.

All of it is optional: a VM without these settings is as the driver likes best. What a host can
honour is named in `HostDescription.features`.
"""

from __future__ import annotations

import enum

from nova_virt_interface.marks import enumeration, value
from nova_virt_interface.values._checks import (
    at_least,
    device_key,
    fits,
    pci_address,
    printable,
    unique,
)

__all__ = [
    "CpuMode",
    "CpuPin",
    "CpuSettings",
    "Firmware",
    "GuestMode",
    "GuestNumaCell",
    "GuestSettings",
    "HostDevice",
    "MemoryBacking",
    "RandomSource",
    "Share",
    "Tpm",
    "TpmModel",
    "VirtualGpu",
    "VmFeature",
    "Watchdog",
    "WatchdogAction",
]


@enumeration(since="1.0", open=True)
class VmFeature(enum.Enum):
    """A setting that a host can honour, or a promise that it can keep."""

    CPU_MODEL = "cpu-model"
    """`CpuSettings.mode`, ``model`` and ``features``."""
    CPU_TOPOLOGY = "cpu-topology"
    """`CpuSettings.sockets`, ``cores`` and ``threads``."""
    CPU_PINNING = "cpu-pinning"
    NUMA = "numa"
    HUGE_PAGES = "huge-pages"
    """`MemoryBacking.page_bytes`."""
    LOCKED_MEMORY = "locked-memory"
    SHARED_MEMORY = "shared-memory"
    FILE_BACKED_MEMORY = "file-backed-memory"
    SECURE_BOOT = "secure-boot"
    TPM = "tpm"
    TPM_PASSPHRASE = "tpm-passphrase"  # noqa: S105 - a name
    """A `Tpm`'s state is sealed with the `DeviceSecret` that core brings. Without this feature the
    hypervisor keeps the state under a key of its own, and a secret for it is `Unsupported`."""
    WATCHDOG = "watchdog"
    RANDOM_SOURCE = "random-source"
    SHARES = "shares"
    PCI_PASSTHROUGH = "pci-passthrough"
    VIRTUAL_GPU = "virtual-gpu"
    GUEST_AGENT = "guest-agent"
    DISK_ENCRYPTION = "disk-encryption"
    VOLUME_ENCRYPTION = "volume-encryption"
    SHARED_VOLUMES = "shared-volumes"
    READ_ONLY_VOLUMES = "read-only-volumes"
    ONLINE_DISK_RESIZE = "online-disk-resize"
    """`IDiskResize` while the VM runs; without this feature that is an `InvalidState`."""
    DISK_LIMITS = "disk-limits"
    DISK_SERIAL = "disk-serial"
    """The guest reads `DiskSpec.serial`; some buses show it the first 20 characters alone."""
    NIC_LIMITS = "nic-limits"
    NIC_QUEUES = "nic-queues"
    NIC_MTU = "nic-mtu"
    VLAN = "vlan"
    IMPORTED_DISKS = "imported-disks"
    """`Imported` as a disk's source, in the formats of `HostDescription.image_formats`."""
    GUEST_UUID = "guest-uuid"
    """The guest reads the VM's uuid as its system uuid (SMBIOS, type 1)."""
    PARAVIRTUALIZED_GUESTS = "paravirtualized-guests"
    """`GuestMode.PV`."""
    PVH_GUESTS = "pvh-guests"
    """`GuestMode.PVH`."""


@enumeration(since="1.0", open=True)
class GuestMode(enum.Enum):
    """How much of a machine the guest finds: nova's image property ``hw_vm_mode``, whose ``xen`` is
    `GuestMode.PV`.
    """

    HVM = "hvm"
    """All of it, with firmware; every host has it."""
    PV = "pv"
    """None: the guest's kernel is made for the hypervisor."""
    PVH = "pvh"
    """Processors and memory of hardware, no firmware, and devices of the hypervisor's alone."""


@enumeration(since="1.0", open=True)
class Firmware(enum.Enum):
    """What a guest boots by."""

    BIOS = "bios"
    UEFI = "uefi"


@enumeration(since="1.0", open=True)
class CpuMode(enum.Enum):
    """Which processor a guest sees."""

    HOST_MODEL = "host-model"
    """A named model that is close to the host's, so that a like host can take the VM."""
    HOST_PASSTHROUGH = "host-passthrough"
    """The host's own."""
    NAMED = "named"


@value(since="1.0")
class CpuSettings:
    """The processors that a guest sees."""

    mode: CpuMode | None = None
    model: str | None = None
    """For `CpuMode.NAMED`: the hypervisor's name of the model."""
    features: tuple[str, ...] = ()
    """Features to add to the model, by the hypervisor's names."""
    sockets: int | None = None
    cores: int | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        fits((self.model is None) == (self.mode is not CpuMode.NAMED), "model", "goes with NAMED")
        counts = (self.sockets, self.cores, self.threads)
        given = sum(count is not None for count in counts)
        fits(given in (0, 3), "sockets", "is given together with cores and threads")
        for count in counts:
            at_least(1, count, "sockets")


@value(since="1.0")
class CpuPin:
    """On which of the host's processors a vCPU may run."""

    vcpu: int
    host_cpus: tuple[int, ...]

    def __post_init__(self) -> None:
        at_least(0, self.vcpu, "vcpu")
        fits(len(self.host_cpus) > 0, "host_cpus", "is empty")


@value(since="1.0")
class GuestNumaCell:
    """A NUMA cell that the guest sees. All cells together have all vCPUs and all memory."""

    vcpus: tuple[int, ...]
    memory_bytes: int
    host_cell: int | None = None
    """The host's cell that it is kept on; None: any."""

    def __post_init__(self) -> None:
        fits(len(self.vcpus) > 0, "vcpus", "is empty")
        at_least(1, self.memory_bytes, "memory_bytes")


@value(since="1.0")
class MemoryBacking:
    """What a guest's memory is made of."""

    page_bytes: int | None = None
    """None: the host's normal pages."""
    locked: bool = False
    """The host never swaps it out."""
    shared: bool = False
    """Other processes of the host may map it, as virtiofs and vhost-user ask for."""
    file_backed: bool = False


@enumeration(since="1.0", open=True)
class TpmModel(enum.Enum):
    """How a guest talks to its virtual TPM."""

    CRB = "tpm-crb"
    TIS = "tpm-tis"


@value(since="1.0")
class Tpm:
    """A virtual TPM 2.0.

    Its state's passphrase comes as a `DeviceSecret` of this key, where the host has
    `VmFeature.TPM_PASSPHRASE`.
    """

    key: str = "tpm"
    model: TpmModel | None = None

    def __post_init__(self) -> None:
        device_key(self.key, "key")


@enumeration(since="1.0", open=True)
class WatchdogAction(enum.Enum):
    """What happens to a VM whose guest does not answer its watchdog."""

    RESET = "reset"
    POWER_OFF = "power-off"
    PAUSE = "pause"
    NONE = "none"


@value(since="1.0")
class Watchdog:
    """A watchdog that the guest can arm."""

    action: WatchdogAction


@value(since="1.0")
class RandomSource:
    """A random number generator that the host feeds."""

    bytes_per_second: int | None = None
    """At most; None: no limit."""

    def __post_init__(self) -> None:
        at_least(1, self.bytes_per_second, "bytes_per_second")


@value(since="1.0")
class Share:
    """A directory of the host that the guest mounts by its tag (virtiofs)."""

    tag: str
    path: str
    """On the host, where `IShareMounts` or an operator has brought it."""
    read_only: bool = False

    def __post_init__(self) -> None:
        device_key(self.tag, "tag")
        printable(self.path, "path", limit=4096)


@value(since="1.0")
class HostDevice:
    """A PCI device of the host that belongs to the guest while it runs."""

    key: str
    address: str
    """``DOMAIN:BUS:SLOT.FUNCTION`` in hexadecimal digits, as `PciDevice.address`."""

    def __post_init__(self) -> None:
        device_key(self.key, "key")
        pci_address(self.address, "address")


@value(since="1.0")
class VirtualGpu:
    """A part of a GPU, of a type that `HostTopology.virtual_gpu_types` names."""

    key: str
    type_name: str
    parent: str | None = None
    """`VirtualGpuType.parent` to take it from; None: any."""

    def __post_init__(self) -> None:
        device_key(self.key, "key")
        printable(self.type_name, "type_name")


@value(since="1.0")
class GuestSettings:
    """All settings of a VM; each at its default: as the driver likes best, or none."""

    mode: GuestMode | None = None
    firmware: Firmware | None = None
    """Of a guest in `GuestMode.HVM`, or None: others have none."""
    secure_boot: bool = False
    """The firmware boots what is signed alone; goes with `Firmware.UEFI`, or None."""
    cpu: CpuSettings | None = None
    cpu_pins: tuple[CpuPin, ...] = ()
    """At most one of each vCPU; the others may run anywhere."""
    numa_cells: tuple[GuestNumaCell, ...] = ()
    """Empty: the guest sees none."""
    memory: MemoryBacking | None = None
    tpm: Tpm | None = None
    watchdog: Watchdog | None = None
    random_source: RandomSource | None = None
    shares: tuple[Share, ...] = ()
    host_devices: tuple[HostDevice, ...] = ()
    virtual_gpus: tuple[VirtualGpu, ...] = ()
    guest_agent: bool = False
    """The guest finds a channel for its agent."""

    def __post_init__(self) -> None:
        unique((pin.vcpu for pin in self.cpu_pins), "cpu_pins")
        unique((share.tag for share in self.shares), "shares")
        unique((device.key for device in self.host_devices), "host_devices")
        unique((gpu.key for gpu in self.virtual_gpus), "virtual_gpus")
        uefi = self.firmware in (None, Firmware.UEFI)
        fits(uefi or not self.secure_boot, "secure_boot", "needs UEFI")
        boots = self.firmware is not None or self.secure_boot
        fits(self.mode in (None, GuestMode.HVM) or not boots, "mode", "has no firmware")
