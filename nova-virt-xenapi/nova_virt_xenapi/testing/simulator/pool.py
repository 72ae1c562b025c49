"""The pool that a simulator begins with: hosts, their storage and their networks."""

from __future__ import annotations

import time
from typing import Final

from nova_virt_xenapi.testing.simulator.world import MIB, Context, World, moment

__all__ = ["furnish"]

_GIB: Final = 1024 * MIB
_SOFTWARE: Final = {
    "product_brand": "XCP-ng",
    "product_version": "8.3.0",
    "xapi": "26.17",
    "xapi_build": "26.17.0",
    "xen": "4.17.5",
}


_FEATURES: Final = {
    "VDI_CREATE": 1,
    "VDI_DELETE": 1,
    "VDI_CLONE": 1,
    "VDI_SNAPSHOT": 1,
    "VDI_RESIZE": 1,
}
_CPU: Final = {
    "cpu_count": "16",
    "socket_count": "1",
    "threads_per_core": "2",
    "vendor": "GenuineIntel",
    "speed": "2400.000",
    "modelname": "Intel(R) Xeon(R) Silver 4210R",
    "flags": "fpu vme sse sse2 sse4_1 aes avx hypervisor",
}


def furnish(world: World, addresses: list[str], label: str) -> None:
    """Fill an empty world: one host for each address, of which the first is the master."""
    with world.db.lock:
        ctx = Context(world, "")
        network = ctx.db.create(
            "network",
            name_label="Pool-wide network associated with eth0",
            bridge="xenbr0",
            MTU=1500,
        )
        ctx.db.create("network", name_label="second network", bridge="xapi1", MTU=1500)
        for name, kind in (("Local LVHD", "lvm"), ("NFS VHD", "nfs")):
            formats = ["vhd", "raw", "qcow2"]
            ctx.db.create(
                "SM",
                name_label=name,
                type=kind,
                features=_FEATURES,
                supported_image_formats=formats,
            )
        ctx.db.create("SM", name_label="RawISCSI", type="iscsi", features={})
        hosts = [
            _host(ctx, f"{label}-{number}", address) for number, address in enumerate(addresses)
        ]
        for host in hosts:
            ctx.db.create(
                "PIF",
                device="eth0",
                host=host,
                network=network,
                MAC="00:16:3e:00:00:01",
                MTU=1500,
                VLAN=-1,
                physical=True,
                PCI=ctx.db.create(
                    "PCI",
                    class_name="Ethernet controller",
                    vendor_id="8086",
                    device_id="1572",
                    pci_id="0000:3b:00.0",
                    host=host,
                ),
                management=True,
                IP=ctx.db.get("host", host)["address"],
            )
        repositories = [_storage(ctx, [host], "Local storage", "lvm") for host in hosts]
        if len(hosts) > 1:
            _storage(ctx, hosts, "Shared storage", "nfs")
        ctx.db.create("pool", master=hosts[0], default_SR=repositories[0], name_label="pool")


def _host(ctx: Context, name: str, address: str) -> str:
    metrics = ctx.db.create("host_metrics", memory_total=8 * _GIB, live=True, last_updated=moment())
    host = ctx.db.create(
        "host",
        name_label=name,
        hostname=name,
        address=address,
        enabled=True,
        metrics=metrics,
        API_version_major=2,
        API_version_minor=21,
        API_version_vendor="XenSource",
        software_version=_SOFTWARE,
        capabilities=["xen-3.0-x86_64", "hvm-3.0-x86_32", "hvm-3.0-x86_32p", "hvm-3.0-x86_64", ""],
        cpu_info=_CPU,
        iscsi_iqn=f"iqn.2026-01.org.example:{name}",
        other_config={"boot_time": str(time.time() - 3600)},
    )
    _devices(ctx, host)
    for cpu in range(16):
        ctx.db.create("host_cpu", host=host, number=cpu, vendor="GenuineIntel", speed=2400)
    control_metrics = ctx.db.create("VM_metrics", memory_actual=_GIB, VCPUs_number=2)
    domain = ctx.db.create(
        "VM",
        name_label=f"Control domain on host: {name}",
        is_control_domain=True,
        power_state="Running",
        resident_on=host,
        domid=0,
        memory_dynamic_max=_GIB,
        memory_static_max=_GIB,
        VCPUs_max=2,
        VCPUs_at_startup=2,
        metrics=control_metrics,
        domain_type="pv",
    )
    ctx.db.write("host", host, "control_domain", domain)
    return host


def _devices(ctx: Context, host: str) -> None:
    """A GPU that can be cut into parts."""
    gpu = ctx.db.create(
        "PCI",
        class_name="VGA compatible controller",
        vendor_id="10de",
        device_id="13f2",
        pci_id="0000:86:00.0",
        host=host,
    )
    kind = ctx.db.create("VGPU_type", model_name="GRID M60-2Q", vendor_name="NVIDIA Corporation")
    group = ctx.db.create(
        "GPU_group", name_label="Group of NVIDIA GPUs", supported_VGPU_types=[kind]
    )
    ctx.db.create(
        "PGPU",
        PCI=gpu,
        GPU_group=group,
        host=host,
        supported_VGPU_types=[kind],
        enabled_VGPU_types=[kind],
        supported_VGPU_max_capacities={kind: 4},
    )


def _storage(ctx: Context, hosts: list[str], label: str, kind: str) -> str:
    repository = ctx.db.create(
        "SR",
        name_label=label,
        type=kind,
        shared=len(hosts) > 1,
        content_type="user",
        physical_size=16 * _GIB,
    )
    for host in hosts:
        ctx.db.create(
            "PBD",
            host=host,
            SR=repository,
            device_config={"device": "/dev/sda3"},
            currently_attached=True,
        )
    return repository
