"""VMs that go to another host: what both hosts' drivers tell each other through core."""

from __future__ import annotations

import enum
from uuid import UUID

from nova_virt_interface.marks import enumeration, value
from nova_virt_interface.secret import Secret
from nova_virt_interface.values._checks import at_least
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.vm import VmSpec

__all__ = [
    "AbortMigrationRequest",
    "CancelIncomingRequest",
    "CheckIncomingRequest",
    "CheckOutgoingRequest",
    "DriverData",
    "FinishIncomingRequest",
    "FinishOutgoingRequest",
    "ForceCompleteRequest",
    "ForcedBy",
    "IncomingOffer",
    "MigrateVmRequest",
    "MigrationMode",
    "MigrationPhase",
    "MigrationPlan",
    "MigrationStatus",
    "MigrationTicket",
    "OutgoingDisk",
    "OutgoingVm",
    "PrepareIncomingRequest",
]


@enumeration(since="1.0", open=False)
class MigrationMode(enum.Enum):
    """What a migration does with the VM."""

    LIVE = "live"
    """A running VM moves; its guest stands still for a moment at most."""
    COLD = "cold"
    """A stopped VM is copied; the one at the source stays as it was until the migration is
    finished there.
    """


@value(since="1.0")
class DriverData:
    """What drivers of one kind tell each other, and core carries without a look.

    [MIG-1] Two hosts may have two versions of a driver. The driver numbers the format of its data
    and refuses a number that it does not know with `Unsupported`, before anything is touched.
    """

    driver: str
    """The driver's name, as in its entry point."""
    format: int
    content: bytes = b""

    def __repr__(self) -> str:
        return f"DriverData({self.driver!r}, format={self.format}, <{len(self.content)} bytes>)"


@value(since="1.0")
class OutgoingDisk:
    """A disk of the VM at the source."""

    key: str
    size_bytes: int
    stored_bytes: int | None = None
    storage_id: str | None = None
    """As `HostInventory.storage_id`; None: storage of the source's own."""
    is_volume: bool = False


@value(since="1.0")
class OutgoingVm:
    """What the source says of the VM."""

    vm_uuid: UUID
    power_state: PowerState
    disks: tuple[OutgoingDisk, ...]
    data: DriverData


@value(since="1.0")
class CheckIncomingRequest:
    """The VM that is to come."""

    vm: OutgoingVm
    spec: VmSpec
    """As it is to be at the destination. What may differ from the source's is where it is plugged
    in: backings of NICs, processors, host devices; nothing that the guest can see.
    """
    mode: MigrationMode


@value(since="1.0")
class IncomingOffer:
    """What the destination can do for the VM. Nothing is reserved by it."""

    hostname: str
    copied_disks: tuple[str, ...]
    """Keys of the disks whose content has to be copied; the others are seen by both hosts."""
    data: DriverData


@value(since="1.0")
class CheckOutgoingRequest:
    """The destination's offer."""

    offer: IncomingOffer
    mode: MigrationMode


@value(since="1.0")
class MigrationPlan:
    """What both hosts agree on."""

    mode: MigrationMode
    copied_disks: tuple[str, ...]
    data: DriverData
    expected_bytes: int | None = None
    """Disk content and memory that will have to cross; None: not known."""


@value(since="1.0")
class PrepareIncomingRequest:
    """The VM to make ready for."""

    plan: MigrationPlan
    spec: VmSpec
    """As in `CheckIncomingRequest`, with the secrets of its devices."""


@value(since="1.0")
class MigrationTicket:
    """The destination's promise, for the source alone."""

    plan: MigrationPlan
    address: str
    """Where the source sends to, as the hypervisor writes it."""
    data: DriverData
    secret: Secret | None = None
    """By which the destination's hypervisor lets the source's in."""
    valid_seconds: int | None = None
    """How long from now it may be used; None: until it is cancelled."""


@value(since="1.0")
class MigrateVmRequest:
    """How to move or copy the VM. What a hypervisor does by itself, or not at all, is no reason to
    refuse: these fields are limits and permissions.
    """

    ticket: MigrationTicket
    bytes_per_second: int | None = None
    """At most; None: no limit."""
    downtime_ms: int | None = None
    """How long the guest may stand still at the switch-over; None: the hypervisor's default."""
    may_throttle: bool = False
    """The guest may be slowed down if it writes faster than its memory can be sent."""
    may_post_copy: bool = False
    """`IForceMigration` may switch over before all memory was sent."""

    def __post_init__(self) -> None:
        at_least(1, self.bytes_per_second, "bytes_per_second")
        at_least(1, self.downtime_ms, "downtime_ms")


@value(since="1.0")
class FinishIncomingRequest:
    """The VM that has come."""

    spec: VmSpec


@value(since="1.0")
class CancelIncomingRequest:
    """The VM that is not to come."""


@value(since="1.0")
class FinishOutgoingRequest:
    """The VM that has gone."""


@value(since="1.0")
class AbortMigrationRequest:
    """The migration to give up."""


@enumeration(since="1.0", open=True)
class ForcedBy(enum.Enum):
    """By which means a migration that does not come to an end is brought to it."""

    PAUSE = "pause"
    """The guest stands still until all memory was sent."""
    POST_COPY = "post-copy"
    """The guest runs at the destination, and fetches what is missing."""


@value(since="1.0")
class ForceCompleteRequest:
    """How to bring a migration to its end."""

    by: ForcedBy


@enumeration(since="1.0", open=False)
class MigrationPhase(enum.Enum):
    """How far a migration is."""

    NONE = "none"
    """There is none, or none any more."""
    COPYING = "copying"
    """The VM is the source's."""
    POST_COPY = "post-copy"
    """The VM runs at the destination; memory is still to come."""
    SWITCHED = "switched"
    """The VM is the destination's."""


@value(since="1.0")
class MigrationStatus:
    """A migration at the moment. What the hypervisor does not tell is None."""

    phase: MigrationPhase
    elapsed_ms: int | None = None
    memory_total_bytes: int | None = None
    memory_remaining_bytes: int | None = None
    disk_total_bytes: int | None = None
    disk_remaining_bytes: int | None = None
