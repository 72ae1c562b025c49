"""Whether this host can do what a request asks for: decided before anything is touched. Pure
functions.
"""

from __future__ import annotations

from typing import Any

from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.disks import DiskSpec, Media
from nova_virt_interface.values.nics import NicBackingKind, NicSpec
from nova_virt_interface.values.vm import VmSpec

from nova_virt_libvirt.capabilities import Capabilities

__all__ = ["check_disk", "check_hot_disk", "check_nic", "check_vm"]


def check_vm(spec: VmSpec, host: Capabilities) -> None:
    """Raise Unsupported, naming the field, unless the host can have such a VM."""
    if host.max_vcpus is not None and spec.vcpus > host.max_vcpus:
        raise Unsupported(
            f"{spec.vcpus} vCPUs are more than the {host.max_vcpus} of this machine type",
            remedy="use fewer vCPUs, or another machine_type",
            field="vcpus",
        )
    _offered(spec.firmware, host.description.firmware, "firmware")
    for index, disk in enumerate(spec.disks):
        check_disk(disk, host, f"disks[{index}]")
    for index, nic in enumerate(spec.nics):
        check_nic(nic, host, f"nics[{index}]")


def check_disk(disk: DiskSpec, host: Capabilities, place: str) -> None:
    """Raise Unsupported unless the host can have such a disk."""
    if isinstance(disk.source, Media):
        _offered(disk.source.format, host.description.media_formats, f"{place}.source.format")
    _offered(disk.format, host.description.disk_formats, f"{place}.format")
    _offered(disk.bus, host.description.disk_buses, f"{place}.bus")


def check_hot_disk(disk: DiskSpec, host: Capabilities, place: str) -> None:
    """Raise Unsupported unless such a disk can be added to a running VM."""
    if disk.bus is not None and disk.bus not in host.hot_buses:
        offered = ", ".join(sorted(bus.value for bus in host.hot_buses))
        raise Unsupported(
            f"QEMU adds no disk to the bus {disk.bus.value} of a running VM",
            remedy=f"use one of {offered}, or stop the VM first",
            field=f"{place}.bus",
        )


def check_nic(nic: NicSpec, host: Capabilities, place: str) -> None:
    """Raise Unsupported unless the host can have such a NIC."""
    _offered(nic.backing.kind, host.description.nic_backings, f"{place}.backing.kind")
    _offered(nic.model, host.description.nic_models, f"{place}.model")
    if nic.mtu_bytes is not None and nic.backing.kind is NicBackingKind.USER:
        raise Unsupported(
            "QEMU's user network has a fixed MTU",
            remedy="leave mtu_bytes out",
            field=f"{place}.mtu_bytes",
        )


def _offered(choice: Any, offer: tuple[Any, ...], place: str) -> None:
    if choice is not None and choice not in offer:
        listed = ", ".join(item.value for item in offer) or "nothing"
        raise Unsupported(
            f"{place} is {choice.value}, which this host does not have",
            remedy=f"it takes {listed}",
            field=place,
        )
