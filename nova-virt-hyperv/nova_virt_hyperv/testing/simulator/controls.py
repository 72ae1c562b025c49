"""The side channel of the simulated host: what tests do behind the driver's back.

One JSON object per line comes in, with ``do`` and the arguments of that name; one goes out, with
``result`` or ``error``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from nova_virt_hyperv.testing.simulator import vhdx
from nova_virt_hyperv.testing.simulator.catalogue import Simulated
from nova_virt_hyperv.testing.simulator.consoles import ConsoleListener
from nova_virt_hyperv.testing.simulator.disk_controls import DiskControls
from nova_virt_hyperv.testing.simulator.faults import Fault
from nova_virt_hyperv.testing.simulator.machines import Machine
from nova_virt_hyperv.testing.simulator.model import Row
from nova_virt_hyperv.testing.simulator.server import WinRm
from nova_virt_hyperv.testing.simulator.switch_ports import is_port_setting, port_settings

__all__ = ["Controls", "serve"]

_PER_NODE = "MaxProcessorsPerNumaNode"
_MEMORY_CLASS = "Msvm_MemorySettingData"
_MEMORY = ("DynamicMemoryEnabled", "Reservation", "VirtualQuantity", "Limit")


def serve(hosts: Sequence[Controls], commands: TextIO, answers: TextIO) -> None:
    """Read commands and answer them until the input ends; ``host`` is the number of the host."""
    for line in commands:
        try:
            given = json.loads(line)
            host = hosts[given.pop("host", 0)]
            act = getattr(host, f"do_{given.pop('do')}")
            answer = {"result": act(**given)}
        except (
            ValueError,
            TypeError,
            KeyError,
            AttributeError,
            StopIteration,
            IndexError,
        ) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class Controls(DiskControls):
    """What tests tell one host."""

    def __init__(self, simulated: Simulated, winrm: WinRm, consoles: ConsoleListener) -> None:
        super().__init__(simulated)
        self._winrm = winrm
        self._consoles = consoles

    def do_fault(self, **fault: Any) -> None:
        """Plan a fault; see `Fault`."""
        self._winrm.faults.plan(Fault(**fault))

    def do_no_faults(self) -> None:
        """Forget all planned faults."""
        self._winrm.faults.clear()

    def do_requests(self) -> dict[str, int]:
        """How many requests came, by operation."""
        with self._winrm.lock:
            return dict(self._winrm.requests)

    def do_jobs(self) -> int:
        """How many jobs are under way."""
        with self._simulated.host.lock:
            return self._simulated.host.running_jobs()

    def do_refused_logins(self) -> int:
        """How often somebody came with a wrong password."""
        return self._winrm.account.refused

    def do_connections(self) -> int:
        """How many connections there are."""
        with self._winrm.lock:
            return len(self._winrm.connections)

    def do_outage(self, away: bool) -> None:
        """Go away, or come back with all VMs as they were."""
        self._simulated.host.away = away
        if away:
            self._winrm.stop()
        else:
            self._winrm.start()

    def do_slow_migration(self, seconds: float) -> None:
        """Let the next migration from this host take so long."""
        self._simulated.migration.next_seconds = seconds

    def do_free(self, free: int | None) -> None:
        """Let so many bytes be free on the drive; None: as many as there are."""
        with self._simulated.host.lock:
            host = self._simulated.host
            host.ballast_bytes = 0
            if free is not None:
                host.ballast_bytes = max(0, host.free_storage_bytes() - free)

    def do_vms(self) -> list[dict[str, Any]]:
        """All VMs with what a test may want to know of them."""
        with self._simulated.host.lock:
            file = self._simulated.host.file
            return [
                _described(vm, file, self._simulated.machines.defaults)
                for vm in self._simulated.machines.by_guid.values()
            ]

    def do_define(self, name: str, bios_guid: str, notes: str = "") -> str:
        """Make a VM as an operator would; returns its GUID."""
        with self._simulated.host.lock:
            host, machines = self._simulated.host, self._simulated.machines
            settings = Row(host.cls("Msvm_VirtualSystemSettingData"))
            settings.values = {"ElementName": name, "BIOSGUID": bios_guid, "Notes": [notes]}
            return machines.make(settings)

    def do_destroy(self, guid: str) -> None:
        """Delete a VM as an operator would."""
        with self._simulated.host.lock:
            del self._simulated.machines.by_guid[guid]

    def do_rename(self, guid: str, name: str) -> None:
        """Give a VM another label."""
        with self._simulated.host.lock:
            vm = self._simulated.machines.by_guid[guid]
            vm.settings["ElementName"] = vm.system["ElementName"] = name

    def do_power_off(self, guid: str) -> None:
        """Turn a VM off as an operator would."""
        with self._simulated.host.lock:
            self._simulated.power.off(self._simulated.machines.by_guid[guid])

    def do_state(self, guid: str, state: int) -> None:
        """Put a VM into an EnabledState."""
        with self._simulated.host.lock:
            self._simulated.machines.by_guid[guid].change(state)

    def do_run(self, guid: str) -> None:
        """Start a VM, or let it go on, as an operator would."""
        with self._simulated.host.lock:
            self._simulated.power.on(self._simulated.machines.by_guid[guid])

    def do_assign_memory(self, guid: str, mib: int) -> None:
        """Let a guest of dynamic memory have as much as it asks for."""
        with self._simulated.host.lock:
            vm = self._simulated.machines.by_guid[guid]
            [row] = [row for row in vm.resources if row["DynamicMemoryEnabled"]]
            if not row["Reservation"] <= mib <= row["Limit"]:
                raise ValueError(f"its memory is between {row['Reservation']} and {row['Limit']}")
            vm.assigned_mib = mib

    def do_consoles(self) -> list[str]:
        """GUIDs of the VMs whose consoles were connected to so far."""
        return list(self._consoles.sessions)

    def do_orders(self) -> list[str]:
        """What the host was told about its own power so far."""
        return list(self._simulated.windows.orders)

    def do_measures(self) -> dict[str, float]:
        """How long the host is up, and its processors were idle."""
        windows = self._simulated.windows
        return {"uptime_seconds": windows.ticks() / 1e7, "cpu_idle_ns": float(windows.idle_ns())}

    def do_no_ports(self, guid: str) -> None:
        """Forget what is set of a VM's switch ports."""
        with self._simulated.host.lock:
            vm = self._simulated.machines.by_guid[guid]
            vm.resources = [row for row in vm.resources if not is_port_setting(row)]

    def do_listens(self, guid: str) -> None:
        """Let a VM's guest have integration services from now on."""
        with self._simulated.host.lock:
            self._simulated.machines.by_guid[guid].listens = True


