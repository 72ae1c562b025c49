"""An instance in nova's words: flavor, image, ports and metadata."""

from __future__ import annotations

import re
from uuid import UUID

from nova_virt_interface.marks import value
from nova_virt_interface.secret import Secret
from nova_virt_interface.values._checks import at_least, fits, mac_address, printable, unique
from nova_virt_interface.values.disks import DiskBus, DiskLimits
from nova_virt_interface.values.guest_settings import GuestSettings
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.nics import NicBacking, NicLimits, NicModel
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.secrets import DeviceSecret
from nova_virt_interface.values.volumes import Encryption, Volume

__all__ = [
    "AttachInterfaceRequest",
    "Checksum",
    "DestroyRequest",
    "DetachInterfaceRequest",
    "Flavor",
    "GuestMetadata",
    "Image",
    "InstanceInfo",
    "InstanceVolume",
    "Port",
    "PowerOffRequest",
    "PowerOnRequest",
    "SpawnRequest",
]

_IMAGE_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,126}[A-Za-z0-9])?")
_HEX_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
_HOSTNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


@value(since="1.0")
class Checksum:
    """A digest of an image's bytes."""

    algorithm: str
    """``sha256``, ``sha384`` or ``sha512``: none for which two contents of one digest are known."""
    hex_digest: str

    def __post_init__(self) -> None:
        digits = _HEX_DIGITS.get(self.algorithm)
        known = ", ".join(_HEX_DIGITS)
        fits(digits is not None, "algorithm", f"{self.algorithm!r} must be one of {known}")
        fits(
            re.fullmatch(f"[0-9a-f]{{{digits}}}", self.hex_digest) is not None,
            "hex_digest",
            f"must be {digits} hexadecimal digits in lower case for {self.algorithm}",
        )


@value(since="1.0")
class Image:
    """An image that the image source has under ``image_id``."""

    image_id: str
    format: DiskFormat
    size_bytes: int
    checksum: Checksum
    min_disk_bytes: int = 0
    min_memory_bytes: int = 0

    def __post_init__(self) -> None:
        fits(
            _IMAGE_ID.fullmatch(self.image_id) is not None,
            "image_id",
            f"{self.image_id!r} must be 1 to 128 letters, digits and inner hyphens or underscores",
        )
        at_least(1, self.size_bytes, "size_bytes")

    @property
    def cache_key(self) -> str:
        """The key of the image's content in the image source and in every cache (rule IMG-1).

        The format is part of it: the same bytes are another disk when they are read differently.
        """
        return f"{self.format.value}-{self.checksum.algorithm}-{self.checksum.hex_digest}"


@value(since="1.0")
class Flavor:
    """How large an instance is."""

    vcpus: int
    memory_bytes: int
    root_bytes: int
    ephemeral_bytes: int = 0
    """0: no ephemeral disk."""
    swap_bytes: int = 0
    """0: no swap disk."""

    def __post_init__(self) -> None:
        at_least(1, self.vcpus, "vcpus")
        at_least(1, self.memory_bytes, "memory_bytes")
        at_least(1, self.root_bytes, "root_bytes")
        at_least(0, self.ephemeral_bytes, "ephemeral_bytes")
        at_least(0, self.swap_bytes, "swap_bytes")


@value(since="1.0")
class Port:
    """A network port of an instance."""

    port_id: UUID
    mac: str
    backing: NicBacking
    model: NicModel | None = None
    mtu_bytes: int | None = None
    queues: int | None = None
    limits: NicLimits | None = None
    tag: str = ""
    """The user's name of the device's role; the guest finds it in its metadata."""

    def __post_init__(self) -> None:
        mac_address(self.mac, "mac")
        at_least(68, self.mtu_bytes, "mtu_bytes")


@value(since="1.0")
class InstanceVolume:
    """A volume of an instance."""

    volume: Volume
    size_bytes: int
    """What the guest sees of it."""
    attached_as: UUID | None = None
    """The id of the volume that this one replaced (`IVolumeSwap`), and that names it in requests
    from then on; None: its own.
    """
    boot_index: int | None = None
    """0: the instance boots from it, and needs no image."""
    bus: DiskBus | None = None
    limits: DiskLimits | None = None
    tag: str = ""
    """As `Port.tag`."""

    def __post_init__(self) -> None:
        at_least(1, self.size_bytes, "size_bytes")
        at_least(0, self.boot_index, "boot_index")

    @property
    def disk_key(self) -> str:
        """The key of its disk, and what the guest reads as the disk's serial number."""
        return str(self.attached_as or self.volume.volume_id)


@value(since="1.0")
class GuestMetadata:
    """What an instance learns about itself from its config drive."""

    hostname: str
    public_keys: tuple[tuple[str, str], ...] = ()
    """Pairs of a key's name and its text in OpenSSH's format."""
    properties: tuple[tuple[str, str], ...] = ()
    """Pairs of name and content, free for the user."""
    user_data: Secret | None = None
    admin_password: Secret | None = None

    def __post_init__(self) -> None:
        fits(
            _HOSTNAME.fullmatch(self.hostname) is not None,
            "hostname",
            f"{self.hostname!r} is no host name",
        )


@value(since="1.0")
class SpawnRequest:
    """The instance to make and start; the whole description of it."""

    name: str
    flavor: Flavor
    metadata: GuestMetadata
    image: Image | None = None
    """None: it boots from one of its volumes."""
    ports: tuple[Port, ...] = ()
    volumes: tuple[InstanceVolume, ...] = ()
    settings: GuestSettings = GuestSettings()
    encryption: Encryption | None = None
    """Of its root, ephemeral and swap disks (keys ``root``, ``ephemeral`` and ``swap``)."""
    secrets: tuple[DeviceSecret, ...] = ()
    config_drive: bool = True
    """Whether the metadata reach the guest on a disk."""

    def __post_init__(self) -> None:
        printable(self.name, "name")
        unique((port.port_id for port in self.ports), "ports")
        unique((port.mac for port in self.ports), "ports.mac")
        unique((volume.volume.volume_id for volume in self.volumes), "volumes")
        unique((volume.disk_key for volume in self.volumes), "volumes.attached_as")
        roots = sum(volume.boot_index == 0 for volume in self.volumes)
        fits(roots == (self.image is None), "image", "or one volume of boot index 0 is needed")


@value(since="1.0")
class DestroyRequest:
    """How to destroy an instance."""


@value(since="1.0")
class PowerOnRequest:
    """How to start an instance."""

    secrets: tuple[DeviceSecret, ...] = ()
    """Of all its devices that need one."""


@value(since="1.0")
class PowerOffRequest:
    """How to stop an instance."""

    graceful_timeout_seconds: float = 60.0
    """How long the guest may take to shut itself down before it is turned off; 0: turn it off at
    once.
    """

    def __post_init__(self) -> None:
        fits(self.graceful_timeout_seconds >= 0, "graceful_timeout_seconds", "is negative")


@value(since="1.0")
class AttachInterfaceRequest:
    """The port to plug into an instance."""

    port: Port


@value(since="1.0")
class DetachInterfaceRequest:
    """The port to unplug from an instance."""

    port_id: UUID


@value(since="1.0")
class InstanceInfo:
    """What an instance is at the moment."""

    instance_uuid: UUID
    name: str
    power_state: PowerState
