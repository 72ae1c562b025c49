"""GetSummaryInformation: what is asked for, of all VMs or of some.

https://learn.microsoft.com/windows/win32/hyperv_v2/getsummaryinformation-msvm-virtualsystemmanagementservice
"""

from __future__ import annotations

from typing import Any

from nova_virt_hyperv.testing.simulator.host import Host
from nova_virt_hyperv.testing.simulator.machines import Machine, Machines
from nova_virt_hyperv.testing.simulator.model import Outcome, Refused, Row

__all__ = ["Summary"]

# RequestedInformation.
_SUMMARY = {
    0: "Name",
    1: "ElementName",
    2: "CreationTime",
    3: "Notes",
    4: "NumberOfProcessors",
    10: "Version",
    100: "EnabledState",
    101: "ProcessorLoad",
    103: "MemoryUsage",
    105: "UpTime",
    109: "HealthState",
}


class Summary:
    """The method of the management service."""

    def __init__(self, host: Host, machines: Machines) -> None:
        self._machines = machines
        key = ("Msvm_VirtualSystemManagementService", "GetSummaryInformation")
        host.handlers[key] = self._summarize

    def _summarize(self, host: Host, service: Row, given: dict[str, Any]) -> Outcome:
        refs = given.get("SettingData")
        machines = (
            [self._machines.of(ref) for ref in refs]
            if refs
            else list(self._machines.by_guid.values())
        )
        asked = given.get("RequestedInformation") or []
        if set(asked) - _SUMMARY.keys():
            raise Refused(32773, f"not simulated: {set(asked) - _SUMMARY.keys()}")
        rows = [_summary(host, machine, asked) for machine in machines]
        return Outcome(0, {"SummaryInformation": rows})


def _summary(host: Host, machine: Machine, asked: list[int]) -> Row:
    known = {
        "Name": machine.guid,
        "ElementName": machine.settings["ElementName"],
        "CreationTime": machine.settings["CreationTime"],
        "Notes": "\n".join(machine.settings["Notes"] or ()),
        "NumberOfProcessors": machine.quantity("Msvm_ProcessorSettingData"),
        "Version": machine.settings["Version"],
        "EnabledState": machine.state,
        "ProcessorLoad": 0,
        "MemoryUsage": machine.memory_mib(),
        "UpTime": machine.uptime_ms(),
        "HealthState": 5,
    }
    row = host.make("Msvm_SummaryInformation", InstanceID=machine.settings["InstanceID"])
    for number in asked:
        row[_SUMMARY[number]] = known[_SUMMARY[number]]
    return row
