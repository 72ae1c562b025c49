"""What the driver finds out about the pool while connecting; all of it stays fixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from nova_virt_interface import offers
from nova_virt_interface.errors import (
    BackendError,
    InvalidRequest,
    NotFound,
    Resource,
    Unsupported,
)
from nova_virt_interface.values.console import ConsoleKind
from nova_virt_interface.values.disks import DiskBus, MediaFormat
from nova_virt_interface.values.guest_settings import Firmware, VmFeature
from nova_virt_interface.values.host import HostDescription, HostPowerAction
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.migration import MigrationMode
from nova_virt_interface.values.nics import NicBackingKind, NicModel
from nova_virt_interface.values.vm import VmSpec
from nova_virt_interface.values.volumes import VolumeProtocol

from nova_virt_xenapi.cache import Cache
from nova_virt_xenapi.conf import Settings
from nova_virt_xenapi.settings import check_settings, features

__all__ = ["MOST_DISKS", "Pool", "check_vm", "examine", "management_network"]

MOST_DISKS: Final = 16
"""xapi numbers the disks of a VM of full virtualization 0 to 15."""
_MOST_NICS: Final = 7
_PROTOCOLS: Final = (VolumeProtocol.HYPERVISOR, VolumeProtocol.ISCSI, VolumeProtocol.NFS)


@dataclass(frozen=True)
class Pool:
    """The compute node in its pool, by references."""

    host: str
    host_uuid: str
    host_address: str
    host_metrics: str
    host_cpus: int
    storage: str
    storage_uuid: str
    storage_id: str | None
    """Of storage that other hosts of the pool see, too."""
    pool_uuid: str
    pv_domain_type: str
    """How the host makes a guest in `GuestMode.PV`."""
    description: HostDescription


def examine(cache: Cache, settings: Settings) -> Pool:
    """All that stays fixed while connected, as the pool told it last."""
    pool, hosts = next(iter(cache.told("pool").values()), None), cache.told("host")
    if pool is None:
        raise BackendError("the pool tells nothing of itself")
    host = _named(hosts, settings.host, "host") or pool["master"]
    repositories = cache.told("SR")
    storage = (
        _named(repositories, settings.storage_repository, "storage_repository")
        or pool["default_SR"]
    )
    if storage not in repositories:
        raise InvalidRequest(
            "the pool has no default storage repository",
            remedy="name one in the option storage_repository",
            field="storage_repository",
        )
    record, kind = hosts[host], repositories[storage]["type"]
    # Pools before the field do not take QCOW2.
    stored = {
        format
        for row in cache.told("SM").values()
        if row["type"] == kind
        for format in row.get("supported_image_formats", ())
    }
    is_master = host == pool["master"]
    return Pool(
        host,
        record["uuid"],
        record["address"],
        record["metrics"],
        int(record["cpu_info"]["cpu_count"]),
        storage,
        repositories[storage]["uuid"],
        repositories[storage]["uuid"] if repositories[storage]["shared"] else None,
        pool["uuid"],
        _pv_domain_type(record),
        _describe(record, _host_powers(record, is_master=is_master), _more_formats(stored)),
    )


def _pv_domain_type(host: dict[str, Any]) -> str:
    """Where Xen makes no paravirtualized domains, a shim inside of a PVH domain does."""
    return "pv" if any(name.startswith("xen-") for name in host["capabilities"]) else "pv_in_pvh"


def _host_powers(host: dict[str, Any], *, is_master: bool) -> tuple[HostPowerAction, ...]:
    """A host is turned on by the pool's master, in the way that an operator has set up."""
    downs = (HostPowerAction.SHUT_DOWN, HostPowerAction.REBOOT)
    can_start = bool(host["power_on_mode"]) and not is_master
    return (*downs, HostPowerAction.START) if can_start else downs


def _named(records: dict[str, dict[str, Any]], wanted: str, option: str) -> str | None:
    if not wanted:
        return None
    found = [ref for ref, record in records.items() if record["uuid"] == wanted]
    found = found or [ref for ref, record in records.items() if record["name_label"] == wanted]
    if len(found) != 1:
        problem = "has none of this name" if not found else "has several of this name"
        raise InvalidRequest(
            f"option {option}: the pool {problem}: {wanted}",
            remedy="name it by its uuid",
            field=option,
        )
    return found[0]


def _more_formats(stored: set[str]) -> tuple[DiskFormat, ...]:
    """What the pool knows beside VHD: xapi turns the content of any format into any other."""
    return (DiskFormat.QCOW2,) if DiskFormat.QCOW2.value in stored else ()


def management_network(cache: Cache, host: str) -> str:
    """The network of a host's management, over which disks and memory go."""
    for record in cache.rows("PIF").values():
        if record["management"] and record["host"] == host:
            return str(record["network"])
    raise NotFound(
        "the host has no network of management", resource=Resource.NETWORK, name="management"
    )


def _describe(
    host: dict[str, Any],
    powers: tuple[HostPowerAction, ...],
    more_formats: tuple[DiskFormat, ...],
) -> HostDescription:
    software = host["software_version"]
    if not any(capability.startswith("hvm-") for capability in host["capabilities"]):
        raise Unsupported(
            "the host has no hardware virtualization", remedy="switch it on in its firmware"
        )
    return HostDescription(
        hypervisor_type=software.get("product_brand", "Xen"),
        hypervisor_version=software.get("product_version", software.get("xapi", "unknown")),
        hostname=host["hostname"],
        cpu_architecture="x86_64",
        image_formats=(DiskFormat.RAW, DiskFormat.VHD, *more_formats),
        disk_formats=(DiskFormat.VHD, *more_formats),
        disk_buses=(DiskBus.XEN,),
        media_formats=(MediaFormat.ISO9660, MediaFormat.VFAT),
        nic_backings=(NicBackingKind.NETWORK,),
        nic_models=(NicModel.NETFRONT,),
        firmware=(Firmware.BIOS, Firmware.UEFI),
        # No login_protocols: xapi would write a password of CHAP into its database. No
        # ONLINE_DISK_RESIZE: none of XCP-ng's storage managers has VDI_RESIZE_ONLINE.
        features=(
            *features(host),
            VmFeature.NIC_MTU,
            VmFeature.IMPORTED_DISKS,
            VmFeature.READ_ONLY_VOLUMES,
        ),
        export_formats=(DiskFormat.RAW, DiskFormat.VHD, *more_formats),
        volume_protocols=_PROTOCOLS,
        migration_modes=(MigrationMode.LIVE, MigrationMode.COLD),
        console_kinds=(ConsoleKind.VNC,),
        host_power_actions=powers,
        disk_step_bytes=2 * 1024**2,
    )


def check_vm(spec: VmSpec, pool: Pool) -> None:
    """Refuse a VM that the host does not take as asked."""
    offers.check_vm(spec, pool.description)
    check_settings(spec.settings, pool.host_cpus)
    for field, number, most in (
        ("disks", len(spec.disks), MOST_DISKS),
        ("nics", len(spec.nics), _MOST_NICS),
    ):
        if number > most:
            raise Unsupported(f"{field}: a VM here has at most {most}, not {number}", field=field)
