"""The rows of the simulated host that are not about VMs, and the jobs' own method."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from nova_virt_hyperv.testing.simulator.checkpoints import Checkpoints
from nova_virt_hyperv.testing.simulator.disk_images import DiskImages
from nova_virt_hyperv.testing.simulator.host import Configuration, Host
from nova_virt_hyperv.testing.simulator.iscsi import Iscsi
from nova_virt_hyperv.testing.simulator.machines import Machines
from nova_virt_hyperv.testing.simulator.migration import Migration
from nova_virt_hyperv.testing.simulator.model import Outcome, Refused, Row
from nova_virt_hyperv.testing.simulator.power import Power
from nova_virt_hyperv.testing.simulator.resources import Resources
from nova_virt_hyperv.testing.simulator.security import Security
from nova_virt_hyperv.testing.simulator.summary import Summary
from nova_virt_hyperv.testing.simulator.switch_ports import SwitchPorts
from nova_virt_hyperv.testing.simulator.windows import Windows, hardware

__all__ = ["Simulated", "simulate"]

_TERMINATE, _KILL = 4, 5


class Simulated:
    """A whole host."""

    def __init__(self, configuration: Configuration, *neighbours: Simulated) -> None:
        first: Host | None = neighbours[0].host if neighbours else None
        shared = (first.neighbours, first.lock) if first is not None else (None, None)
        self.host: Host = Host(configuration, *shared)
        self.machines = Machines(self.host)
        self.power = Power(self.host, self.machines)
        Resources(self.host, self.machines)
        Security(self.host, self.machines)
        SwitchPorts(self.host, self.machines)
        Summary(self.host, self.machines)
        DiskImages(self.host, self.machines)
        self.checkpoints = Checkpoints(self.host, self.machines)
        for name in configuration.switches:
            guid = str(uuid5(NAMESPACE_DNS, name)).upper()
            self.host.keep(
                self.host.make("Msvm_VirtualEthernetSwitch", Name=guid, ElementName=name)
            )
        for job in ("Msvm_ConcreteJob", "Msvm_StorageJob", "Msvm_MigrationJob"):
            self.host.handlers[(job, "RequestStateChange")] = _end_job
        self.migration = Migration(self.host, self.machines)
        targets = neighbours[0].iscsi.targets if neighbours else {}
        self.iscsi: Iscsi = Iscsi(self.host, self.machines, targets)
        self.windows = Windows(self.host, self.machines)
        hardware(self.host)
        self.host.keep(
            self.host.make(
                "Msvm_TerminalServiceSettingData",
                InstanceID="Microsoft:Terminal Service Settings",
                ListenerPort=configuration.console_port,
            )
        )


def simulate(configuration: Configuration, *neighbours: Simulated) -> Simulated:
    """Make a host; it can reach these others."""
    return Simulated(configuration, *neighbours)


def _end_job(host: Host, job: Row, given: dict[str, Any]) -> Outcome:
    if given.get("RequestedState") not in (_TERMINATE, _KILL):
        raise Refused(32773, f"RequestedState {given.get('RequestedState')}")
    if not job["Cancellable"]:
        raise Refused(32770, "the job cannot be ended")
    host.terminate(job)
    return Outcome(0)
