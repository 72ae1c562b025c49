"""Requests about instances that exist, beside those of every node (`values.instances`)."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.marks import value
from nova_virt_interface.values._checks import at_least, fits, image_key
from nova_virt_interface.values.export import Consistency
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.instances import GuestMetadata, Image, InstanceVolume, SpawnRequest
from nova_virt_interface.values.migration import MigrationMode, MigrationPlan, OutgoingVm
from nova_virt_interface.values.secrets import DeviceSecret

__all__ = [
    "AttachVolumeRequest",
    "CheckIncomingInstanceRequest",
    "DetachVolumeRequest",
    "EvacuateRequest",
    "ExtendVolumeRequest",
    "FinishIncomingInstanceRequest",
    "PrepareIncomingInstanceRequest",
    "RescueRequest",
    "ResizeInstanceRequest",
    "SnapshotRequest",
    "SwapVolumeRequest",
    "UnrescueRequest",
]


@value(since="1.0")
class AttachVolumeRequest:
    """The volume to attach to an instance."""

    volume: InstanceVolume
    secrets: tuple[DeviceSecret, ...] = ()


@value(since="1.0")
class DetachVolumeRequest:
    """The volume to detach from an instance."""

    volume_id: UUID
    guest_timeout_seconds: float = 30.0

    def __post_init__(self) -> None:
        fits(self.guest_timeout_seconds >= 0, "guest_timeout_seconds", "is negative")


@value(since="1.0")
class ExtendVolumeRequest:
    """The attached volume that its service has enlarged."""

    volume_id: UUID
    size_bytes: int

    def __post_init__(self) -> None:
        at_least(1, self.size_bytes, "size_bytes")


@value(since="1.0")
class SwapVolumeRequest:
    """The attached volume to replace, and the one to replace it with."""

    volume_id: UUID
    replacement: InstanceVolume


@value(since="1.0")
class SnapshotRequest:
    """The image to make of an instance's root disk."""

    sink_key: str
    """Core's name of the image in the image sink."""
    format: DiskFormat
    consistency: Consistency = Consistency.CRASH

    def __post_init__(self) -> None:
        image_key(self.sink_key, "sink_key")


@value(since="1.0")
class ResizeInstanceRequest:
    """What the instance is to be; the whole description."""

    instance: SpawnRequest


@value(since="1.0")
class RescueRequest:
    """What to boot an instance from that does not boot."""

    image: Image
    metadata: GuestMetadata
    """For the rescue system: with its own password and keys."""
    instance: SpawnRequest
    """The instance as it is, with the secrets of all its devices."""


@value(since="1.0")
class UnrescueRequest:
    """How to boot an instance from its own disks again."""

    instance: SpawnRequest
    """The instance as it is, with the secrets of all its devices: its config drive is made anew."""


@value(since="1.0")
class EvacuateRequest:
    """The instance to take over from a host that is gone; the whole description."""

    instance: SpawnRequest


@value(since="1.0")
class CheckIncomingInstanceRequest:
    """The instance that is to come."""

    vm: OutgoingVm
    instance: SpawnRequest
    """With its ports and volumes as they are at the destination."""
    mode: MigrationMode


@value(since="1.0")
class PrepareIncomingInstanceRequest:
    """The instance to make ready for."""

    plan: MigrationPlan
    instance: SpawnRequest


@value(since="1.0")
class FinishIncomingInstanceRequest:
    """The instance that has come."""

    instance: SpawnRequest
