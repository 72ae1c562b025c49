"""Refuses what a host does not offer, before anything is touched: the same for every driver.

[CAP-2] What a `HostDescription` does not name is refused with `Unsupported`, before anything is
touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nova_virt_interface.errors import (
    InsufficientResources,
    InvalidRequest,
    Resource,
    Unsupported,
)
from nova_virt_interface.values.disks import DiskSpec, Imported, Media
from nova_virt_interface.values.guest_settings import GuestMode, GuestSettings, VmFeature
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.migration import DriverData
from nova_virt_interface.values.nics import NicSpec
from nova_virt_interface.values.secrets import DeviceSecret, SecretPurpose
from nova_virt_interface.values.vm import VmSpec
from nova_virt_interface.values.volumes import (
    FileVolume,
    IscsiVolume,
    NfsVolume,
    RbdVolume,
    SmbVolume,
    Volume,
    VolumeConnection,
    VolumeProtocol,
)

__all__ = [
    "check_disk",
    "check_driver_data",
    "check_nic",
    "check_offered",
    "check_vm",
    "check_volume",
    "protocol_of",
    "require_free",
    "require_secrets",
    "secrets_of_disk",
    "secrets_of_volume",
    "setting_features",
]


def check_vm(spec: VmSpec, host: HostDescription) -> None:
    """Raise `Unsupported` unless the host offers all that the VM asks for; `InvalidRequest` for a
    secret that does not come with it (rule SEC-4).
    """
    if spec.memory_bytes % host.memory_step_bytes:
        raise Unsupported(
            f"the host gives memory in steps of {host.memory_step_bytes} bytes, "
            f"not {spec.memory_bytes}",
            remedy="ask for a multiple",
            field="memory_bytes",
        )
    _check_settings(spec.settings, host)
    for disk in spec.disks:
        check_disk(disk, host, spec.secrets)
    for nic in spec.nics:
        check_nic(nic, host)
    _check_tpm_secret(spec, host)
    require_secrets(_needed_secrets(spec, host), spec.secrets)


def check_disk(
    disk: DiskSpec, host: HostDescription, secrets: tuple[DeviceSecret, ...] = ()
) -> None:
    """As `check_vm`, for one disk."""
    place = f"disks[{disk.key}]"
    source = disk.source
    check_offered(disk.format, host.disk_formats, f"{place}.format")
    check_offered(disk.bus, host.disk_buses, f"{place}.bus")
    if isinstance(source, Media):
        check_offered(source.format, host.media_formats, f"{place}.source.format")
    _check_features(_disk_features(disk), host, f"{place}.")
    if isinstance(source, Imported):
        check_offered(source.format, host.image_formats, f"{place}.source.format")
    if disk.encryption is not None:
        check_offered(disk.encryption.format, host.encryption_formats, f"{place}.encryption.format")
    if isinstance(source, Volume):
        _check_connection(source, host, f"{place}.source")
    require_secrets(secrets_of_disk(disk), secrets)


def check_volume(
    key: str, volume: Volume, host: HostDescription, secrets: tuple[DeviceSecret, ...] = ()
) -> None:
    """As `check_vm`, for a volume that takes the place of another one as disk ``key``."""
    _check_features(_volume_features(volume, "volume"), host, f"disks[{key}].")
    _check_connection(volume, host, f"disks[{key}].volume")
    require_secrets(secrets_of_volume(key, volume), secrets)


def check_nic(nic: NicSpec, host: HostDescription) -> None:
    """As `check_vm`, for one NIC."""
    place = f"nics[{nic.key}]"
    check_offered(nic.model, host.nic_models, f"{place}.model")
    check_offered(nic.backing.kind, host.nic_backings, f"{place}.backing.kind")
    asked = {
        "mtu_bytes": (nic.mtu_bytes is not None, VmFeature.NIC_MTU),
        "queues": (nic.queues is not None, VmFeature.NIC_QUEUES),
        "limits": (nic.limits is not None, VmFeature.NIC_LIMITS),
        "backing.vlan_id": (nic.backing.vlan_id is not None, VmFeature.VLAN),
    }
    wanted = ((field, feature) for field, (is_asked, feature) in asked.items() if is_asked)
    _check_features(wanted, host, f"{place}.")


def secrets_of_disk(disk: DiskSpec) -> tuple[tuple[str, SecretPurpose], ...]:
    """Key and purpose of each secret without which a VM with this disk cannot be made or started: a
    driver remembers them with the VM.
    """
    if isinstance(disk.source, Volume):
        return secrets_of_volume(disk.key, disk.source)
    return () if disk.encryption is None else ((disk.key, SecretPurpose.ENCRYPTION),)


def secrets_of_volume(key: str, volume: Volume) -> tuple[tuple[str, SecretPurpose], ...]:
    """As `secrets_of_disk`, for the volume that is disk ``key``."""
    needed = []
    if volume.encryption is not None:
        needed.append((key, SecretPurpose.ENCRYPTION))
    if _has_user(volume.connection):
        needed.append((key, SecretPurpose.AUTHENTICATION))
    return tuple(needed)


def _has_user(connection: VolumeConnection) -> bool:
    return (
        isinstance(connection, IscsiVolume | RbdVolume | SmbVolume) and connection.user is not None
    )


def require_secrets(
    needed: Iterable[tuple[str, SecretPurpose]], secrets: tuple[DeviceSecret, ...]
) -> None:
    """Raise `InvalidRequest` unless all that are needed are there (rule SEC-4)."""
    there = {(secret.key, secret.purpose) for secret in secrets}
    for key, purpose in needed:
        if (key, purpose) not in there:
            raise InvalidRequest(
                f"device {key} needs a secret for {purpose.value}",
                remedy="send it with the request",
                field="secrets",
            )


def check_offered(wanted: object, offered: Iterable[object], field: str) -> None:
    """Raise `Unsupported` about ``field`` unless ``wanted`` is None or among what is offered."""
    if wanted is not None and wanted not in tuple(offered):
        names = ", ".join(str(getattr(item, "value", item)) for item in offered) or "nothing"
        raise Unsupported(
            f"{field}: this host does not take {getattr(wanted, 'value', wanted)}",
            remedy=f"it takes {names}",
            field=field,
        )


def check_driver_data(data: DriverData, driver: str, formats: Iterable[int]) -> None:
    """Raise `Unsupported` about what another host's driver says, unless it is of this driver and of
    a format that it knows (rule MIG-1).
    """
    known = tuple(formats)
    if data.driver != driver or data.format not in known:
        raise Unsupported(
            f"driver {driver} takes migration data of formats {known}, "
            f"not format {data.format} of driver {data.driver}",
            remedy="use a host with a driver of the same kind, and update the older of both",
            field="data",
        )


def require_free(resource: Resource, needed: int, available: int, *, what: str) -> None:
    """Raise `InsufficientResources` if ``what`` needs more bytes than are free."""
    if needed > available:
        raise InsufficientResources(
            f"{what} needs {needed} bytes of {resource.value}, {max(0, available)} are free",
            remedy="free some, or use another host",
            resource=resource,
            needed=needed,
            available=max(0, available),
        )


def protocol_of(connection: VolumeConnection) -> VolumeProtocol:
    """The protocol of a volume's connection."""
    name = type(connection).__name__.removesuffix("Volume")
    return VolumeProtocol[
        {"FibreChannel": "FIBRE_CHANNEL", "BlockDevice": "BLOCK_DEVICE"}.get(name, name.upper())
    ]


