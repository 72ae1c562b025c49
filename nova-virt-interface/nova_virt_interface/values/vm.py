"""A VM: what it should be, what it is, and what it uses."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.marks import value
from nova_virt_interface.values._checks import at_least, fits, printable, unique
from nova_virt_interface.values.disks import DiskSpec
from nova_virt_interface.values.guest_settings import GuestSettings
from nova_virt_interface.values.nics import NicSpec
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.secrets import DeviceSecret

__all__ = [
    "DeleteVmRequest",
    "DiskStatistics",
    "NicStatistics",
    "VmSpec",
    "VmState",
    "VmStatistics",
]


@value(since="1.0")
class VmSpec:
    """The whole description of a VM; the driver finds the steps.

    [SPEC-1] The name is a label: it need not be unique, any printable text is allowed, and nothing
    is found by it.
    [SPEC-2] Nothing that a field asks for is left out silently: it is done, or refused with
    `Unsupported` that names the field.
    """

    name: str
    vcpus: int
    memory_bytes: int
    disks: tuple[DiskSpec, ...] = ()
    nics: tuple[NicSpec, ...] = ()
    settings: GuestSettings = GuestSettings()
    secrets: tuple[DeviceSecret, ...] = ()
    """Of devices that are made with the VM."""

    def __post_init__(self) -> None:
        printable(self.name, "name")
        at_least(1, self.vcpus, "vcpus")
        at_least(1, self.memory_bytes, "memory_bytes")
        unique((disk.key for disk in self.disks), "disks")
        unique(
            (disk.boot_index for disk in self.disks if disk.boot_index is not None),
            "disks.boot_index",
        )
        unique((nic.key for nic in self.nics), "nics")
        unique((nic.mac for nic in self.nics), "nics.mac")
        self._check_cpus()

    def _check_cpus(self) -> None:
        cpu, cells = self.settings.cpu, self.settings.numa_cells
        pinned = [pin.vcpu for pin in self.settings.cpu_pins]
        fits(all(n < self.vcpus for n in pinned), "settings.cpu_pins", "names an unknown vCPU")
        if cpu is not None and cpu.sockets is not None:
            whole = cpu.sockets * (cpu.cores or 0) * (cpu.threads or 0)
            fits(whole == self.vcpus, "settings.cpu", f"has {whole} vCPUs, not {self.vcpus}")
        if cells:
            vcpus = sorted(vcpu for cell in cells for vcpu in cell.vcpus)
            memory = sum(cell.memory_bytes for cell in cells)
            place = "settings.numa_cells"
            fits(vcpus == list(range(self.vcpus)), place, "must have each vCPU once")
            fits(memory == self.memory_bytes, place, "must have all memory together")


@value(since="1.0")
class DeleteVmRequest:
    """How to delete a VM."""


@value(since="1.0")
class VmState:
    """What a VM is at the moment."""

    vm_uuid: UUID
    name: str
    """The label that it was created with, or that an operator gave it since."""
    power_state: PowerState
    disk_keys: tuple[str, ...] | None = None
    """Of all its disks, media and volumes among them, in any order; see rule ID-4."""
    nic_keys: tuple[str, ...] | None = None


@value(since="1.0")
class DiskStatistics:
    """What one disk did since the VM was started, and what it does now."""

    key: str
    read_bytes: int | None = None
    read_requests: int | None = None
    write_bytes: int | None = None
    write_requests: int | None = None
    errors: int | None = None
    read_bytes_per_second: int | None = None
    """Over the host's last sampling interval, like all that is per second."""
    write_bytes_per_second: int | None = None
    size_bytes: int | None = None
    """Size that the guest sees."""
    stored_bytes: int | None = None
    """What it takes of the host's storage."""


@value(since="1.0")
class NicStatistics:
    """What one NIC did since the VM was started, and what it does now."""

    key: str
    received_bytes: int | None = None
    received_packets: int | None = None
    received_errors: int | None = None
    received_dropped: int | None = None
    sent_bytes: int | None = None
    sent_packets: int | None = None
    sent_errors: int | None = None
    sent_dropped: int | None = None
    received_bytes_per_second: int | None = None
    sent_bytes_per_second: int | None = None


@value(since="1.0")
class VmStatistics:
    """What a VM uses. What the host does not measure is None, or left out of a tuple, never 0."""

    vm_uuid: UUID
    power_state: PowerState
    vcpus: int | None = None
    cpu_time_ns: int | None = None
    """Processor time since the VM was started, in nanoseconds, over all its vCPUs."""
    vcpu_times_ns: tuple[int, ...] = ()
    """The same of each vCPU."""
    cpu_load: float | None = None
    """Share of its vCPUs' time that it used in the host's last sampling interval, 0.0 to 1.0."""
    uptime_seconds: int | None = None
    """Since it was started."""
    memory_bytes: int | None = None
    """Memory that the guest may use now."""
    memory_used_bytes: int | None = None
    """Memory that the host holds for it now."""
    disks: tuple[DiskStatistics, ...] = ()
    nics: tuple[NicStatistics, ...] = ()
