"""Pure functions between libvirt's numbers and the contract's values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import libvirt
from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.vm import DiskStatistics, NicStatistics, VmStatistics

from nova_virt_libvirt.names import disk_key

__all__ = ["event_kind", "power_state", "vm_statistics"]

KIB = 1024

_STATES: dict[int | None, PowerState] = {
    libvirt.VIR_DOMAIN_RUNNING: PowerState.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: PowerState.RUNNING,
    libvirt.VIR_DOMAIN_SHUTDOWN: PowerState.RUNNING,
    libvirt.VIR_DOMAIN_PAUSED: PowerState.PAUSED,
    # The guest sleeps, its memory is still in the host's memory: the contract's paused, not its
    # suspended.
    libvirt.VIR_DOMAIN_PMSUSPENDED: PowerState.PAUSED,
    libvirt.VIR_DOMAIN_SHUTOFF: PowerState.STOPPED,
    libvirt.VIR_DOMAIN_CRASHED: PowerState.CRASHED,
}

_EVENTS = {
    libvirt.VIR_DOMAIN_EVENT_UNDEFINED: EventKind.DELETED,
    libvirt.VIR_DOMAIN_EVENT_STARTED: EventKind.STARTED,
    libvirt.VIR_DOMAIN_EVENT_SUSPENDED: EventKind.PAUSED,
    libvirt.VIR_DOMAIN_EVENT_PMSUSPENDED: EventKind.PAUSED,
    libvirt.VIR_DOMAIN_EVENT_RESUMED: EventKind.RESUMED,
    libvirt.VIR_DOMAIN_EVENT_STOPPED: EventKind.STOPPED,
    libvirt.VIR_DOMAIN_EVENT_CRASHED: EventKind.CRASHED,
}
_DETAILED_EVENTS = {
    (
        libvirt.VIR_DOMAIN_EVENT_STARTED,
        libvirt.VIR_DOMAIN_EVENT_STARTED_RESTORED,
    ): EventKind.RESUMED,
    # An operator's rename is an undefine and a define to libvirt; the VM is still there.
    (libvirt.VIR_DOMAIN_EVENT_UNDEFINED, libvirt.VIR_DOMAIN_EVENT_UNDEFINED_RENAMED): None,
    (
        libvirt.VIR_DOMAIN_EVENT_STOPPED,
        libvirt.VIR_DOMAIN_EVENT_STOPPED_MIGRATED,
    ): EventKind.MIGRATED,
    (
        libvirt.VIR_DOMAIN_EVENT_SUSPENDED,
        libvirt.VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY,
    ): EventKind.POST_COPY_STARTED,
    # The guest stands still while the rest of its memory crosses.
    (libvirt.VIR_DOMAIN_EVENT_SUSPENDED, libvirt.VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED): None,
    (libvirt.VIR_DOMAIN_EVENT_STARTED, libvirt.VIR_DOMAIN_EVENT_STARTED_MIGRATED): None,
    (
        libvirt.VIR_DOMAIN_EVENT_RESUMED,
        libvirt.VIR_DOMAIN_EVENT_RESUMED_MIGRATED,
    ): EventKind.STARTED,
    (libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_SAVED): EventKind.SUSPENDED,
    (libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED): EventKind.CRASHED,
    (libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED): EventKind.CRASHED,
}


def power_state(state: int | None, *, is_saved: bool) -> PowerState:
    """The power state of a domain.

    Args:
        state: a ``virDomainState``; None when libvirt did not say.
        is_saved: whether there is a managed save image, which only counts for a domain that is off.
    """
    known = _STATES.get(state, PowerState.UNKNOWN)
    return PowerState.SUSPENDED if is_saved and known is PowerState.STOPPED else known


def event_kind(event: int, detail: int) -> EventKind | None:
    """What a lifecycle event means for core; None: nothing."""
    if (event, detail) in _DETAILED_EVENTS:
        return _DETAILED_EVENTS[event, detail]
    return _EVENTS.get(event)


def vm_statistics(
    vm_uuid: UUID, state: PowerState, row: Mapping[str, Any], nic_keys: Mapping[str, str]
) -> VmStatistics:
    """Read one row of libvirt's bulk statistics.

    Args:
        vm_uuid: of the VM.
        state: its power state.
        row: libvirt's typed parameters by name, for instance ``block.0.rd.bytes``.
        nic_keys: the key of each NIC by the name of the host's device.
    """
    is_active = state in (PowerState.RUNNING, PowerState.PAUSED)
    return VmStatistics(
        vm_uuid=vm_uuid,
        power_state=state,
        vcpus=row.get("vcpu.current"),
        cpu_time_ns=row.get("cpu.time") if is_active else None,
        memory_bytes=_bytes(row.get("balloon.current")) if is_active else None,
        memory_used_bytes=_bytes(row.get("balloon.rss")) if is_active else None,
        disks=_disks(row),
        nics=_nics(row, nic_keys),
    )


def _bytes(kib: int | None) -> int | None:
    return None if kib is None else kib * KIB


def _disks(row: Mapping[str, Any]) -> tuple[DiskStatistics, ...]:
    found = []
    for place in (f"block.{index}." for index in range(row.get("block.count", 0))):
        key = disk_key(row.get(place + "path", ""))
        measured = _measured(row, place, ("rd.bytes", "rd.reqs", "wr.bytes", "wr.reqs"))
        if key is not None and measured is not None:
            found.append(
                DiskStatistics(
                    key=key,
                    read_bytes=measured[0],
                    read_requests=measured[1],
                    write_bytes=measured[2],
                    write_requests=measured[3],
                )
            )
    return tuple(found)


def _nics(row: Mapping[str, Any], nic_keys: Mapping[str, str]) -> tuple[NicStatistics, ...]:
    found = []
    for place in (f"net.{index}." for index in range(row.get("net.count", 0))):
        key = nic_keys.get(row.get(place + "name", ""))
        measured = _measured(row, place, ("rx.bytes", "rx.pkts", "tx.bytes", "tx.pkts"))
        if key is not None and measured is not None:
            found.append(
                NicStatistics(
                    key=key,
                    received_bytes=measured[0],
                    received_packets=measured[1],
                    sent_bytes=measured[2],
                    sent_packets=measured[3],
                )
            )
    return tuple(found)


def _measured(row: Mapping[str, Any], place: str, names: tuple[str, ...]) -> list[int] | None:
    """The numbers of one device; None unless libvirt gave all of them."""
    numbers = [row[place + name] for name in names if place + name in row]
    return numbers if len(numbers) == len(names) else None
