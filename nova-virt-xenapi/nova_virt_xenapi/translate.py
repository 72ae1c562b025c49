"""Pure functions between the contract's values and xapi's records."""

from __future__ import annotations

from typing import Any, Final

from nova_virt_interface.values.disks import DiskSpec, Media
from nova_virt_interface.values.images import CachedImage, DiskFormat
from nova_virt_interface.values.nics import NicSpec
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.vm import VmSpec, VmState
from nova_virt_interface.values.volumes import Volume

from nova_virt_xenapi.marks import DeviceMark, DiskMark, ImageMark, VmMark
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.settings import boot_fields, other_config, platform, vcpus_params

__all__ = [
    "NULL",
    "boot_order",
    "cached_image",
    "image_format",
    "power_state",
    "stored_as",
    "vbd_record",
    "vdi_record",
    "vif_record",
    "vm_record",
    "vm_state",
]

NULL: Final = "OpaqueRef:NULL"
_IMAGE_FORMAT: Final = "image-format"
"""What XCP-ng's storage managers that know QCOW2 read from ``VDI.sm_config``, and write there:
xapi's design document *Add supported image formats in sm-list*."""

_STATES: Final = {
    "Running": PowerState.RUNNING,
    "Paused": PowerState.PAUSED,
    "Halted": PowerState.STOPPED,
    "Suspended": PowerState.SUSPENDED,
}


def power_state(text: str) -> PowerState:
    """xapi's word for a state as the contract's; it has none for a crashed VM."""
    return _STATES.get(text, PowerState.UNKNOWN)


def vm_state(
    mark: VmMark,
    record: dict[str, Any],
    disk_keys: tuple[str, ...] | None = None,
    nic_keys: tuple[str, ...] | None = None,
) -> VmState:
    """What a VM's record says."""
    return VmState(
        disk_keys=disk_keys,
        nic_keys=nic_keys,
        vm_uuid=mark.vm_uuid,
        name=record["name_label"],
        power_state=power_state(record["power_state"]),
    )


def boot_order(disks: tuple[DiskSpec, ...]) -> tuple[DiskSpec, ...]:
    """The disks in the order in which the firmware is to see them, media last."""

    def rank(disk: DiskSpec) -> tuple[bool, bool, int]:
        index = disk.boot_index
        return isinstance(disk.source, Media), index is None, index or 0

    return tuple(sorted(disks, key=rank))


def vm_record(
    spec: VmSpec, mark: VmMark, pool: Pool, nvram: dict[str, str] | None = None
) -> dict[str, Any]:
    """For ``VM.create``; ``nvram`` is what the firmware of a VM that it takes the place of has
    written down.
    """
    memory, vcpus = str(spec.memory_bytes), str(spec.vcpus)
    settings = spec.settings
    boots = any(disk.boot_index is not None for disk in spec.disks)
    return {
        "name_label": spec.name,
        "name_description": "",
        "user_version": "1",
        "is_a_template": False,
        "affinity": pool.host,
        "suspend_SR": pool.storage,
        "memory_static_max": memory,
        "memory_dynamic_max": memory,
        "memory_dynamic_min": memory,
        "memory_static_min": memory,
        "VCPUs_params": vcpus_params(settings, spec.vcpus, pool.host_cpus),
        "VCPUs_max": vcpus,
        "VCPUs_at_startup": vcpus,
        "actions_after_shutdown": "destroy",
        "actions_after_reboot": "restart",
        "actions_after_crash": "destroy",
        "PV_kernel": "",
        "PV_ramdisk": "",
        "PV_args": "",
        "PV_bootloader_args": "",
        "PV_legacy_args": "",
        **boot_fields(settings, pool.pv_domain_type, boots=boots),
        "platform": platform(settings),
        "PCI_bus": "",
        "NVRAM": nvram or {},
        "recommendations": "",
        "has_vendor_device": False,
        "other_config": {**other_config(settings), **mark.as_config()},
    }


def image_format(spec: DiskSpec, pool: Pool) -> str:
    """How a storage manager is to store a disk; empty: as it prefers, or as it must."""
    is_choice = len(pool.description.disk_formats) > 1
    return spec.format.value if spec.format is not None and is_choice else ""


def stored_as(record: dict[str, Any]) -> DiskFormat:
    """How a VDI is stored; storage managers that know one format do not name it."""
    name = record["sm_config"].get(_IMAGE_FORMAT)
    return next((each for each in DiskFormat if each.value == name), DiskFormat.VHD)


def vdi_record(
    label: str, sr: str, size_bytes: int, mark: DiskMark | ImageMark, image_format: str = ""
) -> dict[str, Any]:
    """For ``VDI.create``."""
    return {
        "name_label": label,
        "name_description": "",
        "SR": sr,
        "virtual_size": str(size_bytes),
        "type": "user",
        "sharable": False,
        "read_only": False,
        "sm_config": {_IMAGE_FORMAT: image_format} if image_format else {},
        "other_config": mark.as_config(),
    }


def vbd_record(vm: str, vdi: str, spec: DiskSpec, device: str, mark: DeviceMark) -> dict[str, Any]:
    """For ``VBD.create``. A medium is a read-only disk: xapi takes only ISO files from a library
    of such as a CD.
    """
    return {
        "VM": vm,
        "VDI": vdi,
        "userdevice": device,
        "bootable": spec.boot_index is not None,
        "mode": "RO" if _is_read_only(spec) else "RW",
        "type": "Disk",
        "unpluggable": True,
        "empty": False,
        "other_config": mark.as_config(),
        "qos_algorithm_type": "",
        "qos_algorithm_params": {},
    }


def _is_read_only(spec: DiskSpec) -> bool:
    source = spec.source
    return isinstance(source, Media) or (isinstance(source, Volume) and source.read_only)


def vif_record(
    vm: str, network: str, mtu: str, spec: NicSpec, device: str, mark: DeviceMark
) -> dict[str, Any]:
    """For ``VIF.create``; ``mtu`` is the network's own."""
    return {
        "VM": vm,
        "network": network,
        "device": device,
        "MAC": spec.mac,
        "MTU": mtu if spec.mtu_bytes is None else str(spec.mtu_bytes),
        "other_config": mark.as_config(),
        "qos_algorithm_type": "",
        "qos_algorithm_params": {},
    }


def cached_image(mark: ImageMark, record: dict[str, Any]) -> CachedImage:
    """An image's VDI as the contract has it."""
    return CachedImage(
        key=mark.key,
        format=stored_as(record),
        virtual_size_bytes=mark.size_bytes,
        stored_bytes=int(record["physical_utilisation"]),
    )
