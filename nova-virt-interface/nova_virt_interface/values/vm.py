"""A VM: what it should be, what it is, and what it uses."""

from __future__ import annotations

import enum
from uuid import UUID

from nova_virt_interface.marks import enumeration, value
from nova_virt_interface.values._checks import at_least, printable, unique
from nova_virt_interface.values.disks import DiskSpec
from nova_virt_interface.values.nics import NicSpec
from nova_virt_interface.values.power import PowerState

__all__ = [
    "DeleteVmRequest",
    "DiskStatistics",
    "Firmware",
    "NicStatistics",
    "VmSpec",
    "VmState",
    "VmStatistics",
]


@enumeration(since="1.0", open=True)
class Firmware(enum.Enum):
    """What a guest boots by."""

    BIOS = "bios"
    UEFI = "uefi"


@value(since="1.0")
class VmSpec:
    """The whole description of a VM; the driver finds the steps.

    [SPEC-1] The name is a label: it need not be unique, any printable text is allowed, and nothing
    is found by it.
    """

    name: str
    vcpus: int
    memory_bytes: int
    disks: tuple[DiskSpec, ...] = ()
    nics: tuple[NicSpec, ...] = ()
    firmware: Firmware | None = None
    """None: as the driver likes best."""

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


@value(since="1.0")
class DiskStatistics:
    """What one disk did since the VM was started."""

    key: str
    read_bytes: int
    read_requests: int
    write_bytes: int
    write_requests: int


@value(since="1.0")
class NicStatistics:
    """What one NIC did since the VM was started."""

    key: str
    received_bytes: int
    received_packets: int
    sent_bytes: int
    sent_packets: int


@value(since="1.0")
class VmStatistics:
    """What a VM uses. What the host does not measure is None, or left out of a tuple, never 0."""

    vm_uuid: UUID
    power_state: PowerState
    vcpus: int | None = None
    cpu_time_ns: int | None = None
    """Processor time since the VM was started, in nanoseconds, over all its vCPUs."""
    memory_bytes: int | None = None
    """Memory that the guest may use now."""
    memory_used_bytes: int | None = None
    """Memory that the host holds for it now."""
    disks: tuple[DiskStatistics, ...] = ()
    nics: tuple[NicStatistics, ...] = ()
