"""Whether this host can do what a request asks for: decided before anything is touched. Pure
functions.
"""

from __future__ import annotations

from nova_virt_interface import offers
from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.disks import DiskSpec
from nova_virt_interface.values.guest_settings import CpuMode, GuestSettings
from nova_virt_interface.values.nics import NicBackingKind, NicSpec
from nova_virt_interface.values.vm import VmSpec

from nova_virt_libvirt.capabilities import Capabilities

__all__ = ["check_hot_disk", "check_nic", "check_vm"]


def check_vm(spec: VmSpec, host: Capabilities) -> None:
    """Raise Unsupported, naming the field, unless the host can have such a VM."""
    if host.max_vcpus is not None and spec.vcpus > host.max_vcpus:
        raise Unsupported(
            f"{spec.vcpus} vCPUs are more than the {host.max_vcpus} of this machine type",
            remedy="use fewer vCPUs, or another machine_type",
            field="vcpus",
        )
    offers.check_vm(spec, host.description)
    _check_settings(spec.settings, host)
    for nic in spec.nics:
        check_nic(nic, host)


def _check_settings(settings: GuestSettings, host: Capabilities) -> None:
    cpu, memory = settings.cpu, settings.memory
    if cpu is not None and cpu.mode is CpuMode.HOST_PASSTHROUGH and host.domain_type != "kvm":
        raise Unsupported(
            "only KVM shows a guest the host's own processor",
            remedy="use another mode, or a host with virt_type kvm",
            field="settings.cpu.mode",
        )
    if settings.shares and not (memory is not None and memory.shared):
        raise Unsupported(
            "virtiofs needs memory that it can map",
            remedy="ask for settings.memory.shared, too",
            field="settings.shares",
        )
    if any(share.read_only for share in settings.shares):
        # https://gitlab.com/libvirt/libvirt/-/issues/23
        raise Unsupported(
            "libvirt has no read-only mode of virtiofs",
            remedy="mount it read-only on the host, or export it so",
            field="settings.shares",
        )


def check_hot_disk(disk: DiskSpec, host: Capabilities) -> None:
    """Raise Unsupported unless such a disk can be added to a running VM."""
    if disk.bus is not None and disk.bus not in host.hot_buses:
        offered = ", ".join(sorted(bus.value for bus in host.hot_buses))
        raise Unsupported(
            f"QEMU adds no disk to the bus {disk.bus.value} of a running VM",
            remedy=f"use one of {offered}, or stop the VM first",
            field=f"disks[{disk.key}].bus",
        )


def check_nic(nic: NicSpec, host: Capabilities) -> None:
    """Raise Unsupported unless the host can have such a NIC."""
    offers.check_nic(nic, host.description)
    if nic.backing.kind is NicBackingKind.USER:
        for field in ("mtu_bytes", "queues", "limits"):
            if getattr(nic, field) is not None:
                raise Unsupported(
                    "QEMU's user network has no such setting",
                    remedy=f"leave {field} out",
                    field=f"nics[{nic.key}].{field}",
                )
    takes_vlan = nic.backing.kind in (NicBackingKind.OPEN_VSWITCH, NicBackingKind.PCI_DEVICE)
    if nic.backing.vlan_id is not None and not takes_vlan:
        raise Unsupported(
            f"libvirt tags no packets of a {nic.backing.kind.value}",
            remedy="use a network that is on the VLAN",
            field=f"nics[{nic.key}].backing.vlan_id",
        )
