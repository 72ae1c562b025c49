"""Pure functions between contract values and what the host in memory stores."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import NotFound, Resource
from nova_virt_interface.offers import setting_features
from nova_virt_interface.reference.guest import Inside
from nova_virt_interface.reference.host import Image, Nic, Vm, digest_of
from nova_virt_interface.reference.made_disk import made_disk
from nova_virt_interface.values.console import ConsoleKind
from nova_virt_interface.values.disks import DiskBus, MediaFormat
from nova_virt_interface.values.guest_settings import Firmware, VmFeature
from nova_virt_interface.values.host import HostDescription, HostPowerAction
from nova_virt_interface.values.images import CachedImage, DiskFormat
from nova_virt_interface.values.migration import MigrationMode
from nova_virt_interface.values.nics import NicBackingKind, NicModel, NicSpec
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.secrets import DeviceSecret, SecretPurpose
from nova_virt_interface.values.vm import VmSpec, VmState
from nova_virt_interface.values.volumes import EncryptionFormat, VolumeProtocol

__all__ = [
    "NETWORKS",
    "cached_image",
    "check_nic",
    "check_vm",
    "describe",
    "keys",
    "locks",
    "nic",
    "power_state",
    "vm",
    "vm_state",
]


NETWORKS = ("network-1", "private")
"""Those of every host in memory."""


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
        features=tuple(VmFeature),
        volume_protocols=tuple(VolumeProtocol),
        login_protocols=(VolumeProtocol.ISCSI, VolumeProtocol.RBD, VolumeProtocol.SMB),
        encryption_formats=(EncryptionFormat.LUKS,),
        export_formats=(DiskFormat.RAW,),
        migration_modes=(MigrationMode.LIVE, MigrationMode.COLD),
    )


def check_vm(spec: VmSpec, host: HostDescription) -> None:
    """Refuse a VM that a host in memory cannot make, whoever asks for it."""
    offers.check_vm(spec, host)
    for card in spec.nics:
        check_nic(card, host)


def check_nic(spec: NicSpec, host: HostDescription) -> None:
    """Refuse a NIC that a host in memory cannot plug in."""
    offers.check_nic(spec, host)
    network = spec.backing.name
    if spec.backing.kind is NicBackingKind.NETWORK and network not in NETWORKS:
        raise NotFound(
            f"the host has no network {network}",
            resource=Resource.NETWORK,
            name=network,
            remedy=f"it has {', '.join(NETWORKS)}",
        )


def nic(spec: NicSpec) -> Nic:
    """The NIC that the host is to make."""
    return Nic(mac=spec.mac, digest=spec_digest(spec))


def keys(secrets: tuple[DeviceSecret, ...]) -> dict[tuple[str, str], bytes]:
    """Secrets as the host takes them."""
    return {(item.key, item.purpose.value): item.secret.reveal() for item in secrets}


def locks(spec: VmSpec) -> dict[tuple[str, str], str]:
    """What is kept of the secrets that devices which are no disks need whenever it starts; disks
    have their own.
    """
    tpm = spec.settings.tpm
    if tpm is None:
        return {}
    place = (tpm.key, SecretPurpose.TPM.value)
    return {place: digest_of(keys(spec.secrets)[place])}


def vm(vm_uuid: UUID, spec: VmSpec, owner: str, images: Mapping[str, Image]) -> Vm:
    """The VM that the host is to make."""
    return Vm(
        uuid=vm_uuid,
        label=spec.name,
        owner=owner,
        vcpus=spec.vcpus,
        memory_bytes=spec.memory_bytes,
        digest=spec_digest(spec),
        disks={item.key: made_disk(item, images, spec.secrets) for item in spec.disks},
        nics={item.key: nic(item) for item in spec.nics},
        locks=locks(spec),
        inside=Inside(has_channel=spec.settings.guest_agent),
        features=frozenset(feature.value for _, feature in setting_features(spec.settings)),
        shares=frozenset(share.path for share in spec.settings.shares),
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