def features(vm: Machine, defaults: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Names of the contract's features that a VM has."""
    if vm.settings["SecureBootEnabled"]:
        yield "secure-boot"
    for row in vm.resources:
        if row.cls.name == "Msvm_ProcessorSettingData" and row["LimitProcessorFeatures"]:
            yield "cpu-model"
        nodes = row[_PER_NODE]
        if nodes is not None and nodes < defaults["Msvm_ProcessorSettingData"][_PER_NODE]:
            yield "numa"
        if row["TpmEnabled"]:
            yield "tpm"


def _described(
    vm: Machine, find: Callable[[str], Path], defaults: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    paths = [
        path
        for row in vm.resources
        if row["ResourceSubType"] == "Microsoft:Hyper-V:Virtual Hard Disk"
        for path in row["HostResource"]
    ]
    return {
        "disks": {
            path.rpartition("\\")[2]: vhdx.read(find(path)).size_bytes
            for path in paths
            if find(path).exists()
        },
        "guid": vm.guid,
        "name": vm.settings["ElementName"],
        "bios_guid": vm.settings["BIOSGUID"],
        "notes": "\n".join(vm.settings["Notes"] or ()),
        "state": vm.state,
        "interrupts": vm.interrupts,
        "generation": vm.generation,
        "ports": port_settings(vm),
        "features": list(features(vm, defaults)),
        "boot_sources": vm.settings["BootSourceOrder"] or [],
        "resources": [
            {
                "id": row["InstanceID"],
                "kind": row["ResourceSubType"],
                "name": row["ElementName"],
                "address": row["Address"],
                "slot": row["AddressOnParent"],
                "host": row["HostResource"] or [],
                "memory": [row[name] for name in _MEMORY] if row.cls.name == _MEMORY_CLASS else [],
                "per_cell": row[_PER_NODE] or row["MaxMemoryBlocksPerNumaNode"],
            }
            for row in vm.resources
        ],
    }
