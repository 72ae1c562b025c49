"""Pure functions between contract values and what the host in memory stores."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import InvalidRequest, NotFound, Resource
from nova_virt_interface.offers import needed_secrets, setting_features
from nova_virt_interface.reference.guest import Inside
from nova_virt_interface.reference.host import Disk, Image, Nic, Vm, digest_of
from nova_virt_interface.values.console import ConsoleKind
from nova_virt_interface.values.disks import DiskBus, DiskSpec, FromImage, Media, MediaFormat
from nova_virt_interface.values.guest_settings import Firmware, VmFeature
from nova_virt_interface.values.host import HostDescription, HostPowerAction
from nova_virt_interface.values.images import CachedImage, DiskFormat
from nova_virt_interface.values.migration import MigrationMode
from nova_virt_interface.values.nics import NicBackingKind, NicModel, NicSpec
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.secrets import DeviceSecret
from nova_virt_interface.values.vm import VmSpec, VmState
from nova_virt_interface.values.volumes import Volume

__all__ = [
    "cached_image",
    "describe",
    "disk",
    "keys",
    "locks",
    "nic",
    "origin",
    "power_state",
    "vm",
    "vm_state",
]


# All settings; of disks and NICs what the host in memory keeps.
_FEATURES = tuple(
    feature
    for feature in VmFeature
    if feature
    not in (
        VmFeature.DISK_ENCRYPTION,
        VmFeature.VOLUME_ENCRYPTION,
        VmFeature.SHARED_VOLUMES,
        VmFeature.IMPORTED_DISKS,
    )
)


def describe(name: str) -> HostDescription:
    """What every host in memory offers."""
    return HostDescription(
        hypervisor_type="reference",
        hypervisor_version="1",
        hostname=name,
        cpu_architecture="x86_64",
        image_formats=(DiskFormat.RAW,),
        disk_formats=(DiskFormat.RAW,),
        disk_buses=(DiskBus.VIRTIO,),
        media_formats=(MediaFormat.ISO9660, MediaFormat.VFAT),
        nic_backings=(NicBackingKind.NETWORK,),
        nic_models=(NicModel.VIRTIO,),
        firmware=(Firmware.BIOS, Firmware.UEFI),
        console_kinds=(ConsoleKind.VNC, ConsoleKind.SERIAL),
        host_power_actions=(HostPowerAction.SHUT_DOWN, HostPowerAction.REBOOT),
        features=_FEATURES,
        migration_modes=(MigrationMode.LIVE, MigrationMode.COLD),
    )


def disk(spec: DiskSpec, images: Mapping[str, Image]) -> Disk:
    """The disk that the host is to make."""
    made = Disk(
        size_bytes=spec.size_bytes or 0,
        boot_index=spec.boot_index,
        serial=spec.serial,
        digest=spec_digest(spec),
        origin=origin(spec),
        is_volume=isinstance(spec.source, Volume),
    )
    if isinstance(spec.source, Media):
        made.content = spec.source.content
        made.size_bytes = len(made.content)
        made.read_only = True
    elif isinstance(spec.source, FromImage):
        made.image_key = spec.source.image_key
        if made.image_key not in images:
            name = made.image_key
            raise NotFound(f"image {name} is not in the cache", resource=Resource.IMAGE, name=name)
        made.content = images[made.image_key].content
        if made.size_bytes < len(made.content):
            raise InvalidRequest(
                f"disk {spec.key} of {made.size_bytes} bytes is smaller than its image "
                f"of {len(made.content)}",
                remedy="ask for a larger disk, or use a smaller image",
                field=f"disks[{spec.key}].size_bytes",
            )
    return made


def origin(spec: DiskSpec) -> str:
    """Digest of what a disk keeps for its life, whatever its size and place."""
    return ":".join(spec_digest(part) for part in (spec.source, spec.format, spec.encryption))


def nic(spec: NicSpec) -> Nic:
    """The NIC that the host is to make."""
    return Nic(mac=spec.mac, digest=spec_digest(spec))


def keys(secrets: tuple[DeviceSecret, ...]) -> dict[tuple[str, str], bytes]:
    """Secrets as the host takes them."""
    return {(item.key, item.purpose.value): item.secret.reveal() for item in secrets}


def locks(spec: VmSpec) -> dict[tuple[str, str], str]:
    """What is kept of the secrets that the VM's own devices need whenever it starts."""
    given = keys(spec.secrets)
    places = [(key, purpose.value) for key, purpose in needed_secrets(spec)]
    return {place: digest_of(given[place]) for place in places}


def vm(vm_uuid: UUID, spec: VmSpec, owner: str, images: Mapping[str, Image]) -> Vm:
    """The VM that the host is to make."""
    return Vm(
        uuid=vm_uuid,
        label=spec.name,
        owner=owner,
        vcpus=spec.vcpus,
        memory_bytes=spec.memory_bytes,
        digest=spec_digest(spec),
        disks={item.key: disk(item, images) for item in spec.disks},
        nics={item.key: nic(item) for item in spec.nics},
        locks=locks(spec),
        inside=Inside(has_channel=spec.settings.guest_agent),
        features=frozenset(feature.value for _, feature in setting_features(spec.settings)),
    )


def power_state(state: str) -> PowerState:
    """The host's states have the contract's names; any other is unknown (rule PWR-2)."""
    try:
        return PowerState(state)
    except ValueError:
        return PowerState.UNKNOWN


def vm_state(stored: Vm) -> VmState:
    """What the VM is."""
    state = power_state(stored.state)
    return VmState(
        vm_uuid=stored.uuid,
        name=stored.label,
        power_state=state,
        disk_keys=tuple(stored.disks),
        nic_keys=tuple(stored.nics),
    )


def cached_image(key: str, image: Image) -> CachedImage:
    """The image as the contract reports it."""
    size = len(image.content)
    return CachedImage(
        key=key, format=DiskFormat(image.format), virtual_size_bytes=size, stored_bytes=size
    )
