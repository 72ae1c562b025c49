"""The state machine of a VM, and its guest's shutdown component.

https://learn.microsoft.com/windows/win32/hyperv_v2/requeststatechange-msvm-computersystem
https://learn.microsoft.com/windows/win32/hyperv_v2/injectnonmaskableinterrupt-msvm-computersystem
https://learn.microsoft.com/windows/win32/hyperv_v2/initiateshutdown-msvm-shutdowncomponent
"""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any

from nova_virt_hyperv.testing.simulator import vhdx
from nova_virt_hyperv.testing.simulator.host import VIRTUALIZATION, Host
from nova_virt_hyperv.testing.simulator.machines import (
    OFF,
    PAUSED,
    RUNNING,
    SAVED,
    Machine,
    Machines,
)
from nova_virt_hyperv.testing.simulator.model import JobFailed, Outcome, Ref, Refused, Row
from nova_virt_hyperv.testing.simulator.resources import HARD_DISK, PHYSICAL_DRIVE

__all__ = ["Power"]

_STARTING, _STOPPING, _SAVING, _PAUSING, _RESUMING = 10, 32774, 32773, 32776, 32777
_RESET = 11
_GUEST_SECONDS = 0.2
# Requested state, state now → state on the way, state at the end.
_TRANSITIONS = {
    (RUNNING, OFF): (_STARTING, RUNNING),
    (RUNNING, SAVED): (_STARTING, RUNNING),
    (RUNNING, PAUSED): (_RESUMING, RUNNING),
    (OFF, RUNNING): (_STOPPING, OFF),
    (OFF, PAUSED): (_STOPPING, OFF),
    (OFF, SAVED): (SAVED, OFF),
    (SAVED, RUNNING): (_SAVING, SAVED),
    (SAVED, PAUSED): (_SAVING, SAVED),
    (PAUSED, RUNNING): (_PAUSING, PAUSED),
    (_RESET, RUNNING): (RUNNING, RUNNING),
    (_RESET, PAUSED): (RUNNING, RUNNING),
}


class Power:
    """RequestStateChange of VMs, InitiateShutdown of their guests."""

    def __init__(self, host: Host, machines: Machines) -> None:
        self._host = host
        self._machines = machines
        host.handlers[("Msvm_ComputerSystem", "RequestStateChange")] = self._request
        host.handlers[("Msvm_ComputerSystem", "InjectNonMaskableInterrupt")] = self._interrupt
        host.handlers[("Msvm_ShutdownComponent", "InitiateShutdown")] = self._shut_down
        for kind in ("Shutdown", "Vss"):
            host.add_source(partial(self._components, kind), VIRTUALIZATION)

    def off(self, machine: Machine) -> None:
        """Turn a VM off, as an operator, or its own guest, would."""
        machine.change(OFF)
        machine.running_since = 0.0

    def on(self, machine: Machine) -> None:
        """Start a VM, or let it go on, as an operator would."""
        if machine.state != PAUSED:
            machine.running_since = time.monotonic()
        machine.change(RUNNING)

    def _request(self, host: Host, system: Row, given: dict[str, Any]) -> Outcome:
        if "RequestedState" not in given:
            raise Refused(32773, "RequestedState is missing")
        machine = self._machines.of(Ref("", "", (("Name", str(system["Name"])),)))
        found = _TRANSITIONS.get((given["RequestedState"], machine.state))
        if found is None:
            raise Refused(32775, f"{given['RequestedState']} from {machine.state}")
        before, (meanwhile, after) = machine.state, found
        machine.system["RequestedState"] = given["RequestedState"]
        boots = after == RUNNING and (before == OFF or given["RequestedState"] == _RESET)
        machine.change(meanwhile)

        def effect() -> None:
            if boots and before == OFF:
                self._check_start(machine, before)
            machine.change(after)
            if boots or before == SAVED:
                machine.running_since = time.monotonic()
            if after in (OFF, SAVED):
                machine.running_since = 0.0

        return host.run("Changing the state of a virtual machine", effect)

    def _interrupt(self, host: Host, system: Row, given: dict[str, Any]) -> Outcome:
        machine = self._machines.of(Ref("", "", (("Name", str(system["Name"])),)))
        if machine.state != RUNNING:
            raise Refused(32775, "only a guest that runs takes an interrupt")

        def effect() -> None:
            machine.interrupts += 1

        return host.run("Injecting a non-maskable interrupt", effect)

    def _check_start(self, machine: Machine, before: int) -> None:
        try:
            for check in self._machines.before_start:
                if why := check(machine):
                    raise JobFailed(f"'{machine.settings['ElementName']}': {why}")
            needed, free = (
                machine.quantity("Msvm_MemorySettingData"),
                self._machines.free_memory_mib(),
            )
            if needed > free:
                raise JobFailed(
                    f"'{machine.settings['ElementName']}' could not initialize memory: There is "
                    "not enough memory available to complete this operation. (0x8007000E)."
                )
            for row in machine.resources:
                for path in row["HostResource"] or ():
                    if row["ResourceSubType"] == PHYSICAL_DRIVE:
                        self._check_physical(path)
                    if row["ResourceSubType"] == HARD_DISK:
                        self._check_disk(path)
                        self._machines.require_alone(machine, row)
        except JobFailed:
            machine.change(before)
            raise

    def _check_physical(self, path: str) -> None:
        if self._machines.drive_file(path) is None:
            raise JobFailed(f"The physical disk cannot be found. '{path}' (0x80070002).")

    def _check_disk(self, path: str) -> None:
        try:
            while path:
                path = vhdx.read(self._host.file(path)).parent_path
        except FileNotFoundError as error:
            raise JobFailed(
                f"The system cannot find the file specified. '{path}' (0x80070002)."
            ) from error
        except vhdx.NotVhdx as error:
            raise JobFailed(
                f"The file or directory is corrupted. '{path}' (0x80070570)."
            ) from error

    def _components(self, name: str) -> list[Row]:
        return [
            self._host.make(
                f"Msvm_{name}Component",
                SystemName=machine.guid,
                DeviceID=f"Microsoft:{machine.guid}\\{name}",
            )
            for machine in self._machines.by_guid.values()
            if machine.listens and machine.state == RUNNING
        ]

    def _shut_down(self, host: Host, component: Row, given: dict[str, Any]) -> Outcome:
        if given.get("Force") is None or not given.get("Reason"):
            raise Refused(32773, "Force and Reason are needed")
        machine = self._machines.of(Ref("", "", (("Name", str(component["SystemName"])),)))

        def obey() -> None:
            time.sleep(_GUEST_SECONDS)
            with host.lock:
                if machine.state == RUNNING:
                    self.off(machine)

        # It returns at once; the guest takes its time.
        threading.Thread(target=obey, daemon=True).start()
        return Outcome(0)
