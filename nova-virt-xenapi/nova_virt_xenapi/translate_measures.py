"""Pure functions from what a host tells and measures to the contract's values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from nova_virt_interface.values.devices import DeviceBus, DeviceMetadata
from nova_virt_interface.values.host import HostStatus
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.topology import (
    CpuDescription,
    PciDevice,
    VirtualGpuType,
)
from nova_virt_interface.values.vm import DiskStatistics, NicStatistics, VmStatistics

from nova_virt_xenapi.marks import VmMark, device_mark
from nova_virt_xenapi.metrics import Measures, moment
from nova_virt_xenapi.translate import NULL, power_state

__all__ = [
    "cpu_description",
    "disk_metadata",
    "guests_of",
    "host_status",
    "nic_metadata",
    "pci_devices",
    "virtual_gpu_types",
    "vm_statistics",
]

Row = dict[str, Any]
_ON: Final = (PowerState.RUNNING, PowerState.PAUSED)
# Linux's block device numbers of Xen's virtual disks: major 202, sixteen minors each.
_FIRST_DISK: Final = 202 << 8
_MINORS: Final = 16


def vm_statistics(
    mark: VmMark,
    record: Row,
    metrics: Row | None,
    measures: Measures,
    disks: Iterable[tuple[Row, Row]],
    nics: Iterable[Row],
) -> VmStatistics:
    """What a VM's record, its metrics and the host's archives say. xapi counts nothing since a
    VM's start: its measures are rates, so that counters are left out.
    """
    state = power_state(record["power_state"])
    is_on = state in _ON
    measured = measures.of("vm", record["uuid"]) if is_on else {}
    held = int(metrics["memory_actual"]) if metrics is not None and is_on else 0
    return VmStatistics(
        vm_uuid=mark.vm_uuid,
        power_state=state,
        vcpus=int(record["VCPUs_at_startup"]),
        cpu_load=_load(measured, int(record["VCPUs_at_startup"])),
        uptime_seconds=_uptime(metrics, measures.at) if is_on else None,
        memory_bytes=held or None,
        memory_used_bytes=held or None,
        disks=tuple(_disks(disks, measured)),
        nics=tuple(_nics(nics, measured)) if is_on else (),
    )


def _load(measured: Mapping[str, float], vcpus: int) -> float | None:
    loads = [measured[f"cpu{number}"] for number in range(vcpus) if f"cpu{number}" in measured]
    return min(1.0, max(0.0, sum(loads) / len(loads))) if loads else None


def _uptime(metrics: Row | None, at: datetime) -> int | None:
    if metrics is None:
        return None
    return max(0, int((at - moment(metrics["start_time"])).total_seconds()))


def _disks(disks: Iterable[tuple[Row, Row]], measured: Mapping[str, float]) -> Iterable[Any]:
    for vbd, vdi in disks:
        mark = device_mark(vbd)
        if mark is not None:
            yield DiskStatistics(
                key=mark.key,
                read_bytes_per_second=_whole(measured, f"vbd_{vbd['device']}_read"),
                write_bytes_per_second=_whole(measured, f"vbd_{vbd['device']}_write"),
                size_bytes=int(vdi["virtual_size"]),
                stored_bytes=int(vdi["physical_utilisation"]),
            )


def _nics(nics: Iterable[Row], measured: Mapping[str, float]) -> Iterable[Any]:
    for vif in nics:
        mark = device_mark(vif)
        if mark is not None:
            yield NicStatistics(
                key=mark.key,
                received_bytes_per_second=_whole(measured, f"vif_{vif['device']}_rx"),
                sent_bytes_per_second=_whole(measured, f"vif_{vif['device']}_tx"),
            )


def _whole(measured: Mapping[str, float], name: str) -> int | None:
    return int(measured[name]) if name in measured else None


def disk_metadata(vbd: Row) -> DeviceMetadata | None:
    """Where a guest's Xen drivers find a disk; None while it is not connected."""
    mark, name = device_mark(vbd), str(vbd["device"])
    if mark is None or not vbd["currently_attached"] or not name.startswith("xvd"):
        return None
    number = _FIRST_DISK + _MINORS * (ord(name[3]) - ord("a"))
    return DeviceMetadata(key=mark.key, bus=DeviceBus.XEN, address=str(number))


