"""The host itself: how it does, and its power."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nova_virt_interface.errors import Busy, NotFound, Unsupported
from nova_virt_interface.values.host import (
    HostDescription,
    HostPowerAction,
    HostPowerRequest,
    HostStatus,
)

from nova_virt_hyperv.cim import CIMV2, Instance, equals, select
from nova_virt_hyperv.inventory import operating_system
from nova_virt_hyperv.machines import Machines
from nova_virt_hyperv.wmi import Wmi

__all__ = ["HostControl"]

# Flags of Win32_OperatingSystem.Win32Shutdown: power off and reboot, both forced, because nobody is
# logged in who could answer a question.
_FLAGS = {HostPowerAction.SHUT_DOWN: 12, HostPowerAction.REBOOT: 6}
_COUNTERS = "HvStats_HyperVHypervisorLogicalProcessor"
_TICK_NS = 100
_MHZ = 1_000_000


class HostControl:
    """One host."""

    def __init__(self, wmi: Wmi, machines: Machines, host: HostDescription) -> None:
        self._wmi = wmi
        self._machines = machines
        self._host = host

    def host_status(self) -> HostStatus:
        """See `IHostStatus.host_status`."""
        uptime = _uptime_seconds(operating_system(self._wmi))
        total = equals("Name", "_Total")
        single = self._counters(f"Win32_PerfRawData_{_COUNTERS}", f"NOT {total}")
        load = self._counters(f"Win32_PerfFormattedData_{_COUNTERS}", total)
        processors = self._wmi.query(select("Win32_Processor"), CIMV2)
        speeds = [speed for row in processors if (speed := row.number("CurrentClockSpeed"))]
        percent = load[0].number("PercentTotalRunTime") if load else None
        return HostStatus(
            uptime_seconds=uptime,
            # The hypervisor is the host's kernel; what it gives to guests, Windows itself among
            # them, is the rest.
            cpu_kernel_ns=_sum_ns(single, "PercentHypervisorRunTime"),
            cpu_user_ns=_sum_ns(single, "PercentGuestRunTime"),
            cpu_idle_ns=_sum_ns(single, "PercentIdleTime"),
            cpu_load=None if percent is None else min(1.0, percent / 100),
            cpu_frequency_hz=max(speeds) * _MHZ if speeds else None,
        )

    def host_power(self, request: HostPowerRequest) -> None:
        """See `IHostPower.host_power`."""
        flags = _FLAGS.get(request.action)
        if flags is None:
            raise Unsupported(
                f"a Hyper-V host cannot {request.action.value} from here",
                remedy="use its management controller",
                field="action",
            )
        executing = self._machines.executing()
        if executing:
            raise Busy(
                f"{executing} VMs run on the host",
                remedy="stop them, or migrate them, first",
            )
        [windows] = self._wmi.references("Win32_OperatingSystem", CIMV2)
        self._wmi.invoke(windows, "Win32Shutdown", [("Flags", flags), ("Reserved", 0)])

    def _counters(self, class_name: str, condition: str) -> Sequence[Instance]:
        try:
            return self._wmi.query(select(class_name, condition), CIMV2)
        except NotFound:
            # Performance counters can be turned off: then the host has no such class.
            return ()


def _uptime_seconds(windows: Instance) -> int | None:
    # Both by the host's clock, which may be another than ours.
    began, now = windows.text("LastBootUpTime"), windows.text("LocalDateTime")
    if not began or not now:
        return None
    elapsed = datetime.fromisoformat(now) - datetime.fromisoformat(began)
    return max(0, int(elapsed.total_seconds()))


def _sum_ns(rows: Sequence[Instance], name: str) -> int | None:
    found = [number for row in rows if (number := row.number(name)) is not None]
    return sum(found) * _TICK_NS if found else None