def _check_settings(settings: GuestSettings, host: HostDescription) -> None:
    check_offered(settings.firmware, host.firmware, "settings.firmware")
    _check_features(setting_features(settings), host, "settings.")


def setting_features(settings: GuestSettings) -> Iterator[tuple[str, VmFeature]]:
    """Each field that is not at its default, with the feature that it asks of a host."""
    cpu, memory = settings.cpu, settings.memory
    asked = (
        ("mode", settings.mode is GuestMode.PV, VmFeature.PARAVIRTUALIZED_GUESTS),
        ("mode", settings.mode is GuestMode.PVH, VmFeature.PVH_GUESTS),
        ("secure_boot", settings.secure_boot, VmFeature.SECURE_BOOT),
        ("cpu.mode", cpu and (cpu.mode or cpu.features), VmFeature.CPU_MODEL),
        ("cpu.sockets", cpu and cpu.sockets, VmFeature.CPU_TOPOLOGY),
        ("cpu_pins", settings.cpu_pins, VmFeature.CPU_PINNING),
        ("numa_cells", settings.numa_cells, VmFeature.NUMA),
        ("memory.page_bytes", memory and memory.page_bytes, VmFeature.HUGE_PAGES),
        ("memory.locked", memory and memory.locked, VmFeature.LOCKED_MEMORY),
        ("memory.shared", memory and memory.shared, VmFeature.SHARED_MEMORY),
        ("memory.file_backed", memory and memory.file_backed, VmFeature.FILE_BACKED_MEMORY),
        ("tpm", settings.tpm, VmFeature.TPM),
        ("watchdog", settings.watchdog, VmFeature.WATCHDOG),
        ("random_source", settings.random_source, VmFeature.RANDOM_SOURCE),
        ("shares", settings.shares, VmFeature.SHARES),
        ("host_devices", settings.host_devices, VmFeature.PCI_PASSTHROUGH),
        ("virtual_gpus", settings.virtual_gpus, VmFeature.VIRTUAL_GPU),
        ("guest_agent", settings.guest_agent, VmFeature.GUEST_AGENT),
    )
    return ((field, feature) for field, content, feature in asked if content)