def nic_metadata(vif: Row) -> DeviceMetadata | None:
    """Where a guest's Xen drivers find a NIC; None while it is not connected."""
    mark = device_mark(vif)
    if mark is None or not vif["currently_attached"]:
        return None
    return DeviceMetadata(
        key=mark.key, bus=DeviceBus.XEN, address=str(vif["device"]), mac=vif["MAC"].lower()
    )


def guests_of(host: Row) -> list[str]:
    """The VMs that a host's record names as running there, without its control domain."""
    return [ref for ref in host["resident_VMs"] if ref != host["control_domain"]]


def host_status(host: Row, measures: Measures) -> HostStatus:
    """What a host's record and its archives say; processor time is measured as shares alone."""
    booted = host["other_config"].get("boot_time")
    speed = host["cpu_info"].get("speed")
    load = measures.of("host", host["uuid"]).get("cpu_avg")
    return HostStatus(
        uptime_seconds=None
        if booted is None
        else max(0, int(measures.at.timestamp() - float(booted))),
        cpu_load=None if load is None else min(1.0, max(0.0, load)),
        cpu_frequency_hz=None if speed is None else int(float(speed) * 1_000_000) or None,
    )


def cpu_description(info: Mapping[str, str]) -> CpuDescription:
    """``host.cpu_info``: all of it is text."""
    sockets, threads = _number(info, "socket_count"), _number(info, "threads_per_core")
    cpus = _number(info, "cpu_count")
    cores = cpus // sockets // threads if cpus and sockets and threads else None
    return CpuDescription(
        model=info.get("modelname", "unknown").strip(),
        vendor=info.get("vendor", ""),
        features=tuple(sorted(set(info.get("flags", "").split()))),
        sockets=sockets,
        cores_per_socket=cores,
        threads_per_core=threads,
        frequency_hz=int(float(info["speed"]) * 1_000_000) if "speed" in info else None,
    )


def _number(info: Mapping[str, str], name: str) -> int | None:
    text = info.get(name, "")
    return int(text) if text.isdecimal() and int(text) > 0 else None


def pci_devices(
    host: str, pci: Mapping[str, Row], cards: Mapping[str, Row]
) -> tuple[PciDevice, ...]:
    """The PCI devices of one host, by address. xapi does not tell which are virtual functions."""
    names = {card["PCI"]: card["device"] for card in cards.values() if card["physical"]}
    found = [
        PciDevice(
            address=row["pci_id"].lower(),
            vendor_id=row["vendor_id"].lower(),
            product_id=row["device_id"].lower(),
            network_interface=names.get(ref),
        )
        for ref, row in pci.items()
        if row["host"] == host
    ]
    return tuple(sorted(found, key=lambda device: device.address))


def virtual_gpu_types(
    host: str, gpus: Mapping[str, Row], groups: Mapping[str, Row], kinds: Mapping[str, Row]
) -> tuple[VirtualGpuType, ...]:
    """What the GPUs of one host can be cut into, all of one group together."""
    totals: dict[tuple[str, str], int] = {}
    for gpu in gpus.values():
        if gpu["host"] != host or gpu["GPU_group"] in ("", NULL):
            continue
        for kind in gpu["enabled_VGPU_types"]:
            place = (groups[gpu["GPU_group"]]["uuid"], kinds[kind]["model_name"])
            most = int(gpu["supported_VGPU_max_capacities"].get(kind, 0))
            totals[place] = totals.get(place, 0) + most
    return tuple(
        VirtualGpuType(parent=parent, type_name=name, total=total)
        for (parent, name), total in sorted(totals.items())
    )
