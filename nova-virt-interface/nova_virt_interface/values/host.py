"""The host, or cluster, behind one connection."""

from __future__ import annotations

import enum

from nova_virt_interface.marks import enumeration, value
from nova_virt_interface.values._checks import fits
from nova_virt_interface.values.console import ConsoleKind
from nova_virt_interface.values.disks import DiskBus, MediaFormat
from nova_virt_interface.values.guest_settings import Firmware, VmFeature
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.migration import MigrationMode
from nova_virt_interface.values.nics import NicBackingKind, NicModel
from nova_virt_interface.values.volumes import EncryptionFormat, VolumeProtocol

__all__ = [
    "EnterMaintenanceRequest",
    "HostDescription",
    "HostInventory",
    "HostPowerAction",
    "HostPowerRequest",
    "HostStatus",
    "LeaveMaintenanceRequest",
    "MaintenanceState",
]


@enumeration(since="1.0", open=True)
class HostPowerAction(enum.Enum):
    """What to do with a whole host."""

    SHUT_DOWN = "shut-down"
    REBOOT = "reboot"
    START = "start"
    """For a host behind a manager that stays up: a pool, a vCenter."""


@value(since="1.0")
class HostDescription:
    """What the host is and what it offers by value. Each tuple begins with what the driver takes by
    default.

    [CAP-1] Fixed from connect to close. When the host changes, the driver reports
    `EventKind.RECONNECT`.
    What a tuple does not name is refused (rule CAP-2).
    """

    hypervisor_type: str
    """The product, for instance ``QEMU``."""
    hypervisor_version: str
    """The product's own version text."""
    hostname: str
    """Names the compute node; stable while the host is."""
    cpu_architecture: str
    """For instance ``x86_64``."""
    image_formats: tuple[DiskFormat, ...] = ()
    """Formats that the image cache takes."""
    disk_formats: tuple[DiskFormat, ...] = ()
    disk_buses: tuple[DiskBus, ...] = ()
    media_formats: tuple[MediaFormat, ...] = ()
    """Empty when the host takes no medium with content, so no config drive."""
    nic_backings: tuple[NicBackingKind, ...] = ()
    nic_models: tuple[NicModel, ...] = ()
    firmware: tuple[Firmware, ...] = ()
    features: tuple[VmFeature, ...] = ()
    """What else of a VM's description it honours."""
    volume_protocols: tuple[VolumeProtocol, ...] = ()
    login_protocols: tuple[VolumeProtocol, ...] = ()
    """Those of them by which it logs in to storage that asks for a user's password: not those where
    a hypervisor comes as itself alone, or could only store the password (rule SEC-3).
    """
    encryption_formats: tuple[EncryptionFormat, ...] = ()
    """Of disks and volumes, as far as `features` names these."""
    export_formats: tuple[DiskFormat, ...] = ()
    """Formats in which it exports a disk."""
    console_kinds: tuple[ConsoleKind, ...] = ()
    host_power_actions: tuple[HostPowerAction, ...] = ()
    migration_modes: tuple[MigrationMode, ...] = ()
    disk_step_bytes: int = 512
    """Sizes of disks are multiples of this; others are rounded up."""
    memory_step_bytes: int = 1
    """Memory of VMs is a multiple of this; other amounts are `Unsupported`."""


@value(since="1.0")
class HostInventory:
    """What the host has in all, and what is free of it now.

    [INV-1] Totals are the hardware's. Core alone applies reservations and overcommit.
    """

    vcpus: int
    """Logical processors."""
    memory_bytes: int
    memory_free_bytes: int
    storage_bytes: int
    """Capacity of the storage where the driver puts disks and images."""
    storage_free_bytes: int
    storage_id: str | None = None
    """Names storage that other nodes see, too: nodes that tell the same name share it, and core
    counts it once. None: it is this node's own.
    """


@value(since="1.0")
class HostStatus:
    """How the host itself does. What it does not measure is None."""

    uptime_seconds: int | None = None
    cpu_kernel_ns: int | None = None
    """Processor time since the host was started, in nanoseconds, over all processors; likewise the
    next three.
    """
    cpu_user_ns: int | None = None
    cpu_idle_ns: int | None = None
    cpu_io_wait_ns: int | None = None
    cpu_load: float | None = None
    """Share of all processors' time that was used in the last sampling interval, 0.0 to 1.0."""
    cpu_frequency_hz: int | None = None


@value(since="1.0")
class HostPowerRequest:
    """What to do with the host."""

    action: HostPowerAction


@enumeration(since="1.0", open=False)
class MaintenanceState(enum.Enum):
    """Whether a host takes VMs."""

    ACTIVE = "active"
    ENTERING = "entering"
    """It takes no VM any more, and some are still on it."""
    IN_MAINTENANCE = "in-maintenance"


@value(since="1.0")
class EnterMaintenanceRequest:
    """How to bring a host into maintenance."""

    evacuate: bool = False
    """Whether the hypervisor moves running VMs to other hosts of its pool or cluster by itself;
    False: a host that has running VMs stays in `MaintenanceState.ENTERING`.
    """
    timeout_seconds: float = 600.0
    """How long the hypervisor may take to move them."""

    def __post_init__(self) -> None:
        fits(self.timeout_seconds >= 0, "timeout_seconds", "is negative")


@value(since="1.0")
class LeaveMaintenanceRequest:
    """How to bring a host back from maintenance."""