def _disk_features(disk: DiskSpec) -> Iterator[tuple[str, VmFeature]]:
    if disk.encryption is not None:
        yield "encryption", VmFeature.DISK_ENCRYPTION
    if disk.limits is not None:
        yield "limits", VmFeature.DISK_LIMITS
    if isinstance(disk.source, Imported):
        yield "source", VmFeature.IMPORTED_DISKS
    if disk.serial is not None:
        yield "serial", VmFeature.DISK_SERIAL
    if isinstance(disk.source, Volume):
        yield from _volume_features(disk.source, "source")


def _volume_features(volume: Volume, place: str) -> Iterator[tuple[str, VmFeature]]:
    if volume.encryption is not None:
        yield f"{place}.encryption", VmFeature.VOLUME_ENCRYPTION
    if volume.read_only:
        yield f"{place}.read_only", VmFeature.READ_ONLY_VOLUMES
    if volume.shared:
        yield f"{place}.shared", VmFeature.SHARED_VOLUMES


def _check_features(
    asked: Iterable[tuple[str, VmFeature]], host: HostDescription, prefix: str
) -> None:
    for field, feature in asked:
        if feature not in host.features:
            raise Unsupported(
                f"{prefix}{field}: this host does not have {feature.value}",
                remedy="use another host, or do not ask for it",
                field=f"{prefix}{field}",
            )


def _needed_secrets(spec: VmSpec, host: HostDescription) -> Iterator[tuple[str, SecretPurpose]]:
    tpm = spec.settings.tpm
    if tpm is not None and VmFeature.TPM_PASSPHRASE in host.features:
        yield tpm.key, SecretPurpose.TPM
    for disk in spec.disks:
        yield from secrets_of_disk(disk)


def _check_tpm_secret(spec: VmSpec, host: HostDescription) -> None:
    # Whoever sends a passphrase believes that nobody opens the state without it.
    if any(secret.purpose is SecretPurpose.TPM for secret in spec.secrets):
        _check_features([("secrets", VmFeature.TPM_PASSPHRASE)], host, "")


def _check_connection(volume: Volume, host: HostDescription, place: str) -> None:
    connection = volume.connection
    protocol = protocol_of(connection)
    check_offered(protocol, host.volume_protocols, f"{place}.connection")
    if _has_user(connection):
        check_offered(protocol, host.login_protocols, f"{place}.connection.user")
    if isinstance(connection, FileVolume | NfsVolume | SmbVolume):
        check_offered(connection.format, host.disk_formats, f"{place}.connection.format")
    if volume.encryption is not None:
        check_offered(
            volume.encryption.format, host.encryption_formats, f"{place}.encryption.format"
        )
